package riskd.rules

import data.riskd.lib

# METADATA
# title: Trusted device gone
# description: |
#   The session was on a device that its user has confirmed, and goes on without
#   that device's id or with another's. Innocent causes are cleared cookies and
#   calls that never tell a device, once a session; requests of class open are
#   let off. Trust that has merely ended counts nothing: nothing is excused by it
#   any more.
# labels:
#   rule: trust_lost
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: We no longer recognise the device that you have confirmed.
#   admin: "trusted device gone (1: no device id, 2: another): {value}"
reasons contains {"code": "trust_lost", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.trust_lost.value in {1, 2}
	input.readings.trust_lost.nats > 0
	t := lib.tuned("trust_lost", {"weight": 1, "min": 0, "max": 7})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Address changed
# description: |
#   The session moves about in networks that are known: another prefix of the
#   same network, another network of the user, or back and forth between two.
#   Mostly innocent, so that it is worth little; networks that are new to
#   everybody have rules of their own.
# labels:
#   rule: ip_change
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: Your network address has changed.
#   admin: "address moved ({change}) after {gap_s} s; {alternations} times back and forth; {roaming_nats} nats of roaming so far"
reasons contains {"code": "ip_change", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.ip_change.value in {1, 2}
	input.readings.ip_change.nats != 0
	t := lib.tuned("ip_change", {"weight": 1, "min": -2, "max": 3.5})
}

# METADATA
# title: Same place as before
# description: |
#   The request comes from the prefix of the last one or, at a login, from one
#   that the user is known to use: evidence for the session. It washes out old
#   suspicion slowly, and never makes anything of nothing.
# labels:
#   rule: same_context
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You are where you usually are.
#   admin: "prefix known ({nats} nats)"
reasons contains {"code": "same_context", "signal": "ip_change", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.ip_change.value == 0
	t := lib.tuned("same_context", {"weight": 1, "min": -1.5, "max": 0})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Trusted device in two networks
# description: |
#   The id of a trusted device is in one network, in another and in the first
#   again within minutes: two machines have it. An innocent cause is a VPN that
#   is switched on and off.
# labels:
#   rule: device_clone
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: A device that you have confirmed seems to be in two places at once.
#   admin: "device in AS{from} and again in AS{to} after {away_s} s"
reasons contains {"code": "device_clone", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.device_clone.value == 2
	t := lib.tuned("device_clone", {"weight": 1, "min": 0, "max": 7})
}

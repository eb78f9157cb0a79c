package riskd.rules

import data.riskd.lib

# METADATA
# title: Address of suddenly many users
# description: |
#   The user arrives from a prefix where he has never been, and which far more
#   users have come from today than on any usual day: passwords are being tried
#   from there, and one fits. Innocent causes are a conference, a new office, a VPN
#   that is rolled out. Offices and carriers that always have many don't count.
# labels:
#   rule: shared_address
#   severity: medium
#   group: network
#   channel: identity
# custom:
#   user: You signed in from a network that many accounts were used from today.
#   admin: "{value} users came from this prefix today, {usual} on a usual day ({kind} network)"
reasons contains {"code": "shared_address", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.shared_address.nats > 0
	input.readings.shared_address.own == 0
	t := lib.tuned("shared_address", {"weight": 1, "min": 0, "max": 3.5})
}

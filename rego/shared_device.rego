package riskd.rules

import data.riskd.lib

# METADATA
# title: Device of suddenly many users
# description: |
#   The user arrives on a machine that isn't his and that many others have used
#   all at once, as who tries accounts from one machine does; by a fingerprint it
#   says little, since popular phones share theirs. Innocent causes are a machine
#   in a classroom or a shop on its first day; families are few, and kiosks always
#   have many.
# labels:
#   rule: shared_device
#   severity: medium
#   group: device
#   channel: identity
# custom:
#   user: You signed in on a device that many accounts were used on.
#   admin: "{value} users on this device id, {usual} on a usual day; {fingerprint_users} users with this fingerprint today, {fingerprint_usual} usually"
reasons contains {"code": "shared_device", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.shared_device.nats > 0
	input.readings.shared_device.own == 0
	t := lib.tuned("shared_device", {"weight": 1, "min": 0, "max": 4})
}

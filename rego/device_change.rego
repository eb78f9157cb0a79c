package riskd.rules

import data.riskd.lib

# METADATA
# title: Device changed
# description: |
#   The session goes on in another device, goes back and forth between two, or
#   its user signs in from one that isn't known. Innocent causes are cleared
#   cookies and fingerprints that drift; an update of the browser is taken out.
# labels:
#   rule: device_change
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: We noticed activity from a device that we don't know.
#   admin: "device id {id}, fingerprint {fingerprint}; {alternations} times back and forth"
reasons contains {"code": "device_change", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.device_change.nats > 0
	t := lib.tuned("device_change", {"weight": 1, "min": 0, "max": 7})
}

# METADATA
# title: Known device
# description: The user signs in from a device that is known to be his; evidence for the session.
# labels:
#   rule: known_device
#   severity: low
#   group: device
#   channel: identity
# custom:
#   user: You are using a device that we know.
#   admin: "device id {id}, fingerprint {fingerprint}"
reasons contains {"code": "known_device", "signal": "device_change", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.device_change.nats < 0
	t := lib.tuned("known_device", {"weight": 1, "min": -2.5, "max": 0})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Trusted device
# description: |
#   A machine that its user has proved himself on explains a network or country
#   that is new for him. It does so for ordinary requests only: what is sensitive
#   is judged as if there were no trust.
# labels:
#   rule: device_trust
#   severity: low
#   group: device
#   channel: identity
# custom:
#   user: You are using a device that you have confirmed.
#   admin: "trusted device ({nats} nats)"
reasons contains {"code": "device_trust", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.request.class in {"open", "standard"}
	input.readings.device_trust.value == 1
	input.readings.device_trust.nats < 0
	t := lib.tuned("device_trust", {"weight": 1, "min": -2, "max": 0})
}

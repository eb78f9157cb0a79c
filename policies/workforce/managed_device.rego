package riskd.rules

import data.riskd.lib

# METADATA
# title: Managed device
# description: |
#   A device that device management knows and finds in order explains a network
#   that is new to its user: employees take their machines along, and a copied
#   session brings no managed machine. It speaks for ordinary requests only, for an
#   unchanged machine only, and takes away less than the new network is worth.
# labels:
#   rule: managed_device
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You are using a device that your company manages.
#   admin: "compliant device in AS{to} ({org}), new to its user ({nats} nats)"
reasons contains {"code": "managed_device", "signal": "new_network", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.device.compliant == true
	input.request.class in {"open", "standard"}
	input.readings.new_network.value == 1
	not machine_changed
	t := lib.tuned("managed_device", {"weight": -0.4, "min": -3, "max": 0})
}

machine_changed if input.readings.device_change.nats > 0

machine_changed if input.readings.user_agent_change.value > 0

machine_changed if input.readings.device_clone.nats > 0

machine_changed if input.readings.trust_lost.nats > 0

package riskd.rules

import data.riskd.lib

# METADATA
# title: VPN of those who need one
# description: |
#   Some people's work takes them behind VPNs: researchers, support for customers
#   abroad. For them the kind of the network is no evidence; that it is new still
#   is. For everybody else network_kind counts as it does.
# labels:
#   rule: vpn_by_role
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You are using a VPN, as your work has it.
#   admin: "{kind} network, excused by the user's role ({nats} nats)"
reasons contains {"code": "vpn_by_role", "signal": "network_kind", "weight": t.weight, "min": t.min, "max": t.max} if {
	t := lib.tuned("vpn_by_role", {"weight": -1, "min": -1.5, "max": 0, "roles": ["researcher"]})
	input.readings.network_kind.kind == "vpn"
	input.readings.network_kind.known == 0
	some role in input.user.roles
	role in t.roles
}

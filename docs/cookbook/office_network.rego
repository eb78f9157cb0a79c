package riskd.rules

import data.riskd.lib

# METADATA
# title: Office
# description: |
#   The request arrives in a network of the office, by its addresses: a network
#   that is new to this user is then nothing new. It takes away what the new
#   network is worth and not more, so that a machine that changes with it stays
#   evidence.
# labels:
#   rule: office_network
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You are in the office.
#   admin: "AS{to} is the office's ({nats} nats)"
reasons contains {"code": "office_network", "signal": "new_network", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.new_network.value == 1
	in_the_office
	t := lib.tuned("office_network", {"weight": -1, "min": -7, "max": 0})
}

in_the_office if net.cidr_contains("198.18.24.0/23", input.client.ip)

in_the_office if input.place.asn in {64499}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Network of the company
# description: |
#   The request arrives in a network that the company itself runs or rents: its
#   offices, the exits of its VPN, the cloud that its virtual desktops are in. The
#   list of their AS numbers is tuning, rules.corporate_network.asns. It takes
#   away what the new network is worth and what the kind of the network adds to
#   it, and hardly more; a machine that changes with the network stays evidence.
#   Don't list a cloud that anybody can rent a machine in, unless all of your
#   traffic from there has addresses of your own.
# labels:
#   rule: corporate_network
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You are in your company's network.
#   admin: "AS{to} ({org}) is the company's ({nats} nats)"
reasons contains {"code": "corporate_network", "signal": "new_network", "weight": t.weight, "min": t.min, "max": t.max} if {
	t := lib.tuned("corporate_network", {"weight": -1.3, "min": -9, "max": 0, "asns": []})
	input.place.asn in t.asns
	input.readings.new_network.value == 1
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: New network
# description: |
#   The session goes on in a network that neither it nor its user has used.
#   Innocent causes are a café, a train, a phone that leaves the wifi. A new
#   country says the same and more, so that only the deeper change counts.
# labels:
#   rule: new_network
#   severity: medium
#   group: network
#   channel: identity
# custom:
#   user: We noticed activity from a network that is new for you.
#   admin: "AS{from} → AS{to} ({org}) after {gap_s} s"
reasons contains {"code": "new_network", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.new_network.value == 1
	not input.readings.new_country.value == 1
	t := lib.tuned("new_network", {"weight": 1, "min": 0, "max": 7})
}

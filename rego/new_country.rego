package riskd.rules

import data.riskd.lib

# METADATA
# title: New country
# description: |
#   A session hardly ever changes to a country that its user has never been in;
#   a stolen one often does. Innocent causes are a border crossed and a VPN with
#   an exit abroad.
# labels:
#   rule: new_country
#   severity: high
#   group: network
#   channel: identity
# custom:
#   user: We noticed activity from a country that is new for you.
#   admin: "country {from} → {to} after {gap_s} s"
reasons contains {"code": "new_country", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.new_country.value == 1
	t := lib.tuned("new_country", {"weight": 1, "min": 0, "max": 7})
}

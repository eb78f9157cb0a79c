package riskd.rules

import data.riskd.lib

# METADATA
# title: Administrator abroad
# description: |
#   Administrators of this company work from a few countries. A request from
#   another one is answered whatever the evidence, as nobody there has any
#   business in the administration. A place that isn't known is let pass: the
#   score has its say.
# labels:
#   rule: admin_abroad
#   severity: critical
#   group: network
#   channel: identity
# custom:
#   user: Administration isn't possible from where you are.
#   admin: administrator outside the countries of the list
reasons contains {"code": "admin_abroad", "invariant": true} if {
	t := lib.tuned("admin_abroad", {"roles": ["admin"], "countries": ["FR", "DE"]})
	some role in input.user.roles
	role in t.roles
	input.place.country
	not input.place.country in t.countries
}

package riskd.rules_test

import data.riskd.rules

from_country(country, roles) := {"user": {"roles": roles}, "place": {"country": country}}

test_admin_abroad_fires if {
	rules.reasons == {{"code": "admin_abroad", "invariant": true}} with input as from_country("JP", ["support", "admin"]) with data.tuning as {}
}

test_admin_abroad_at_home if {
	count(rules.reasons) == 0 with input as from_country("FR", ["admin"]) with data.tuning as {}
}

test_admin_abroad_of_others if {
	count(rules.reasons) == 0 with input as from_country("JP", ["user"]) with data.tuning as {}
}

test_admin_abroad_of_unknown_place if {
	count(rules.reasons) == 0 with input as {"user": {"roles": ["admin"]}, "place": {}} with data.tuning as {}
}

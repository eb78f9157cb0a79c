package riskd.rules_test

import data.riskd.rules

using(type, level) := {"user": {"type": type}, "privilege": {"level": level}}

test_contractor_power_fires if {
	rules.reasons == {{"code": "contractor_power", "nats": 3, "clears_with": ["mfa"]}} with input as using("contractor", 4) with data.tuning as {}
}

test_contractor_power_within_limits if {
	count(rules.reasons) == 0 with input as using("contractor", 3) with data.tuning as {}
}

test_contractor_power_of_employees if {
	count(rules.reasons) == 0 with input as using("employee", 9) with data.tuning as {}
}

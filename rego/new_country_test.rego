package riskd.rules_test

import data.riskd.rules

test_new_country_fires if {
	rules.reasons == {{"code": "new_country", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"new_country": {"value": 1}}} with data.tuning as {}
}

test_new_country_known if {
	count(rules.reasons) == 0 with input as {"readings": {"new_country": {"value": 0}}} with data.tuning as {}
}

test_new_country_not_evaluable if {
	count(rules.reasons) == 0 with input as {"readings": {"new_country": {"missing": "place"}}} with data.tuning as {}
}

test_new_country_tuned if {
	rules.reasons == {{"code": "new_country", "weight": 0.5, "min": 0, "max": 3, "clears_with": ["mfa"]}} with input as {"readings": {"new_country": {"value": 1}}} with data.tuning as {"rules": {"new_country": {"weight": 0.5, "max": 3}}}
}

package riskd.rules_test

import data.riskd.rules

test_new_network_fires if {
	rules.reasons == {{"code": "new_network", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"new_network": {"value": 1}}} with data.tuning as {}
}

test_new_network_in_a_known_country if {
	rules.reasons == {{"code": "new_network", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"new_network": {"value": 1}, "new_country": {"value": 0}}} with data.tuning as {}
}

test_new_network_leaves_it_to_the_country if {
	rules.reasons == {{"code": "new_country", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"new_network": {"value": 1}, "new_country": {"value": 1}}} with data.tuning as {}
}

test_new_network_known if {
	count(rules.reasons) == 0 with input as {"readings": {"new_network": {"value": 0}}} with data.tuning as {}
}

test_new_network_tuned if {
	rules.reasons == {{"code": "new_network", "weight": 2, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"new_network": {"value": 1}}} with data.tuning as {"rules": {"new_network": {"weight": 2}}}
}

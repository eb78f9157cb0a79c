package riskd.rules_test

import data.riskd.rules

test_shared_address_fires if {
	rules.reasons == {{"code": "shared_address", "weight": 1, "min": 0, "max": 3.5, "clears_with": ["mfa"]}} with input as {"readings": {"shared_address": {"value": 60, "nats": 2, "own": 0}}} with data.tuning as {}
}

test_shared_address_of_an_office if {
	count(rules.reasons) == 0 with input as {"readings": {"shared_address": {"value": 60, "nats": 0, "own": 0}}} with data.tuning as {}
}

test_shared_address_of_ones_own if {
	count(rules.reasons) == 0 with input as {"readings": {"shared_address": {"value": 60, "nats": 0, "own": 1}}} with data.tuning as {}
}

test_shared_address_cannot_tell if {
	count(rules.reasons) == 0 with input as {"readings": {"shared_address": {"missing": "crowd"}}} with data.tuning as {}
}

test_shared_address_tuned if {
	rules.reasons == {{"code": "shared_address", "weight": 1, "min": 0, "max": 1, "clears_with": ["mfa"]}} with input as {"readings": {"shared_address": {"value": 60, "nats": 2, "own": 0}}} with data.tuning as {"rules": {"shared_address": {"max": 1}}}
}

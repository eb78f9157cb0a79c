package riskd.rules_test

import data.riskd.rules

test_shared_device_fires if {
	rules.reasons == {{"code": "shared_device", "weight": 1, "min": 0, "max": 4, "clears_with": ["mfa"]}} with input as {"readings": {"shared_device": {"value": 12, "nats": 3, "own": 0}}} with data.tuning as {}
}

test_shared_device_of_a_family if {
	count(rules.reasons) == 0 with input as {"readings": {"shared_device": {"value": 4, "nats": 0, "own": 0}}} with data.tuning as {}
}

test_shared_device_of_ones_own if {
	count(rules.reasons) == 0 with input as {"readings": {"shared_device": {"value": 12, "nats": 0, "own": 1}}} with data.tuning as {}
}

test_shared_device_tuned if {
	rules.reasons == {{"code": "shared_device", "weight": 0.5, "min": 0, "max": 4, "clears_with": ["mfa"]}} with input as {"readings": {"shared_device": {"value": 12, "nats": 3, "own": 0}}} with data.tuning as {"rules": {"shared_device": {"weight": 0.5}}}
}

package riskd.rules_test

import data.riskd.rules

test_device_change_fires if {
	rules.reasons == {{"code": "device_change", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"device_change": {"value": 2, "nats": 4}}} with data.tuning as {}
}

test_device_change_back_and_forth if {
	rules.reasons == {{"code": "device_change", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"device_change": {"value": 3, "nats": 3}}} with data.tuning as {}
}

test_device_change_explained if {
	count(rules.reasons) == 0 with input as {"readings": {"device_change": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_device_change_same if {
	count(rules.reasons) == 0 with input as {"readings": {"device_change": {"value": 0, "nats": 0}}} with data.tuning as {}
}

test_device_change_tuned if {
	rules.reasons == {{"code": "device_change", "weight": 1, "min": 0, "max": 3, "clears_with": ["mfa"]}} with input as {"readings": {"device_change": {"value": 2, "nats": 4}}} with data.tuning as {"rules": {"device_change": {"max": 3}}}
}

test_known_device_fires if {
	rules.reasons == {{"code": "known_device", "signal": "device_change", "weight": 1, "min": -2.5, "max": 0}} with input as {"readings": {"device_change": {"value": 0, "nats": -2.5}}} with data.tuning as {}
}

test_known_device_tuned if {
	rules.reasons == {{"code": "known_device", "signal": "device_change", "weight": 1, "min": -1, "max": 0}} with input as {"readings": {"device_change": {"value": 0, "nats": -2.5}}} with data.tuning as {"rules": {"known_device": {"min": -1}}}
}

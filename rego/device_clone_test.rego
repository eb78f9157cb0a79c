package riskd.rules_test

import data.riskd.rules

device_clone := {"code": "device_clone", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}

test_device_clone_fires if {
	rules.reasons == {device_clone} with input as {"readings": {"device_clone": {"value": 2, "nats": 7}}} with data.tuning as {}
}

test_device_clone_a_telephone if {
	count(rules.reasons) == 0 with input as {"readings": {"device_clone": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_device_clone_one_place if {
	count(rules.reasons) == 0 with input as {"readings": {"device_clone": {"value": 0, "nats": 0}}} with data.tuning as {}
}

test_device_clone_tuned if {
	rules.reasons == {object.union(device_clone, {"weight": 0.5})} with input as {"readings": {"device_clone": {"value": 2, "nats": 7}}} with data.tuning as {"rules": {"device_clone": {"weight": 0.5}}}
}

package riskd.rules_test

import data.riskd.rules

test_device_drift_fires if {
	rules.reasons == {{"code": "device_drift", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"device_drift": {"value": 1, "nats": 4}}} with data.tuning as {}
}

test_device_drift_explained if {
	count(rules.reasons) == 0 with input as {"readings": {"device_drift": {"value": 2, "nats": 0, "explained": "update"}}} with data.tuning as {}
}

test_device_drift_cannot_tell if {
	count(rules.reasons) == 0 with input as {"readings": {"device_drift": {"missing": "attributes"}}} with data.tuning as {}
}

test_device_drift_tuned if {
	rules.reasons == {{"code": "device_drift", "weight": 1, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as {"readings": {"device_drift": {"value": 1, "nats": 4}}} with data.tuning as {"rules": {"device_drift": {"max": 2}}}
}

package riskd.rules_test

import data.riskd.rules

test_request_rate_fires if {
	rules.reasons == {{"code": "request_rate", "weight": 1, "min": 0, "max": 0.35, "clears_with": ["mfa"]}} with input as {"readings": {"request_rate": {"value": 3, "nats": 0.14}}} with data.tuning as {}
}

test_request_rate_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"request_rate": {"value": 1.9, "nats": 0}}} with data.tuning as {}
}

test_request_rate_tuned if {
	rules.reasons == {{"code": "request_rate", "weight": 2, "min": 0, "max": 0.5, "clears_with": ["mfa"]}} with input as {"readings": {"request_rate": {"value": 3, "nats": 0.14}}} with data.tuning as {"rules": {"request_rate": {"weight": 2, "max": 0.5}}}
}

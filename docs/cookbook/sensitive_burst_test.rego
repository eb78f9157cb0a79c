package riskd.rules_test

import data.riskd.rules

paced(class, rate) := {"request": {"class": class}, "readings": {"request_rate": {"value": 1, "nats": 0, "rate_per_min": rate}}}

test_sensitive_burst_fires if {
	rules.reasons == {{"code": "sensitive_burst", "signal": "request_rate", "nats": 1, "clears_with": ["mfa"]}} with input as paced("sensitive", 10.1) with data.tuning as {}
}

test_sensitive_burst_at_a_walk if {
	count(rules.reasons) == 0 with input as paced("sensitive", 10) with data.tuning as {}
}

test_sensitive_burst_of_ordinary_routes if {
	count(rules.reasons) == 0 with input as paced("standard", 300) with data.tuning as {}
}

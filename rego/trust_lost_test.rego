package riskd.rules_test

import data.riskd.rules

trust_lost := {"code": "trust_lost", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}

test_trust_lost_no_device if {
	rules.reasons == {trust_lost} with input as {"readings": {"trust_lost": {"value": 1, "nats": 7}}} with data.tuning as {}
}

test_trust_lost_another_device if {
	rules.reasons == {trust_lost} with input as {"readings": {"trust_lost": {"value": 2, "nats": 7}}} with data.tuning as {}
}

test_trust_lost_once if {
	count(rules.reasons) == 0 with input as {"readings": {"trust_lost": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_trust_lost_by_time if {
	count(rules.reasons) == 0 with input as {"readings": {"trust_lost": {"value": 3, "nats": 0}}} with data.tuning as {}
}

test_trust_lost_not_evaluable if {
	count(rules.reasons) == 0 with input as {"readings": {"trust_lost": {"missing": "device"}}} with data.tuning as {}
}

test_trust_lost_tuned if {
	rules.reasons == {object.union(trust_lost, {"max": 3})} with input as {"readings": {"trust_lost": {"value": 1, "nats": 7}}} with data.tuning as {"rules": {"trust_lost": {"max": 3}}}
}

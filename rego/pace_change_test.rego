package riskd.rules_test

import data.riskd.rules

pace_change_reason := {"code": "pace_change", "weight": 1, "min": -0.4, "max": 0.35, "clears_with": ["mfa"]}

test_pace_change_fires if {
	rules.reasons == {pace_change_reason} with input as {"readings": {"pace_change": {"value": 1, "nats": 0.3}}} with data.tuning as {}
}

test_pace_change_takes_back if {
	rules.reasons == {pace_change_reason} with input as {"readings": {"pace_change": {"value": 1, "nats": -0.1}}} with data.tuning as {}
}

test_pace_change_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"pace_change": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_pace_change_without_history if {
	count(rules.reasons) == 0 with input as {"readings": {"pace_change": {"missing": "history"}}} with data.tuning as {}
}

test_pace_change_tuned if {
	tuned := {"rules": {"pace_change": {"weight": 0.5, "max": 0.25}}}
	want := object.union(pace_change_reason, {"weight": 0.5, "max": 0.25})
	rules.reasons == {want} with input as {"readings": {"pace_change": {"value": 1, "nats": 0.3}}} with data.tuning as tuned
}

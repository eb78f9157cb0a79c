package riskd.rules_test

import data.riskd.rules

slow_exfiltration_reason := {"code": "slow_exfiltration", "weight": 1, "min": -0.35, "max": 0.6, "clears_with": ["mfa"]}

test_slow_exfiltration_fires if {
	rules.reasons == {slow_exfiltration_reason} with input as {"readings": {"slow_exfiltration": {"value": 1, "nats": 0.3}}} with data.tuning as {}
}

test_slow_exfiltration_takes_back if {
	rules.reasons == {slow_exfiltration_reason} with input as {"readings": {"slow_exfiltration": {"value": 1, "nats": -0.1}}} with data.tuning as {}
}

test_slow_exfiltration_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"slow_exfiltration": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_slow_exfiltration_without_history if {
	count(rules.reasons) == 0 with input as {"readings": {"slow_exfiltration": {"missing": "history"}}} with data.tuning as {}
}

test_slow_exfiltration_tuned if {
	tuned := {"rules": {"slow_exfiltration": {"weight": 0.5, "max": 0.25}}}
	want := object.union(slow_exfiltration_reason, {"weight": 0.5, "max": 0.25})
	rules.reasons == {want} with input as {"readings": {"slow_exfiltration": {"value": 1, "nats": 0.3}}} with data.tuning as tuned
}

package riskd.rules_test

import data.riskd.rules

privilege_burst_reason := {"code": "privilege_burst", "weight": 1, "min": -0.35, "max": 1.6, "clears_with": ["mfa"]}

test_privilege_burst_fires if {
	rules.reasons == {privilege_burst_reason} with input as {"readings": {"privilege_burst": {"value": 1, "nats": 0.3}}} with data.tuning as {}
}

test_privilege_burst_takes_back if {
	rules.reasons == {privilege_burst_reason} with input as {"readings": {"privilege_burst": {"value": 1, "nats": -0.1}}} with data.tuning as {}
}

test_privilege_burst_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"privilege_burst": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_privilege_burst_without_history if {
	count(rules.reasons) == 0 with input as {"readings": {"privilege_burst": {"missing": "history"}}} with data.tuning as {}
}

test_privilege_burst_tuned if {
	tuned := {"rules": {"privilege_burst": {"weight": 0.5, "max": 0.25}}}
	want := object.union(privilege_burst_reason, {"weight": 0.5, "max": 0.25})
	rules.reasons == {want} with input as {"readings": {"privilege_burst": {"value": 1, "nats": 0.3}}} with data.tuning as tuned
}

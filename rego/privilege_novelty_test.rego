package riskd.rules_test

import data.riskd.rules

privilege_novelty_reason := {"code": "privilege_novelty", "weight": 1, "min": 0, "max": 1.2, "clears_with": ["mfa"]}

test_privilege_novelty_fires if {
	rules.reasons == {privilege_novelty_reason} with input as {"readings": {"privilege_novelty": {"value": 1, "nats": 0.3}}} with data.tuning as {}
}

test_privilege_novelty_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"privilege_novelty": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_privilege_novelty_without_history if {
	count(rules.reasons) == 0 with input as {"readings": {"privilege_novelty": {"missing": "history"}}} with data.tuning as {}
}

test_privilege_novelty_tuned if {
	tuned := {"rules": {"privilege_novelty": {"weight": 0.5, "max": 0.25}}}
	want := object.union(privilege_novelty_reason, {"weight": 0.5, "max": 0.25})
	rules.reasons == {want} with input as {"readings": {"privilege_novelty": {"value": 1, "nats": 0.3}}} with data.tuning as tuned
}

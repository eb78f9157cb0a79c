package riskd.rules_test

import data.riskd.rules

route_novelty_reason := {"code": "route_novelty", "weight": 1, "min": -0.1, "max": 0.45, "clears_with": ["mfa"]}

test_route_novelty_fires if {
	rules.reasons == {route_novelty_reason} with input as {"readings": {"route_novelty": {"value": 1, "nats": 0.3}}} with data.tuning as {}
}

test_route_novelty_takes_back if {
	rules.reasons == {route_novelty_reason} with input as {"readings": {"route_novelty": {"value": 1, "nats": -0.1}}} with data.tuning as {}
}

test_route_novelty_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"route_novelty": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_route_novelty_without_history if {
	count(rules.reasons) == 0 with input as {"readings": {"route_novelty": {"missing": "history"}}} with data.tuning as {}
}

test_route_novelty_tuned if {
	tuned := {"rules": {"route_novelty": {"weight": 0.5, "max": 0.25}}}
	want := object.union(route_novelty_reason, {"weight": 0.5, "max": 0.25})
	rules.reasons == {want} with input as {"readings": {"route_novelty": {"value": 1, "nats": 0.3}}} with data.tuning as tuned
}

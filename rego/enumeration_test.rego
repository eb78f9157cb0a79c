package riskd.rules_test

import data.riskd.rules

looked(value, nats) := {"readings": {"enumeration": {"value": value, "nats": nats, "routes": 3, "objects": 80, "refused_share": -1}}}

test_enumeration_fires if {
	rules.reasons == {{"code": "enumeration", "weight": 1, "min": 0, "max": 4, "clears_with": ["mfa"]}} with input as looked(1.4, 0.9) with data.tuning as {}
}

test_enumeration_as_usual if {
	count(rules.reasons) == 0 with input as looked(0.5, 0) with data.tuning as {}
}

test_enumeration_tuned if {
	rules.reasons == {{"code": "enumeration", "weight": 2, "min": 0, "max": 3, "clears_with": ["mfa"]}} with input as looked(1.4, 0.9) with data.tuning as {"rules": {"enumeration": {"weight": 2, "max": 3}}}
}

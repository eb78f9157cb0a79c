package riskd.rules_test

import data.riskd.rules

test_session_count_fires if {
	rules.reasons == {{"code": "session_count", "weight": 1, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as {"readings": {"session_count": {"value": 2, "nats": 1.5, "elsewhere": "country"}}} with data.tuning as {}
}

test_session_count_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"session_count": {"value": 2, "nats": 0}}} with data.tuning as {}
}

test_session_count_tuned if {
	rules.reasons == {{"code": "session_count", "weight": 2, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as {"readings": {"session_count": {"value": 5, "nats": 1}}} with data.tuning as {"rules": {"session_count": {"weight": 2}}}
}

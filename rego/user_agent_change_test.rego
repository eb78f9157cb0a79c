package riskd.rules_test

import data.riskd.rules

test_user_agent_change_fires if {
	rules.reasons == {{"code": "user_agent_change", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"user_agent_change": {"value": 3, "nats": 7}}} with data.tuning as {}
}

test_user_agent_change_update if {
	rules.reasons == {{"code": "user_agent_change", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as {"readings": {"user_agent_change": {"value": 1, "nats": 2}}} with data.tuning as {}
}

test_user_agent_change_same if {
	count(rules.reasons) == 0 with input as {"readings": {"user_agent_change": {"value": 0, "nats": 0}}} with data.tuning as {}
}

test_user_agent_change_not_evaluable if {
	count(rules.reasons) == 0 with input as {"readings": {"user_agent_change": {"missing": "user_agent"}}} with data.tuning as {}
}

test_user_agent_change_tuned if {
	rules.reasons == {{"code": "user_agent_change", "weight": 1, "min": 0, "max": 5, "clears_with": ["mfa"]}} with input as {"readings": {"user_agent_change": {"value": 3, "nats": 7}}} with data.tuning as {"rules": {"user_agent_change": {"max": 5}}}
}

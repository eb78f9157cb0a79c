package riskd.rules_test

import data.riskd.rules

test_ip_change_prefix if {
	rules.reasons == {{"code": "ip_change", "weight": 1, "min": -2, "max": 3.5, "clears_with": ["mfa"]}} with input as {"readings": {"ip_change": {"value": 1, "nats": 2.5}}} with data.tuning as {}
}

test_ip_change_known_network if {
	rules.reasons == {{"code": "ip_change", "weight": 1, "min": -2, "max": 3.5, "clears_with": ["mfa"]}} with input as {"readings": {"ip_change": {"value": 2, "nats": -0.9}}} with data.tuning as {}
}

test_ip_change_return_is_no_news if {
	count(rules.reasons) == 0 with input as {"readings": {"ip_change": {"value": 1, "nats": 0}}} with data.tuning as {}
}

test_ip_change_new_network_is_not_ours if {
	count(rules.reasons) == 0 with input as {"readings": {"ip_change": {"value": 3, "nats": 0}}} with data.tuning as {}
}

test_ip_change_tuned if {
	rules.reasons == {{"code": "ip_change", "weight": 0.5, "min": -2, "max": 2, "clears_with": ["mfa"]}} with input as {"readings": {"ip_change": {"value": 1, "nats": 2.5}}} with data.tuning as {"rules": {"ip_change": {"weight": 0.5, "max": 2}}}
}

test_same_context_fires if {
	rules.reasons == {{"code": "same_context", "signal": "ip_change", "weight": 1, "min": -1.5, "max": 0}} with input as {"readings": {"ip_change": {"value": 0, "nats": -0.04}}} with data.tuning as {}
}

test_same_context_not_evaluable if {
	count(rules.reasons) == 0 with input as {"readings": {"ip_change": {"missing": "history"}}} with data.tuning as {}
}

test_same_context_tuned if {
	rules.reasons == {{"code": "same_context", "signal": "ip_change", "weight": 0, "min": -1.5, "max": 0}} with input as {"readings": {"ip_change": {"value": 0, "nats": -0.04}}} with data.tuning as {"rules": {"same_context": {"weight": 0}}}
}

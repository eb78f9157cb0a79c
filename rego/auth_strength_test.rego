package riskd.rules_test

import data.riskd.rules

authenticated(level, nats) := {"readings": {"auth_strength": {"value": level, "nats": nats, "asked": 2, "short": 1, "acr": "aal1"}}}

test_auth_strength_fires if {
	rules.reasons == {{"code": "auth_strength", "weight": 1, "min": 0, "max": 1.2, "clears_with": ["mfa"]}} with input as authenticated(1, 0.4) with data.tuning as {}
}

test_auth_strength_weighed_already if {
	count(rules.reasons) == 0 with input as authenticated(1, 0) with data.tuning as {}
}

test_auth_strength_unknown if {
	count(rules.reasons) == 0 with input as {"readings": {"auth_strength": {"missing": "authentication"}}} with data.tuning as {}
}

test_auth_strength_tuned if {
	rules.reasons == {{"code": "auth_strength", "weight": 2, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as authenticated(1, 0.4) with data.tuning as {"rules": {"auth_strength": {"weight": 2, "max": 2}}}
}

test_strong_authentication_fires if {
	rules.reasons == {{"code": "strong_authentication", "signal": "auth_strength", "weight": 1, "min": -1, "max": 0}} with input as authenticated(3, -1) with data.tuning as {}
}

test_strong_authentication_tuned if {
	rules.reasons == {{"code": "strong_authentication", "signal": "auth_strength", "weight": 1, "min": -0.5, "max": 0}} with input as authenticated(3, -1) with data.tuning as {"rules": {"strong_authentication": {"min": -0.5}}}
}

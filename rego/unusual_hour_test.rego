package riskd.rules_test

import data.riskd.rules

hour(share, nats) := {"readings": {"unusual_hour": {"value": share, "nats": nats, "hour": 2, "logins": 50}}}

test_unusual_hour_fires if {
	rules.reasons == {{"code": "unusual_hour", "weight": 1, "min": 0, "max": 1.5, "clears_with": ["mfa"]}} with input as hour(0.01, 1.4) with data.tuning as {}
}

test_unusual_hour_in_between if {
	count(rules.reasons) == 0 with input as hour(0.01, 0) with data.tuning as {}
}

test_unusual_hour_tuned if {
	rules.reasons == {{"code": "unusual_hour", "weight": 1, "min": 0, "max": 1, "clears_with": ["mfa"]}} with input as hour(0.01, 1.4) with data.tuning as {"rules": {"unusual_hour": {"max": 1}}}
}

test_usual_hour_fires if {
	rules.reasons == {{"code": "usual_hour", "signal": "unusual_hour", "weight": 1, "min": -0.5, "max": 0}} with input as hour(0.3, -0.5) with data.tuning as {}
}

test_usual_hour_tuned if {
	rules.reasons == {{"code": "usual_hour", "signal": "unusual_hour", "weight": 0.5, "min": -0.5, "max": 0}} with input as hour(0.3, -0.5) with data.tuning as {"rules": {"usual_hour": {"weight": 0.5}}}
}

package riskd.rules_test

import data.riskd.rules

scripted(value, nats) := {"readings": {"automation": {"value": value, "nats": nats, "gaps": 10, "variation": 0.08, "targets": 5, "agent": "browser"}}}

test_automation_fires if {
	rules.reasons == {{"code": "automation", "weight": 1, "min": 0, "max": 7, "clears_with": ["mfa"]}} with input as scripted(1, 0.7) with data.tuning as {}
}

test_automation_weighed_already if {
	count(rules.reasons) == 0 with input as scripted(1, 0) with data.tuning as {}
}

test_automation_by_hand if {
	count(rules.reasons) == 0 with input as scripted(0, 0) with data.tuning as {}
}

test_automation_tuned if {
	rules.reasons == {{"code": "automation", "weight": 0.5, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as scripted(1, 4.2) with data.tuning as {"rules": {"automation": {"weight": 0.5, "max": 2}}}
}

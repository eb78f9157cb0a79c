package riskd.rules_test

import data.riskd.rules

at_hour(time, type) := {"user": {"type": type}, "event": {"time": time}}

test_service_hours_fires if {
	rules.reasons == {{"code": "service_hours", "invariant": true}} with input as at_hour("2026-02-20T22:00:00Z", "service") with data.tuning as {}
	rules.reasons == {{"code": "service_hours", "invariant": true}} with input as at_hour("2026-02-20T04:59:59Z", "service") with data.tuning as {}
}

test_service_hours_in_the_day if {
	count(rules.reasons) == 0 with input as at_hour("2026-02-20T05:00:00Z", "service") with data.tuning as {}
	count(rules.reasons) == 0 with input as at_hour("2026-02-20T21:59:59Z", "service") with data.tuning as {}
}

test_service_hours_of_people if {
	count(rules.reasons) == 0 with input as at_hour("2026-02-20T23:00:00Z", "employee") with data.tuning as {}
}

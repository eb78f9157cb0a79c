package riskd.rules_test

import data.riskd.rules

aged(class, age, proof) := {"request": {"class": class}, "session": {"age_s": age, "auth_age_s": proof}}

test_old_admin_session_fires if {
	want := {{"code": "old_admin_session", "nats": 0, "clears_with": ["mfa"]}}
	rules.reasons == want with input as aged("admin", 14401, 301) with data.tuning as {}
	rules.reasons == want with input as {"request": {"class": "admin"}, "session": {"age_s": 20000}} with data.tuning as {}
}

test_old_admin_session_proved if {
	count(rules.reasons) == 0 with input as aged("admin", 14401, 300) with data.tuning as {}
}

test_old_admin_session_young if {
	count(rules.reasons) == 0 with input as aged("admin", 14400, 9000) with data.tuning as {}
}

test_old_admin_session_of_ordinary_routes if {
	count(rules.reasons) == 0 with input as aged("standard", 90000, 90000) with data.tuning as {}
}

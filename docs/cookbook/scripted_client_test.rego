package riskd.rules_test

import data.riskd.rules

begun_in(program, type) := {"session": {"requests": 0}, "user": {"type": type}, "client": {"user_agent": program}}

test_scripted_client_fires if {
	want := {{"code": "scripted_client", "nats": 4, "clears_with": ["mfa"]}}
	rules.reasons == want with input as begun_in("python-requests/2.32.3", "employee") with data.tuning as {}
	rules.reasons == want with input as begun_in("Mozilla/5.0 (X11) HeadlessChrome/131.0.0.0", "employee") with data.tuning as {}
	rules.reasons == want with input as {"session": {"requests": 0}, "client": {"user_agent": "curl/8.5.0"}} with data.tuning as {}
}

test_scripted_client_in_a_browser if {
	count(rules.reasons) == 0 with input as begun_in("Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0", "employee") with data.tuning as {}
}

test_scripted_client_of_a_service if {
	count(rules.reasons) == 0 with input as begun_in("python-requests/2.32.3", "service") with data.tuning as {}
}

test_scripted_client_once if {
	later := object.union(begun_in("curl/8.5.0", "employee"), {"session": {"requests": 1}})
	count(rules.reasons) == 0 with input as later with data.tuning as {}
}

package riskd.rules_test

import data.riskd.rules

auth_aged(age, nats) := {"readings": {"auth_age": {"value": age, "nats": nats}}}

auth_age := {"code": "auth_age", "weight": 1, "min": 0, "max": 1, "clears_with": ["mfa"]}

test_auth_age_fires if {
	rules.reasons == {auth_age} with input as auth_aged(900, 0.35) with data.tuning as {}
}

test_auth_age_on_ordinary_requests if {
	count(rules.reasons) == 0 with input as auth_aged(900, 0) with data.tuning as {}
}

test_auth_age_where_a_proof_is_asked_for if {
	count(rules.reasons) == 0 with input as auth_aged(901, 0.35) with data.tuning as {}
}

test_auth_age_where_proofs_last if {
	lasting := {"rules": {"stale_proof": {"max_age_s": 28800}}}
	rules.reasons == {auth_age} with input as auth_aged(7200, 0.8) with data.tuning as lasting
}

test_auth_age_tuned if {
	rules.reasons == {object.union(auth_age, {"weight": 2, "max": 2})} with input as auth_aged(600, 0.27) with data.tuning as {"rules": {"auth_age": {"weight": 2, "max": 2}}}
}

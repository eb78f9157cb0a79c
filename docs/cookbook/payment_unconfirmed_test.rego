package riskd.rules_test

import data.riskd.rules

pays(action, trusted, session) := {"privilege": {"action": action}, "device": {"trusted": trusted}, "session": session}

test_payment_unconfirmed_fires if {
	want := {{"code": "payment_unconfirmed", "nats": 0, "clears_with": ["mfa"]}}
	rules.reasons == want with input as pays("transfer", false, {"amr": ["pwd"], "auth_age_s": 10}) with data.tuning as {}
	rules.reasons == want with input as pays("payment", false, {"amr": ["pwd", "otp"], "auth_age_s": 601}) with data.tuning as {}
}

test_payment_unconfirmed_on_a_confirmed_device if {
	count(rules.reasons) == 0 with input as pays("payment", true, {"amr": ["pwd"], "auth_age_s": 10}) with data.tuning as {}
}

test_payment_unconfirmed_just_proved if {
	count(rules.reasons) == 0 with input as pays("payment", false, {"acr": "aal2", "auth_age_s": 600}) with data.tuning as {}
	count(rules.reasons) == 0 with input as pays("payment", false, {"amr": ["pwd", "otp"], "auth_age_s": 600}) with data.tuning as {}
}

test_payment_unconfirmed_of_nothing if {
	count(rules.reasons) == 0 with input as pays("review", false, {"amr": ["pwd"], "auth_age_s": 10}) with data.tuning as {}
}

package riskd.rules_test

import data.riskd.rules

account_change := {"code": "account_change", "nats": 0, "clears_with": ["mfa"]}

changed(action, session) := {"privilege": {"action": action}, "device": {"trusted": true}, "session": session}

test_account_change_fires if {
	rules.reasons == {account_change} with input as changed("address_change", {"amr": ["pwd"], "auth_age_s": 60}) with data.tuning as {}
	rules.reasons == {account_change} with input as changed("email_change", {"amr": ["otp"], "auth_age_s": 601}) with data.tuning as {}
	rules.reasons == {account_change} with input as changed("payout_change", {"amr": ["otp"]}) with data.tuning as {}
}

test_account_change_just_proved if {
	count(rules.reasons) == 0 with input as changed("address_change", {"amr": ["otp"], "auth_age_s": 600}) with data.tuning as {}
	count(rules.reasons) == 0 with input as changed("address_change", {"acr": "phr", "auth_age_s": 600}) with data.tuning as {}
}

test_account_change_of_nothing if {
	count(rules.reasons) == 0 with input as changed("review", {"amr": ["pwd"], "auth_age_s": 60}) with data.tuning as {}
}

test_account_change_by_route if {
	tuned := {"rules": {"account_change": {"routes": ["/account/address"]}}}
	by_route := {"request": {"route": "/account/address"}, "session": {"amr": ["pwd"], "auth_age_s": 60}}
	rules.reasons == {account_change} with input as by_route with data.tuning as tuned
	count(rules.reasons) == 0 with input as by_route with data.tuning as {}
}

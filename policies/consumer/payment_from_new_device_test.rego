package riskd.rules_test

import data.riskd.rules

payment_from_new_device := {"code": "payment_from_new_device", "nats": 0, "clears_with": ["mfa"]}

paid(changes) := object.union(
	{
		"privilege": {"action": "payment"},
		"device": {"trusted": false},
		"user": {"young": false},
		"session": {"acr": "aal1", "amr": ["pwd"], "auth_age_s": 60},
	},
	changes,
)

test_payment_from_new_device_fires if {
	rules.reasons == {payment_from_new_device} with input as paid({}) with data.tuning as {}
	old := {"session": {"amr": ["pwd", "otp"], "auth_age_s": 601}}
	rules.reasons == {payment_from_new_device} with input as paid(old) with data.tuning as {}
}

test_payment_from_new_device_that_is_confirmed if {
	count(rules.reasons) == 0 with input as paid({"device": {"trusted": true}}) with data.tuning as {}
}

test_payment_from_new_device_just_proved if {
	by_code := {"session": {"amr": ["pwd", "otp"], "auth_age_s": 600}}
	count(rules.reasons) == 0 with input as paid(by_code) with data.tuning as {}
	by_level := {"session": {"acr": "aal2", "auth_age_s": 600}}
	count(rules.reasons) == 0 with input as paid(by_level) with data.tuning as {}
}

test_payment_from_new_device_of_a_new_customer if {
	count(rules.reasons) == 0 with input as paid({"user": {"young": true}}) with data.tuning as {}
}

test_payment_from_new_device_without_a_payment if {
	count(rules.reasons) == 0 with input as paid({"privilege": {"action": "search"}}) with data.tuning as {}
}

test_payment_from_new_device_by_route if {
	tuned := {"rules": {"payment_from_new_device": {"routes": ["/checkout/pay"]}}}
	by_route := object.union(object.remove(paid({}), ["privilege"]), {"request": {"route": "/checkout/pay"}})
	rules.reasons == {payment_from_new_device} with input as by_route with data.tuning as tuned
	count(rules.reasons) == 0 with input as by_route with data.tuning as {}
}

package riskd.rules_test

import data.riskd.rules

weak_proof := {"code": "weak_proof", "nats": 0, "clears_with": ["mfa"]}

admin_after(session) := {"request": {"class": "admin"}, "session": object.union({"requests": 5, "status": "active"}, session)}

test_weak_proof_fires if {
	rules.reasons == {weak_proof} with input as admin_after({"acr": "aal2", "amr": ["pwd", "otp"]}) with data.tuning as {}
	rules.reasons == {weak_proof} with input as admin_after({"amr": []}) with data.tuning as {}
}

test_weak_proof_after_a_key if {
	count(rules.reasons) == 0 with input as admin_after({"acr": "phr"}) with data.tuning as {}
	count(rules.reasons) == 0 with input as admin_after({"amr": ["pin", "hwk"]}) with data.tuning as {}
}

test_weak_proof_of_what_is_not_administration if {
	read := object.union(admin_after({"amr": ["pwd"]}), {"request": {"class": "sensitive"}})
	count(rules.reasons) == 0 with input as read with data.tuning as {}
}

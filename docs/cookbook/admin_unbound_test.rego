package riskd.rules_test

import data.riskd.rules

bound(class, verified) := {"request": {"class": class}, "session": {"binding": {"verified": verified}}}

test_admin_unbound_fires if {
	rules.reasons == {{"code": "admin_unbound", "invariant": true}} with input as bound("admin", false) with data.tuning as {}
}

test_admin_unbound_proved if {
	count(rules.reasons) == 0 with input as bound("admin", true) with data.tuning as {}
}

test_admin_unbound_of_ordinary_routes if {
	count(rules.reasons) == 0 with input as bound("sensitive", false) with data.tuning as {}
}

package riskd.rules_test

import data.riskd.rules

answered(status, class) := {"request": {"status": status, "class": class}}

test_probing_fires if {
	rules.reasons == {{"code": "probing", "nats": 0.8, "clears_with": ["mfa"]}} with input as answered(404, "standard") with data.tuning as {}
	rules.reasons == {{"code": "probing", "nats": 2, "clears_with": ["mfa"]}} with input as answered(405, "sensitive") with data.tuning as {"rules": {"probing": {"nats": 2}}}
}

test_probing_answered_well if {
	count(rules.reasons) == 0 with input as answered(200, "standard") with data.tuning as {}
}

test_probing_of_public_pages if {
	count(rules.reasons) == 0 with input as answered(404, "open") with data.tuning as {}
}

test_probing_not_answered_yet if {
	count(rules.reasons) == 0 with input as {"request": {"class": "standard"}} with data.tuning as {}
}

package riskd.rules_test

import data.riskd.rules

over(network, class, age) := {"place": {"network": network}, "request": {"class": class}, "session": {"auth_age_s": age}}

test_tor_sensitive_fires if {
	rules.reasons == {{"code": "tor_sensitive", "nats": 0, "clears_with": ["mfa"]}} with input as over("tor", "sensitive", 601) with data.tuning as {}
}

test_tor_sensitive_proved if {
	count(rules.reasons) == 0 with input as over("tor", "sensitive", 600) with data.tuning as {}
}

test_tor_sensitive_of_ordinary_routes if {
	count(rules.reasons) == 0 with input as over("tor", "standard", 9000) with data.tuning as {}
}

test_tor_sensitive_elsewhere if {
	count(rules.reasons) == 0 with input as over("vpn", "sensitive", 9000) with data.tuning as {}
}

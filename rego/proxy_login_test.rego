package riskd.rules_test

import data.riskd.rules

test_proxy_login_fires if {
	rules.reasons == {{"code": "proxy_login", "weight": 1, "min": 0, "max": 5.5, "clears_with": ["mfa"]}} with input as {"readings": {"proxy_login": {"value": 1, "nats": 5, "relayed": 1}}} with data.tuning as {}
}

test_proxy_login_explained if {
	count(rules.reasons) == 0 with input as {"readings": {"proxy_login": {"value": 1, "nats": 0, "explained": "prefix"}}} with data.tuning as {}
}

test_proxy_login_fits if {
	count(rules.reasons) == 0 with input as {"readings": {"proxy_login": {"value": 0, "nats": 0}}} with data.tuning as {}
}

test_proxy_login_tuned if {
	rules.reasons == {{"code": "proxy_login", "weight": 1, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as {"readings": {"proxy_login": {"value": 3, "nats": 5}}} with data.tuning as {"rules": {"proxy_login": {"max": 2}}}
}

package riskd.rules_test

import data.riskd.rules

tls_changed(value, nats) := {"readings": {"tls_fingerprint_change": {"value": value, "nats": nats, "transport": "tcp"}}}

test_tls_fingerprint_change_fires if {
	rules.reasons == {{"code": "tls_fingerprint_change", "weight": 1, "min": 0, "max": 4, "clears_with": ["mfa"]}} with input as tls_changed(2, 5) with data.tuning as {}
}

test_tls_fingerprint_change_extensions if {
	rules.reasons == {{"code": "tls_fingerprint_change", "weight": 1, "min": 0, "max": 4, "clears_with": ["mfa"]}} with input as tls_changed(1, 0.5) with data.tuning as {}
}

test_tls_fingerprint_change_explained if {
	count(rules.reasons) == 0 with input as tls_changed(2, 0) with data.tuning as {}
}

test_tls_fingerprint_change_same if {
	count(rules.reasons) == 0 with input as tls_changed(0, 0) with data.tuning as {}
}

test_tls_fingerprint_change_not_evaluable if {
	count(rules.reasons) == 0 with input as {"readings": {"tls_fingerprint_change": {"missing": "ja4"}}} with data.tuning as {}
}

test_tls_fingerprint_change_tuned if {
	rules.reasons == {{"code": "tls_fingerprint_change", "weight": 0.5, "min": 0, "max": 3, "clears_with": ["mfa"]}} with input as tls_changed(2, 5) with data.tuning as {"rules": {"tls_fingerprint_change": {"weight": 0.5, "max": 3}}}
}

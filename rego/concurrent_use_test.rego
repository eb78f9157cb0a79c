package riskd.rules_test

import data.riskd.rules

turned(value, nats) := {"readings": {"concurrent_use": {"value": value, "nats": nats, "asn": 64496, "away_s": 20, "machine": "same"}}}

test_concurrent_use_fires if {
	rules.reasons == {{"code": "concurrent_use", "weight": 1, "min": 0, "max": 3}} with input as turned(1, 2) with data.tuning as {}
}

test_concurrent_use_innocent if {
	count(rules.reasons) == 0 with input as turned(4, 0) with data.tuning as {}
}

test_concurrent_use_tuned if {
	rules.reasons == {{"code": "concurrent_use", "weight": 0.5, "min": 0, "max": 2}} with input as turned(1, 2) with data.tuning as {"rules": {"concurrent_use": {"weight": 0.5, "max": 2}}}
}

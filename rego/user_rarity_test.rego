package riskd.rules_test

import data.riskd.rules

test_user_rarity_fires if {
	rules.reasons == {{"code": "user_rarity", "weight": 1, "min": 0, "max": 3, "clears_with": ["mfa"]}} with input as {"readings": {"user_rarity": {"value": 3, "nats": 1.2}}} with data.tuning as {}
}

test_user_rarity_usual if {
	count(rules.reasons) == 0 with input as {"readings": {"user_rarity": {"value": 3, "nats": 0}}} with data.tuning as {}
}

test_user_rarity_cannot_tell if {
	count(rules.reasons) == 0 with input as {"readings": {"user_rarity": {"missing": "crowd"}}} with data.tuning as {}
}

test_user_rarity_tuned if {
	rules.reasons == {{"code": "user_rarity", "weight": 1, "min": 0, "max": 1, "clears_with": ["mfa"]}} with input as {"readings": {"user_rarity": {"value": 3, "nats": 1.2}}} with data.tuning as {"rules": {"user_rarity": {"max": 1}}}
}

test_common_network_fires if {
	rules.reasons == {{"code": "common_network", "signal": "user_rarity", "weight": 1, "min": -1, "max": 0}} with input as {"readings": {"user_rarity": {"value": -2, "nats": -0.5}}} with data.tuning as {}
}

test_common_network_tuned if {
	rules.reasons == {{"code": "common_network", "signal": "user_rarity", "weight": 0.5, "min": -1, "max": 0}} with input as {"readings": {"user_rarity": {"value": -2, "nats": -0.5}}} with data.tuning as {"rules": {"common_network": {"weight": 0.5}}}
}

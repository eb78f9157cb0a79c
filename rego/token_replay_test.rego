package riskd.rules_test

import data.riskd.rules

test_token_replay_fires if {
	rules.reasons == {{"code": "token_replay", "weight": 1, "min": 0, "max": 4}} with input as {"readings": {"token_replay": {"value": 2, "nats": 1.5, "machine": "same"}}} with data.tuning as {}
}

test_token_replay_no_return if {
	count(rules.reasons) == 0 with input as {"readings": {"token_replay": {"value": 2, "nats": 0}}} with data.tuning as {}
}

test_token_replay_tuned if {
	rules.reasons == {{"code": "token_replay", "weight": 0.5, "min": 0, "max": 2}} with input as {"readings": {"token_replay": {"value": 1, "nats": 4, "machine": "other"}}} with data.tuning as {"rules": {"token_replay": {"weight": 0.5, "max": 2}}}
}

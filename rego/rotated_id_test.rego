package riskd.rules_test

import data.riskd.rules

test_rotated_id_used_again if {
	rules.reasons == {{"code": "rotated_id", "invariant": true}} with input as {"readings": {"rotated_id": {"value": 2, "nats": 0}}} with data.tuning as {}
}

test_rotated_id_changed_twice if {
	rules.reasons == {{"code": "rotated_id", "invariant": true}} with input as {"readings": {"rotated_id": {"value": 3, "nats": 0}}} with data.tuning as {}
}

test_rotated_id_on_its_way if {
	count(rules.reasons) == 0 with input as {"readings": {"rotated_id": {"value": 1, "nats": 0}}} with data.tuning as {}
}

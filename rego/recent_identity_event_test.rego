package riskd.rules_test

import data.riskd.rules

test_recent_identity_event_fires if {
	rules.reasons == {{"code": "recent_identity_event", "weight": 1, "min": 0, "max": 2, "clears_with": ["mfa"]}} with input as {"readings": {"recent_identity_event": {"value": 60, "nats": 1.5, "moved_s": -1}}} with data.tuning as {}
}

test_recent_identity_event_never if {
	count(rules.reasons) == 0 with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": -1}}} with data.tuning as {}
}

test_recent_identity_event_spent if {
	count(rules.reasons) == 0 with input as {"readings": {"recent_identity_event": {"value": 60, "nats": 0, "moved_s": -1}}} with data.tuning as {}
}

test_recent_identity_event_tuned if {
	rules.reasons == {{"code": "recent_identity_event", "weight": 1, "min": 0, "max": 1, "clears_with": ["mfa"]}} with input as {"readings": {"recent_identity_event": {"value": 60, "nats": 1.5, "moved_s": -1}}} with data.tuning as {"rules": {"recent_identity_event": {"max": 1}}}
}

test_credentials_after_move_fires if {
	rules.reasons == {{"code": "credentials_after_move", "signal": "recent_identity_event", "nats": 2.5, "clears_with": ["mfa"]}} with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": 599}}, "privilege": {"action": "change_credentials"}} with data.tuning as {}
}

test_credentials_after_move_at_once if {
	rules.reasons == {{"code": "credentials_after_move", "signal": "recent_identity_event", "nats": 2.5, "clears_with": ["mfa"]}} with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": 0}}, "privilege": {"action": "change_credentials"}} with data.tuning as {}
}

test_credentials_after_move_long_since if {
	count(rules.reasons) == 0 with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": 600}}, "privilege": {"action": "change_credentials"}} with data.tuning as {}
}

test_credentials_after_move_not_moved if {
	count(rules.reasons) == 0 with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": -1}}, "privilege": {"action": "change_credentials"}} with data.tuning as {}
}

test_credentials_after_move_something_else if {
	count(rules.reasons) == 0 with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": 10}}, "privilege": {"action": "export"}} with data.tuning as {}
}

test_credentials_after_move_tuned if {
	count(rules.reasons) == 0 with input as {"readings": {"recent_identity_event": {"value": -1, "nats": 0, "moved_s": 599}}, "privilege": {"action": "change_credentials"}} with data.tuning as {"rules": {"credentials_after_move": {"within_s": 60}}}
}

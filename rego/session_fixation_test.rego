package riskd.rules_test

import data.riskd.rules

test_session_fixation_fires if {
	rules.reasons == {{"code": "session_fixation", "invariant": true}} with input as {"readings": {"session_fixation": {"value": 2, "nats": 7}}} with data.tuning as {}
}

test_session_fixation_suspected if {
	rules.reasons == {{"code": "session_fixation_suspected", "signal": "session_fixation", "weight": 1, "min": 0, "max": 7}} with input as {"readings": {"session_fixation": {"value": 1, "nats": 7}}} with data.tuning as {}
}

test_session_fixation_no if {
	count(rules.reasons) == 0 with input as {"readings": {"session_fixation": {"value": 0, "nats": 0}}} with data.tuning as {}
}

test_session_fixation_tuned if {
	rules.reasons == {{"code": "session_fixation_suspected", "signal": "session_fixation", "weight": 0.5, "min": 0, "max": 7}} with input as {"readings": {"session_fixation": {"value": 1, "nats": 7}}} with data.tuning as {"rules": {"session_fixation_suspected": {"weight": 0.5}}}
}

test_proved_elsewhere if {
	rules.reasons == {{"code": "proved_elsewhere", "signal": "session_fixation", "weight": 1, "min": 0, "max": 7}} with input as {"readings": {"session_fixation": {"value": 4, "nats": 7}}} with data.tuning as {}
}

test_session_id_kept if {
	rules.reasons == {{"code": "session_id_kept", "signal": "session_fixation", "nats": 0}} with input as {"readings": {"session_fixation": {"value": 3, "nats": 0}}} with data.tuning as {}
}

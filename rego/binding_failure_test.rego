package riskd.rules_test

import data.riskd.rules

test_binding_failure_no_proof if {
	rules.reasons == {{"code": "binding_failure", "invariant": true}} with input as {"readings": {"binding_failure": {"value": 1}}} with data.tuning as {}
}

test_binding_failure_other_key if {
	rules.reasons == {{"code": "binding_failure", "invariant": true}} with input as {"readings": {"binding_failure": {"value": 2}}} with data.tuning as {}
}

test_binding_failure_proved if {
	count(rules.reasons) == 0 with input as {"readings": {"binding_failure": {"value": 0}}} with data.tuning as {}
}

test_binding_failure_not_bound if {
	count(rules.reasons) == 0 with input as {"readings": {"binding_failure": {"missing": "binding"}}} with data.tuning as {}
}

package riskd.decision_test

import data.riskd.decision

tuning := {
	"invariants": {"session_fixation": "revoke", "unusual": "step_up"},
	"step_up": {
		"standard": {"acr_values": [], "amr_values": ["mfa"], "max_age": "5m"},
		"admin": {"acr_values": [], "amr_values": ["hwk"], "max_age": "2m"},
	},
}

quiet := {
	"score": 0,
	"reasons": [],
	"invariants": [],
	"request": {"class": "standard"},
}

decide(changes) := outcome if {
	outcome := decision.decision with input as object.union(quiet, changes) with data.tuning as tuning
}

test_quiet_is_allowed if decide({}) == "allow"

test_below_the_step_up_threshold if decide({"score": 59.9}) == "allow"

test_at_the_step_up_threshold if decide({"score": 60}) == "step_up"

test_below_the_revoke_threshold if decide({"score": 84.9}) == "step_up"

test_at_the_revoke_threshold if decide({"score": 85}) == "revoke"

test_an_invariant_revokes_at_any_score if decide({"invariants": ["session_fixation"]}) == "revoke"

test_an_invariant_that_asks_for_proof if decide({"invariants": ["unusual"]}) == "step_up"

test_the_worst_invariant_counts if decide({"invariants": ["session_fixation", "unusual"]}) == "revoke"

test_an_unlisted_invariant_asks_for_proof if decide({"invariants": ["other"]}) == "step_up"

test_stale_proof_on_a_standard_route if decide({"reasons": ["stale_proof"]}) == "allow"

test_stale_proof_on_a_sensitive_route if {
	decide({"reasons": ["stale_proof"], "request": {"class": "sensitive"}}) == "step_up"
}

test_stale_proof_on_an_admin_route if {
	decide({"reasons": ["ip_change", "stale_proof"], "request": {"class": "admin"}}) == "step_up"
}

test_stale_proof_on_a_trusted_device if {
	trusted := {"device": {"trusted": true}, "reasons": ["stale_proof"]}
	decide(object.union(trusted, {"request": {"class": "sensitive"}})) == "step_up"
	decide(object.union(trusted, {"request": {"class": "admin"}})) == "step_up"
}

test_trust_takes_nothing_from_a_score if {
	decide({"device": {"trusted": true}, "score": 60}) == "step_up"
	decide({"device": {"trusted": true}, "score": 85}) == "revoke"
}

test_other_reasons_on_an_admin_route if {
	decide({"reasons": ["ip_change"], "request": {"class": "admin"}}) == "allow"
}

test_no_score_is_no_decision if {
	not decision.decision with input as object.remove(quiet, ["score"]) with data.tuning as tuning
}

test_the_demand_is_the_class_s if {
	demand := decision.step_up with input.request.class as "admin" with data.tuning as tuning
	demand.amr_values == ["hwk"]
}

test_weak_proof_asks if decide({"reasons": ["weak_proof"], "request": {"class": "admin"}}) == "step_up"

test_noncompliant_use_asks if {
	decide({"reasons": ["noncompliant_use"], "request": {"class": "sensitive"}}) == "step_up"
}

test_a_noncompliant_device_only_weighs if decide({"reasons": ["noncompliant_device"]}) == "allow"

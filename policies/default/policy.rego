# METADATA
# title: The default judgement
# description: |
#   Turns the score, the reasons and the invariants of a request into allow,
#   step_up or revoke. There is no default: a case that no rule covers, such as
#   one without a score, has no decision, and riskd answers what tuning.json
#   says under on_failure.
package riskd.decision

decision := "revoke" if revoked

decision := "step_up" if {
	not revoked
	unproved
}

decision := "allow" if {
	not revoked
	not unproved
	input.score < 60
}

# The score is scaled so that 85 is where revoke_nats lies, and 60 where
# step_up_nats lies.
revoked if input.score >= 85

revoked if {
	some code, "revoke" in data.tuning.invariants
	code in input.invariants
}

unproved if input.score >= 60

# An invariant has no innocent explanation: one that tuning.json doesn't list is
# no reason to let pass.
unproved if input.invariants != []

# Power is asked for with a proof that is too old.
unproved if {
	"stale_proof" in input.reasons
	input.request.class in {"sensitive", "admin"}
}

# What a step-up asks for.
step_up := data.tuning.step_up[input.request.class]

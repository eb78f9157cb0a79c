# METADATA
# title: The judgement for employees
# description: |
#   The default's judgement, and two demands that a company can make of people
#   whose devices and keys it hands out: administration takes a proof that can't
#   be phished, and what is sensitive takes a fresh one on a device that isn't in
#   order. Both are reasons of no nats: nothing is suspected, something is asked.
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

# Each of these is met by the proof that it asks for, so that nobody is asked twice.
unproved if "weak_proof" in input.reasons

unproved if "noncompliant_use" in input.reasons

# What a step-up asks for.
step_up := data.tuning.step_up[input.request.class]

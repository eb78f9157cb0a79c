# METADATA
# title: The judgement for consumers
# description: |
#   A step-up that interrupts somebody who browses may cost the purchase; one where
#   money or the account itself is at stake costs little beside the loss. So the
#   thresholds are higher than the default's, and lower where something sensitive
#   is done.
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

# Where something sensitive is done, half of the evidence is enough, as long as
# some of it is of a kind that a proof clears: nobody is asked for ever.
unproved if {
	input.request.class in {"sensitive", "admin"}
	input.score >= 30
	some code in {
		"device_change", "device_clone", "geo_velocity", "network_kind", "new_country", "new_network",
		"privilege_use", "request_rate", "trust_lost", "user_agent_change",
	}
	code in input.reasons
}

# An invariant has no innocent explanation: one that tuning.json doesn't list is
# no reason to let pass.
unproved if input.invariants != []

# Power is asked for with a proof that is too old.
unproved if {
	"stale_proof" in input.reasons
	input.request.class in {"sensitive", "admin"}
}

# Each of these is met by the proof that it asks for, so that nobody is asked twice.
unproved if demanded

demanded if "payment_from_new_device" in input.reasons

demanded if "account_change" in input.reasons

# What a step-up asks for: that a gateway calls a payment's route standard doesn't
# make its proof a weaker one.
step_up := data.tuning.step_up.sensitive if {
	demanded
	input.request.class in {"open", "standard"}
} else := data.tuning.step_up[input.request.class]

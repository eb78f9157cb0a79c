package riskd.decision

# Some customers have agreed to more step-ups. For them the judgement asks at three
# quarters of the evidence that it takes for others, 45 of the 60 points, as long as
# some of it is of a kind that a proof clears: nobody is asked for ever.
unproved if {
	input.event.tenant in {"acme-bank", "acme-health"}
	input.score >= 45
	some code in input.reasons
	code in {"new_country", "new_network", "device_change", "user_agent_change", "privilege_use"}
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Authenticated long ago
# description: |
#   Something sensitive is used in a session whose user proved himself some time
#   ago: the longer, the likelier somebody else has it now. Innocent is everybody
#   who works all day in one session, so that it is worth little. Where the proof
#   is too old for the pack (stale_proof), it is asked for, and its age isn't
#   weighed besides.
# labels:
#   rule: auth_age
#   severity: low
#   group: time
#   channel: identity
# custom:
#   user: You signed in a while ago.
#   admin: "{value} s since the last authentication"
reasons contains {"code": "auth_age", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.auth_age.nats > 0
	not auth_age_asked_for
	t := lib.tuned("auth_age", {"weight": 1, "min": 0, "max": 1})
}

auth_age_asked_for if {
	t := lib.tuned("stale_proof", {"max_age_s": 900})
	input.readings.auth_age.value > t.max_age_s
}

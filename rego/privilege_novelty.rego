package riskd.rules

import data.riskd.lib

# METADATA
# title: Power never used before
# description: |
#   The user has never done anything of the kind: a class or level of power, or,
#   which says less, an action. Innocent causes are new duties, a task that comes
#   once a year, and a part of the application that is new for everybody; so it
#   counts once a session and never comes to half of a step-up.
# labels:
#   rule: privilege_novelty
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: This is an action that your account has not used before.
#   admin: "{kind}, action {action}, level {level} (highest so far {usual}); {new_nats} nats of new power in this session"
reasons contains {"code": "privilege_novelty", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.privilege_novelty.nats > 0
	t := lib.tuned("privilege_novelty", {"weight": 1, "min": 0, "max": 1.2})
}

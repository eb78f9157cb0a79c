package riskd.rules

import data.riskd.lib

# METADATA
# title: Unusually much power
# description: |
#   The session exports, administers or changes credentials far more often than
#   its user does. One such request says little, a series much; ordinary requests
#   take it back. Innocent causes are the end of the month, a migration and the
#   first days with new duties: whoever has them often has them as his habit.
# labels:
#   rule: privilege_burst
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed an unusual series of sensitive actions.
#   admin: "{kind}: {usual_pct} % of the user's requests, {attack_pct} % of an attacker's; {value} nats so far"
reasons contains {"code": "privilege_burst", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.privilege_burst.nats != 0
	t := lib.tuned("privilege_burst", {"weight": 1, "min": -0.35, "max": 1.6})
}

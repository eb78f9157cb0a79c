package riskd.rules

import data.riskd.lib

# METADATA
# title: Another pace
# description: |
#   Requests follow each other faster than the user works, at the pace of somebody
#   who knows what he wants and hasn't much time. Innocent causes are routine,
#   keyboard shortcuts and being late; so all of it together is worth less than a
#   third of a step-up.
# labels:
#   rule: pace_change
#   severity: low
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed an unusual pace of requests.
#   admin: "{gap_s} s since the last request, {usual_s} s are usual; {sum} nats so far"
reasons contains {"code": "pace_change", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.pace_change.nats != 0
	t := lib.tuned("pace_change", {"weight": 1, "min": -0.4, "max": 0.35})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Unusual pace
# description: |
#   The session asks faster than is its habit. A single request is worth next to
#   nothing; a script that goes on for a minute adds up. Innocent causes are
#   heavy pages, which the signal takes out, and polling that the gateway doesn't
#   mark as background activity.
# labels:
#   rule: request_rate
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed an unusual number of requests.
#   admin: "{rate_per_min} requests a minute, {habit_per_min} are usual"
reasons contains {"code": "request_rate", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.request_rate.nats > 0
	t := lib.tuned("request_rate", {"weight": 1, "min": 0, "max": 0.35})
}

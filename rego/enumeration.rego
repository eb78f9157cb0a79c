package riskd.rules

import data.riskd.lib

# METADATA
# title: Looking around
# description: |
#   The session asks for far more routes or objects than is its habit, or one answer
#   after the other is that there is no such thing. Innocent causes are work through
#   a long list, a page that fetches its rows one by one, links that have gone dead
#   and a token that has run out; the last two come in small numbers.
# labels:
#   rule: enumeration
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed unusually broad use of your account.
#   admin: "{routes} routes and {objects} objects in five minutes, {value} times the habit; share {refused_share} refused (-1: unknown)"
reasons contains {"code": "enumeration", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.enumeration.nats > 0
	t := lib.tuned("enumeration", {"weight": 1, "min": 0, "max": 4})
}

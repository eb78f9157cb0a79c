package riskd.rules

import data.riskd.lib

# METADATA
# title: Unknown routes
# description: |
#   The session asks for parts of the application that its user has never used.
#   Thieves look around, and so do people: a new feature is new for everybody, and
#   some pages are looked at once a year. So all of it together is worth a fifth
#   of a step-up at most.
# labels:
#   rule: route_novelty
#   severity: low
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed activity in parts of the application that are new to you.
#   admin: "route {route}; {value} of the last requests were for new ones, {sum} nats"
reasons contains {"code": "route_novelty", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.route_novelty.nats != 0
	t := lib.tuned("route_novelty", {"weight": 1, "min": -0.1, "max": 0.45})
}

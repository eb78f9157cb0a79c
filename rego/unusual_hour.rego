package riskd.rules

import data.riskd.lib

# METADATA
# title: Unusual hour
# description: |
#   The user signs in at an hour at which he hardly ever does. Innocent causes are
#   travel, a shift that was swapped and a deadline; a single night says little, and
#   little is what it is worth.
# labels:
#   rule: unusual_hour
#   severity: low
#   group: time
#   channel: identity
# custom:
#   user: You don't usually sign in at this time.
#   admin: "signed in at {hour} h UTC, share {value} of {logins} known logins"
reasons contains {"code": "unusual_hour", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.unusual_hour.nats > 0
	t := lib.tuned("unusual_hour", {"weight": 1, "min": 0, "max": 1.5})
}

# METADATA
# title: Usual hour
# description: The user signs in at one of his usual hours; weak evidence for the session.
# labels:
#   rule: usual_hour
#   severity: low
#   group: time
#   channel: identity
# custom:
#   user: You usually sign in at this time.
#   admin: "signed in at {hour} h UTC, share {value} of {logins} known logins"
reasons contains {"code": "usual_hour", "signal": "unusual_hour", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.unusual_hour.nats < 0
	t := lib.tuned("usual_hour", {"weight": 1, "min": -0.5, "max": 0})
}

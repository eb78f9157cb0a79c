package riskd.rules

import data.riskd.lib

# METADATA
# title: Sessions in two places
# description: |
#   The user signs in on a machine that isn't known, while he was in use of another
#   session in another country or network just now, or has more sessions than
#   devices. Innocent causes are a VPN that is switched on, a new telephone beside
#   the old one, and browsers that forget their cookies.
# labels:
#   rule: session_count
#   severity: low
#   group: behaviour
#   channel: identity
# custom:
#   user: You signed in while you were active elsewhere.
#   admin: "{value} sessions in use, {usual} usual; another {elsewhere} {elsewhere_s} s ago"
reasons contains {"code": "session_count", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.session_count.nats > 0
	t := lib.tuned("session_count", {"weight": 1, "min": 0, "max": 2})
}

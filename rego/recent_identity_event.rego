package riskd.rules

import data.riskd.lib

# METADATA
# title: Soon after an identity event
# description: |
#   The user signs in or asks for something sensitive soon after his password, a
#   factor or a role changed, or a login looked suspicious. Innocent causes are all
#   the people who forgot their password and have a new telephone; a step-up that
#   was passed since ends it.
# labels:
#   rule: recent_identity_event
#   severity: low
#   group: token
#   channel: identity
# custom:
#   user: Your account was changed a short time ago.
#   admin: "{type} {value} s ago"
reasons contains {"code": "recent_identity_event", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.recent_identity_event.value >= 0
	input.readings.recent_identity_event.nats > 0
	t := lib.tuned("recent_identity_event", {"weight": 1, "min": 0, "max": 2})
}

# METADATA
# title: Credentials changed after a move
# description: |
#   Credentials are changed within minutes of the session's arrival in another
#   place or on another machine: who has stolen a session makes it his own. Innocent
#   is who leaves the wifi while he changes his password; on his own machine in
#   his own place nothing is weighed. What changes credentials is told by
#   privilege.action: change_credentials, change_password, change_email, add_factor or
#   remove_factor.
# labels:
#   rule: credentials_after_move
#   severity: high
#   group: behaviour
#   channel: behaviour
# custom:
#   user: Please confirm that it is you who changes how you sign in.
#   admin: "credentials changed {moved_s} s after the session moved"
reasons contains {"code": "credentials_after_move", "signal": "recent_identity_event", "nats": t.nats, "clears_with": ["mfa"]} if {
	input.privilege.action in {"change_credentials", "change_password", "change_email", "add_factor", "remove_factor"}
	input.readings.recent_identity_event.moved_s >= 0
	t := lib.tuned("credentials_after_move", {"nats": 2.5, "within_s": 600})
	input.readings.recent_identity_event.moved_s < t.within_s
}

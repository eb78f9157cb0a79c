package riskd.rules

import data.riskd.lib

# METADATA
# title: Old session administers
# description: |
#   An administrative request in a session that is some hours old, and the last
#   proof isn't of the last few minutes. Sessions that are left open are where
#   thieves find administrators. Worth no nats: the pack asks for a proof.
# labels:
#   rule: old_admin_session
#   severity: medium
#   group: time
#   channel: behaviour
# custom:
#   user: Your session is some hours old. Please confirm that it is you.
#   admin: administrative request in an old session, without a fresh proof
reasons contains {"code": "old_admin_session", "nats": 0, "clears_with": ["mfa"]} if {
	t := lib.tuned("old_admin_session", {"age_s": 14400})
	input.request.class == "admin"
	input.session.age_s > t.age_s
	not admin_proved_lately
}

admin_proved_lately if {
	t := lib.tuned("old_admin_session", {"max_age_s": 300})
	input.session.auth_age_s <= t.max_age_s
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Change of the account itself
# description: |
#   The delivery address, the e-mail address, the password, a second factor or the
#   account that is paid out to is changed without a strong proof of the last few
#   minutes. That is how an account is taken over for good or robbed, so that
#   neither trust in the device nor a quiet session helps. Worth no nats: the pack
#   asks for a proof. What counts is tuning: names of actions (privilege.action)
#   and routes.
# labels:
#   rule: account_change
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: Please confirm that it is you before you change your account.
#   admin: change of the account without a fresh strong proof
reasons contains {"code": "account_change", "nats": 0, "clears_with": ["mfa"]} if {
	account_changing
	not proved_for_change
}

account_changing if {
	t := lib.tuned("account_change", {"actions": ["address_change", "email_change", "password_change", "mfa_change", "payout_change"]})
	input.privilege.action in t.actions
}

account_changing if {
	t := lib.tuned("account_change", {"routes": []})
	input.request.route in t.routes
}

proved_for_change if {
	strongly_proved
	t := lib.tuned("account_change", {"max_age_s": 600})
	input.session.auth_age_s <= t.max_age_s
}

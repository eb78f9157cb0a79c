package riskd.rules

import data.riskd.lib

# METADATA
# title: Payment from a device that isn't confirmed
# description: |
#   A payment comes from a device on which its user hasn't passed a step-up, or
#   not for as long as trust lasts. The step-up that follows confirms the device,
#   so that everybody is asked once for each of his devices. Worth no nats:
#   nothing is suspected.
# labels:
#   rule: payment_unconfirmed
#   severity: medium
#   group: device
#   channel: behaviour
# custom:
#   user: Please confirm this payment.
#   admin: payment from a device that its user has never confirmed
reasons contains {"code": "payment_unconfirmed", "nats": 0, "clears_with": ["mfa"]} if {
	t := lib.tuned("payment_unconfirmed", {"actions": ["payment", "transfer"]})
	input.privilege.action in t.actions
	input.device.trusted == false
	not payment_proved
}

# Whoever has just passed the step-up is on a device that becomes trusted with it.
payment_proved if {
	strong_for_payment
	t := lib.tuned("payment_unconfirmed", {"max_age_s": 600})
	input.session.auth_age_s <= t.max_age_s
}

# All that tuning.json has under step_up, for whatever class of route.
strong_for_payment if input.session.acr in {"aal2", "aal3", "phr", "phrh"}

strong_for_payment if {
	some method in input.session.amr
	method in {"mfa", "hwk", "otp"}
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Payment from a device that isn't confirmed
# description: |
#   Somebody pays from a device that its user has never passed a step-up on.
#   Stolen accounts are emptied from the thief's machine, with the victim's stored
#   cards; honest users do this once for each of their devices, as the step-up that
#   follows founds trust. Users with less than three sessions are let off: to them
#   every device is new, and to ask at the first purchase is to lose it. Worth no
#   nats; the pack asks for a proof. What a payment is, is tuning: names of actions
#   (privilege.action) and routes.
# labels:
#   rule: payment_from_new_device
#   severity: medium
#   group: device
#   channel: behaviour
# custom:
#   user: Please confirm this payment, as you haven't paid from this device before.
#   admin: payment from a device that its user has never confirmed
reasons contains {"code": "payment_from_new_device", "nats": 0, "clears_with": ["mfa"]} if {
	paying
	input.user.young == false
	input.device.trusted == false
	not proved_for_payment
}

paying if {
	t := lib.tuned("payment_from_new_device", {"actions": ["payment"]})
	input.privilege.action in t.actions
}

paying if {
	t := lib.tuned("payment_from_new_device", {"routes": []})
	input.request.route in t.routes
}

# The same words as tuning.json has under step_up.sensitive, so that the proof that
# is asked for is the one that is enough.
proved_for_payment if {
	strongly_proved
	t := lib.tuned("payment_from_new_device", {"max_age_s": 600})
	input.session.auth_age_s <= t.max_age_s
}

strongly_proved if input.session.acr in {"aal2", "aal3", "phr", "phrh"}

strongly_proved if {
	some method in input.session.amr
	method in {"mfa", "hwk", "swk", "otp"}
}

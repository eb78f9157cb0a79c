package riskd.rules

import data.riskd.lib

# METADATA
# title: Device not in order
# description: |
#   The session begins on a device that device management reports as not in order:
#   unpatched, unencrypted, or with its protection switched off. Malware lives on
#   such devices; mostly, though, somebody has postponed an update. It is weighed
#   once, as a fact that stays is no new evidence with every request, and no proof
#   clears it.
# labels:
#   rule: noncompliant_device
#   severity: medium
#   group: device
#   channel: identity
# custom:
#   user: Your device doesn't meet your company's requirements.
#   admin: device management reports the device as not compliant at the session's begin
reasons contains {"code": "noncompliant_device", "nats": t.nats} if {
	input.device.compliant == false
	input.session.requests == 0
	t := lib.tuned("noncompliant_device", {"nats": 3})
}

# METADATA
# title: Sensitive use of a device not in order
# description: |
#   Something sensitive is asked for from a device that device management reports
#   as not in order, and the last proof of identity isn't fresh. Worth no nats: the
#   pack asks for a fresh proof now and then, which malware on the device can't give.
# labels:
#   rule: noncompliant_use
#   severity: medium
#   group: device
#   channel: identity
# custom:
#   user: Your device doesn't meet your company's requirements. Please confirm that it is you.
#   admin: sensitive request from a device that is not compliant, without a fresh proof
reasons contains {"code": "noncompliant_use", "nats": 0, "clears_with": ["mfa"]} if {
	input.device.compliant == false
	input.request.class in {"sensitive", "admin"}
	not proved_lately
}

proved_lately if {
	t := lib.tuned("noncompliant_use", {"max_age_s": 600})
	input.session.auth_age_s <= t.max_age_s
}

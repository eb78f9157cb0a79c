package riskd.rules

import data.riskd.lib

# METADATA
# title: Power of a contractor
# description: |
#   Somebody from outside the company uses a power that contractors hardly ever
#   need. roles in tuning.json would let pass what his role may do; this looks at
#   who he is. One request asks for nothing, a few do.
# labels:
#   rule: contractor_power
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: This action is unusual for your account.
#   admin: contractor uses a high privilege level
reasons contains {"code": "contractor_power", "nats": t.nats, "clears_with": ["mfa"]} if {
	t := lib.tuned("contractor_power", {"nats": 3, "level": 3})
	input.user.type == "contractor"
	input.privilege.level > t.level
}

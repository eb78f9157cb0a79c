package riskd.rules

import data.riskd.lib

# METADATA
# title: Browser changed
# description: |
#   A session lives in one browser. Another family or system means another
#   machine; a version forward is mostly an update, back is hardly ever innocent.
#   An innocent cause of another system is a phone's "desktop site".
# labels:
#   rule: user_agent_change
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: We noticed activity from a browser that we don't know.
#   admin: "{from_family} on {from_os} → {to_family} on {to_os}, {major_delta} major versions"
reasons contains {"code": "user_agent_change", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.user_agent_change.value > 0
	t := lib.tuned("user_agent_change", {"weight": 1, "min": 0, "max": 7})
}

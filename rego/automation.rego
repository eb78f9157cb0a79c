package riskd.rules

import data.riskd.lib

# METADATA
# title: Looks scripted
# description: |
#   The session goes through different things at a pace that no hand keeps, or its
#   user, known in browsers alone, signs in from a program. Innocent causes are a
#   wallboard that goes round its pages, a page that polls three things in turn
#   and isn't marked as background activity, and a user who has begun to write
#   scripts: what it comes to in a session stays below a step-up.
# labels:
#   rule: automation
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed activity that looks automatic.
#   admin: "{gaps} gaps of {mean_gap_s} s, variation {variation}, {targets} targets, {agent}"
reasons contains {"code": "automation", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.automation.nats > 0
	t := lib.tuned("automation", {"weight": 1, "min": 0, "max": 7})
}

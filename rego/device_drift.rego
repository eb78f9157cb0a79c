package riskd.rules

import data.riskd.lib

# METADATA
# title: Machine of other parts
# description: |
#   What a page can tell of the machine has changed: a graphics chip, a platform, a
#   processor under a running session or under a known device id, or a screen and
#   fonts. Innocent causes are a screen that is plugged in, a laptop that changes
#   between two graphics chips, settings, updates and journeys, of which the last
#   two are taken out where they show.
# labels:
#   rule: device_drift
#   severity: medium
#   group: device
#   channel: identity
# custom:
#   user: Your device looks different from before.
#   admin: "{value} of {compared} attributes changed, above all {heaviest}"
reasons contains {"code": "device_drift", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.device_drift.nats > 0
	t := lib.tuned("device_drift", {"weight": 1, "min": 0, "max": 7})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: More data than usual
# description: |
#   Answers are larger, or sensitive data is read more often, than the user is in
#   the habit of, and it goes on. Innocent causes are reports at the end of a
#   month, a backup, and a page that has grown for everybody; so no single answer
#   says much, and all together never suffice for a step-up.
# labels:
#   rule: slow_exfiltration
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed that an unusual amount of data was read.
#   admin: "{bytes} bytes where {usual_bytes} are usual ({deviations} deviations); {usual_per_hour} sensitive reads an hour are usual; {value} nats so far"
reasons contains {"code": "slow_exfiltration", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.slow_exfiltration.nats != 0
	t := lib.tuned("slow_exfiltration", {"weight": 1, "min": -0.35, "max": 0.6})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Burst of sensitive requests
# description: |
#   Sensitive routes are asked for faster than anybody reads: somebody exports
#   what he can before he is found out. The library's request_rate compares with
#   the session's own habit of all requests; this is a fixed pace for the routes
#   that matter. Each request adds a little, and the sum counts.
# labels:
#   rule: sensitive_burst
#   severity: high
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed an unusual number of sensitive requests.
#   admin: "sensitive request at {rate_per_min} requests a minute"
reasons contains {"code": "sensitive_burst", "signal": "request_rate", "nats": t.nats, "clears_with": ["mfa"]} if {
	t := lib.tuned("sensitive_burst", {"nats": 1, "per_min": 10})
	input.request.class in {"sensitive", "admin"}
	input.readings.request_rate.rate_per_min > t.per_min
}

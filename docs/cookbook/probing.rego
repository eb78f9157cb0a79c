package riskd.rules

import data.riskd.lib

# METADATA
# title: Probing
# description: |
#   The session asks for what isn't there, or in ways that aren't allowed, again
#   and again, as a script does that looks for holes. A single one is a broken
#   link; the sum of the behaviour channel, of which half is gone after eight
#   minutes, does the counting. Denied requests (403) are privilege_use's.
# labels:
#   rule: probing
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: We noticed unusual requests from your session.
#   admin: one more request was answered 400, 404 or 405
reasons contains {"code": "probing", "nats": t.nats, "clears_with": ["mfa"]} if {
	input.request.status in {400, 404, 405}
	input.request.class != "open"
	t := lib.tuned("probing", {"nats": 0.8})
}

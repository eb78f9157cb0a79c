package riskd.rules

import data.riskd.lib

# METADATA
# title: Two clients in turns
# description: |
#   The session comes back, within minutes, to a part of a network that it has just
#   left for another part of it: two neighbours of one provider take turns.
#   Innocent causes are a line with two addresses at once (two routers, a provider
#   that spreads connections over its prefixes), so that its bound is below a
#   step-up. A proof doesn't take a copied token back, so that it clears nothing.
# labels:
#   rule: concurrent_use
#   severity: high
#   group: token
#   channel: identity
# custom:
#   user: This session seems to be used in two places at once.
#   admin: "back in the same AS{asn} after {away_s} s, {machine} machine; {value} times so far"
reasons contains {"code": "concurrent_use", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.concurrent_use.nats > 0
	t := lib.tuned("concurrent_use", {"weight": 1, "min": 0, "max": 3})
}

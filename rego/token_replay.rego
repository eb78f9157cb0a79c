package riskd.rules

import data.riskd.lib

# METADATA
# title: Session in two places
# description: |
#   The session comes back, within minutes, to a network that it has just left:
#   its token is used in two places at once. From another machine each time, it
#   hardly ever is innocent; from the same one, innocent causes are a VPN that
#   is switched on and off and a house with two lines. A proof doesn't take a
#   copied token back, so that it clears nothing.
# labels:
#   rule: token_replay
#   severity: high
#   group: token
#   channel: identity
# custom:
#   user: This session seems to be used in two places at once.
#   admin: "back in AS{to} from AS{from} after {away_s} s, {machine} machine; {value} times so far"
reasons contains {"code": "token_replay", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.token_replay.nats > 0
	t := lib.tuned("token_replay", {"weight": 1, "min": 0, "max": 4})
}

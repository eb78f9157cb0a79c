package riskd.rules

import data.riskd.lib

# METADATA
# title: Rare among all users
# description: |
#   The user signs in from a network that is new for him and that hardly any other
#   user has, or with such a browser or language. Innocent causes are journeys to
#   where nobody else goes, small providers, and browsers for the few. It says what
#   the population adds; that something is new is weighed by other rules.
# labels:
#   rule: user_rarity
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You signed in from a network or browser that is unusual.
#   admin: "network of {asn_share}, browser of {agent_share}, language of {language_share} of all arrivals; {value} nats against the user's own history"
reasons contains {"code": "user_rarity", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.user_rarity.nats > 0
	t := lib.tuned("user_rarity", {"weight": 1, "min": 0, "max": 3})
}

# METADATA
# title: Network of many users
# description: |
#   The network is new for this user, and one that a large part of all users
#   comes from: a new connection with the same large provider. Evidence for the
#   session; networks that hide their users have none of it.
# labels:
#   rule: common_network
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: You signed in from a network that many use.
#   admin: "network of {asn_share} of all arrivals ({nats} nats)"
reasons contains {"code": "common_network", "signal": "user_rarity", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.user_rarity.nats < 0
	t := lib.tuned("common_network", {"weight": 1, "min": -1, "max": 0})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Network that hides its users
# description: |
#   The session arrives in a hosting, VPN, proxy or Tor network that its user
#   isn't known to use. Attackers like them; so do people who value privacy, and
#   once known the network is no news.
# labels:
#   rule: network_kind
#   severity: low
#   group: network
#   channel: identity
# custom:
#   user: We noticed activity through an anonymising network that is new for you.
#   admin: "{kind} network, new to the user"
reasons contains {"code": "network_kind", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.network_kind.value == 1
	input.readings.network_kind.known == 0
	t := lib.tuned("network_kind", {"weight": 1, "min": 0, "max": 1.5})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Sensitive request through Tor
# description: |
#   Tor is used by people who value privacy, and by thieves. Reading through it is
#   nobody's business; what is sensitive takes a proof of the last few minutes.
#   Worth no nats: the library's network_kind weighs the network already.
# labels:
#   rule: tor_sensitive
#   severity: medium
#   group: network
#   channel: identity
# custom:
#   user: Please confirm that it is you, as we can't see where you are.
#   admin: sensitive request from Tor without a fresh proof
reasons contains {"code": "tor_sensitive", "nats": 0, "clears_with": ["mfa"]} if {
	input.place.network == "tor"
	input.request.class in {"sensitive", "admin"}
	not proved_over_tor
}

proved_over_tor if {
	t := lib.tuned("tor_sensitive", {"max_age_s": 600})
	input.session.auth_age_s <= t.max_age_s
}

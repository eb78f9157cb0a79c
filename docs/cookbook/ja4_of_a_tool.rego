package riskd.rules

import data.riskd.lib

# METADATA
# title: Handshake of a tool
# description: |
#   The client calls itself a browser, and its TLS handshake is one that your own
#   logs show for a tool that thieves and bots use. A name is changed in a second,
#   a handshake isn't. Weighed once a session; the list is yours, as handshakes
#   change with every release.
# labels:
#   rule: ja4_of_a_tool
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: We noticed activity from a program that we don't know.
#   admin: TLS handshake of a listed tool under a browser's name
reasons contains {"code": "ja4_of_a_tool", "nats": t.nats, "clears_with": ["mfa"]} if {
	t := lib.tuned("ja4_of_a_tool", {"nats": 5, "ja4": []})
	input.client.ja4 in t.ja4
	startswith(input.client.user_agent, "Mozilla/")
	input.session.requests == 0
}

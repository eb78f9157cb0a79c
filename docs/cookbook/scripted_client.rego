package riskd.rules

import data.riskd.lib

# METADATA
# title: Session of a script
# description: |
#   A person's session begins in a program that is no browser. Thieves replay
#   cookies with what is at hand: curl, python-requests, a headless browser.
#   Innocent are developers. Weighed once, as the program stays what it is; a
#   session that becomes a script later is user_agent_change's.
# labels:
#   rule: scripted_client
#   severity: medium
#   group: device
#   channel: identity
# custom:
#   user: We noticed activity from a program that isn't a browser.
#   admin: a person's session began in a program that is no browser
reasons contains {"code": "scripted_client", "nats": t.nats, "clears_with": ["mfa"]} if {
	input.session.requests == 0
	not input.user.type == "service"
	regex.match(`(?i)^(curl|wget|python-requests|python-httpx|go-http-client|okhttp|axios|node-fetch)/|headless`, input.client.user_agent)
	t := lib.tuned("scripted_client", {"nats": 4})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Login through somebody in the middle
# description: |
#   The client that signs in tells a browser that speaks TLS otherwise, as a proxy
#   does that relays a login to steal the session. Innocent causes are inspecting
#   proxies of companies, virus scanners and browsers for the few; where many are
#   behind the same one, on the user's own device and in his own place it isn't
#   weighed.
# labels:
#   rule: proxy_login
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: Your sign-in didn't come straight from your browser.
#   admin: "TLS stack of {share} of the browser's {sightings} sightings; the user's own agent on another device {relayed}"
reasons contains {"code": "proxy_login", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.proxy_login.value > 0
	input.readings.proxy_login.nats > 0
	t := lib.tuned("proxy_login", {"weight": 1, "min": 0, "max": 5.5})
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: TLS stack changed
# description: |
#   The session goes on in another TLS library, as a browser that only claims to be
#   the user's does, or a tool with a copied cookie. Innocent causes are an
#   inspecting proxy or virus scanner that is switched on or off, and rarely an
#   update of the browser. Other extensions alone say little: resumed connections,
#   WebSockets and updates have them.
# labels:
#   rule: tls_fingerprint_change
#   severity: high
#   group: device
#   channel: identity
# custom:
#   user: We noticed activity from a browser that we don't know.
#   admin: "TLS client changed over {transport} to {ja4}; {returns} times back"
reasons contains {"code": "tls_fingerprint_change", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.tls_fingerprint_change.nats > 0
	t := lib.tuned("tls_fingerprint_change", {"weight": 1, "min": 0, "max": 4})
}

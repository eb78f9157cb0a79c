package riskd.rules

import data.riskd.lib

# METADATA
# title: Rooted device
# description: |
#   The app says that its telephone is rooted: other programs may read its tokens.
#   Mostly somebody who likes to own what he owns. Weighed once a session, as the
#   device stays what it is; that a known device speaks for its user (known_device)
#   takes most of it away.
# labels:
#   rule: rooted_device
#   severity: medium
#   group: device
#   channel: identity
# custom:
#   user: Your device doesn't protect this app as it should.
#   admin: the app reports a rooted device
reasons contains {"code": "rooted_device", "nats": t.nats} if {
	input.session.requests == 0
	input.device.attributes.rooted == "true"
	t := lib.tuned("rooted_device", {"nats": 3})
}

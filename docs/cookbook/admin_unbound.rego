package riskd.rules

# METADATA
# title: Administration without a bound session
# description: |
#   Administration takes a session that is bound to a key (DPoP, mTLS, device-
#   bound session), so that a copied token is worth nothing. A session that isn't
#   can't become so by a proof: its user signs in again with a client that binds.
# labels:
#   rule: admin_unbound
#   severity: critical
#   group: token
#   channel: identity
# custom:
#   user: Please sign in again with a client that protects your session.
#   admin: administrative request without a verified binding
reasons contains {"code": "admin_unbound", "invariant": true} if {
	input.request.class == "admin"
	not input.session.binding.verified
}

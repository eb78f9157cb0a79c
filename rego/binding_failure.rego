package riskd.rules

# METADATA
# title: Key of the session missing
# description: |
#   A session that is bound to a key was used without it, or with another: its
#   token has been copied to another machine. It can't be weighed, and no
#   proof of identity brings the key back.
# labels:
#   rule: binding_failure
#   severity: critical
#   group: token
#   channel: identity
# custom:
#   user: This session is tied to another device. Please sign in again.
#   admin: "bound by {bound}, presented {presented} (1: proof missing or not valid, 2: another key): {value}"
reasons contains {"code": "binding_failure", "invariant": true} if {
	input.readings.binding_failure.value > 0
}

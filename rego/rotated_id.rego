package riskd.rules

# METADATA
# title: Replaced session id used again
# description: |
#   A session id is used long after it was changed for another, or was changed for
#   a second one: two have it, and only one of them is the user. It can't be weighed,
#   and no proof takes the copy back; all ids that came of it have to go. An innocent
#   cause is a client that keeps ids of its own and misses the change.
# labels:
#   rule: rotated_id
#   severity: critical
#   group: token
#   channel: identity
# custom:
#   user: This session was continued elsewhere. Please sign in again.
#   admin: "id used again {since_s} s after it was changed"
reasons contains {"code": "rotated_id", "invariant": true} if {
	input.readings.rotated_id.value >= 2
}

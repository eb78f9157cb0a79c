package riskd.rules

import data.riskd.lib

# METADATA
# title: Session fixation
# description: |
#   Somebody signed in under a session id that another machine in another network
#   had used before the login. Whoever that was now shares the session. It can't
#   be weighed or cleared by proof; the id has to go.
# labels:
#   rule: session_fixation
#   severity: critical
#   group: token
#   channel: identity
# custom:
#   user: This session was opened elsewhere before you signed in. Please sign in again.
#   admin: "id first seen in AS{from} on another machine, signed in from AS{to}"
reasons contains {"code": "session_fixation", "invariant": true} if {
	input.readings.session_fixation.value == 2
}

# METADATA
# title: Signed in from another network
# description: |
#   The session id was first seen in another network before the login, with the
#   same browser as far as is known. An attacker with a common browser looks like
#   that, and so does somebody who left the wifi before signing in.
# labels:
#   rule: session_fixation_suspected
#   severity: high
#   group: token
#   channel: identity
# custom:
#   user: This session was opened in another network before you signed in.
#   admin: "id first seen in AS{from}, signed in from AS{to}"
reasons contains {"code": "session_fixation_suspected", "signal": "session_fixation", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.session_fixation.value == 1
	t := lib.tuned("session_fixation_suspected", {"weight": 1, "min": 0, "max": 7})
}

# METADATA
# title: Proved from elsewhere
# description: |
#   The session's later authentication comes from another network and another
#   machine than its client's, the challenged one if a step-up was pending. Whoever
#   that was now shares a session that has become stronger, or hopes to. So the
#   proof doesn't clear it: the client that brought it is asked for its own.
# labels:
#   rule: proved_elsewhere
#   severity: high
#   group: token
#   channel: identity
# custom:
#   user: Your confirmation came from another device than the one that was asked.
#   admin: "authenticated again on another machine, AS{from} → AS{to}"
reasons contains {"code": "proved_elsewhere", "signal": "session_fixation", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.session_fixation.value == 4
	t := lib.tuned("proved_elsewhere", {"weight": 1, "min": 0, "max": 7})
}

# METADATA
# title: Session id kept
# description: |
#   The application kept the session's id at a login or a later authentication.
#   Nothing is wrong with this session, and it is worth no nats; but whoever else
#   knows the id has become stronger with it. Applications should change the id.
# labels:
#   rule: session_id_kept
#   severity: low
#   group: token
#   channel: identity
# custom:
#   user: Your session goes on as before.
#   admin: the application kept the session's id at an authentication; it should change it
reasons contains {"code": "session_id_kept", "signal": "session_fixation", "nats": 0} if {
	input.readings.session_fixation.value == 3
}

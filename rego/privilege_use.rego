package riskd.rules

import data.riskd.lib

# METADATA
# title: Unusual privilege
# description: |
#   The request uses more power than any of the user's roles is in the habit of
#   (tuning: roles.<name>.privilege, default_privilege for users without a listed
#   role), or was denied. One such request says little, a series much. Innocent
#   causes are new duties that no role tells of yet, and a link to what is for
#   others. Once the user has a history, power that was granted is worth no nats
#   here: privilege_burst and privilege_novelty compare it with that.
# labels:
#   rule: privilege_use
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: This action is unusual for your account.
#   admin: "level {value} ({action}, class {class}, status {status}); usual is {usual}, proof {proof_age_s} s old"
reasons contains {"code": "privilege_use", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	privilege_noticed
	t := lib.tuned("privilege_use", {"weight": 1, "min": -0.35, "max": 3.1})
}

privilege_noticed if {
	input.readings.privilege_use.value > 0
	not privilege_of_role
}

privilege_noticed if {
	input.readings.privilege_use.status == 403
	input.readings.privilege_use.class != "open"
}

privilege_of_role if {
	some role, habit in data.tuning.roles
	role in input.user.roles
	input.readings.privilege_use.value <= habit.privilege
}

privilege_of_role if {
	not role_listed
	input.readings.privilege_use.value <= data.tuning.default_privilege
}

role_listed if {
	some role, _ in data.tuning.roles
	role in input.user.roles
}

# METADATA
# title: Proof too old
# description: |
#   Power is used on the strength of a proof of identity that is old, or of
#   unknown age, or from before a trusted device excused a new network. No
#   evidence of theft, and worth no nats: the pack answers it by asking for a
#   fresh proof, and trust never makes one superfluous.
# labels:
#   rule: stale_proof
#   severity: medium
#   group: behaviour
#   channel: behaviour
# custom:
#   user: Please confirm that it is you before you do this.
#   admin: "level {value}, class {class}, proof {proof_age_s} s old (-1: unknown)"
reasons contains {"code": "stale_proof", "signal": "privilege_use", "nats": 0, "clears_with": ["mfa"]} if {
	power_used
	proof_stale
}

power_used if input.readings.privilege_use.value > 0

power_used if input.readings.privilege_use.class in {"sensitive", "admin"}

proof_stale if {
	t := lib.tuned("stale_proof", {"max_age_s": 900})
	input.readings.privilege_use.proof_age_s > t.max_age_s
}

proof_stale if input.readings.privilege_use.proof_age_s < 0

proof_stale if input.readings.device_trust.excused == 1

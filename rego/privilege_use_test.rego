package riskd.rules_test

import data.riskd.rules

privilege_tuning := {"default_privilege": 2, "roles": {"support": {"privilege": 4}, "admin": {"privilege": 8}}}

unusual_privilege := {"code": "privilege_use", "weight": 1, "min": -0.35, "max": 3.1, "clears_with": ["mfa"]}

stale_proof := {"code": "stale_proof", "signal": "privilege_use", "nats": 0, "clears_with": ["mfa"]}

# power is the input of a request of a level by somebody with roles, a minute
# after a proof.
power(level, roles) := {
	"user": {"roles": roles},
	"readings": {"privilege_use": {"value": level, "proof_age_s": 60, "class": "standard", "status": 200}},
}

test_privilege_use_above_the_role if {
	rules.reasons == {unusual_privilege} with input as power(5, ["support"]) with data.tuning as privilege_tuning
}

test_privilege_use_within_the_role if {
	count(rules.reasons) == 0 with input as power(4, ["support"]) with data.tuning as privilege_tuning
}

test_privilege_use_within_the_highest_role if {
	count(rules.reasons) == 0 with input as power(8, ["support", "admin"]) with data.tuning as privilege_tuning
}

test_privilege_use_without_a_listed_role if {
	count(rules.reasons) == 0 with input as power(2, ["other"]) with data.tuning as privilege_tuning
	rules.reasons == {unusual_privilege} with input as power(3, ["other"]) with data.tuning as privilege_tuning
}

test_privilege_use_without_roles if {
	quiet := object.remove(power(2, []), ["user"])
	count(rules.reasons) == 0 with input as quiet with data.tuning as privilege_tuning
	loud := object.remove(power(3, []), ["user"])
	rules.reasons == {unusual_privilege} with input as loud with data.tuning as privilege_tuning
}

test_privilege_use_of_a_role_below_the_default if {
	low := {"default_privilege": 2, "roles": {"guest": {"privilege": 0}}}
	rules.reasons == {unusual_privilege} with input as power(1, ["guest"]) with data.tuning as low
}

test_privilege_use_without_tuning if {
	rules.reasons == {unusual_privilege} with input as power(1, ["support"]) with data.tuning as {}
	count(rules.reasons) == 0 with input as power(0, ["support"]) with data.tuning as {}
}

test_privilege_use_tuned if {
	tuned := object.union(privilege_tuning, {"rules": {"privilege_use": {"max": 2}}})
	rules.reasons == {object.union(unusual_privilege, {"max": 2})} with input as power(9, ["admin"]) with data.tuning as tuned
}

test_privilege_use_denied if {
	denied := {"readings": {"privilege_use": {"value": 0, "proof_age_s": 60, "class": "standard", "status": 403}}}
	rules.reasons == {unusual_privilege} with input as denied with data.tuning as privilege_tuning
}

test_privilege_use_denied_a_public_page if {
	denied := {"readings": {"privilege_use": {"value": 0, "proof_age_s": 60, "class": "open", "status": 403}}}
	count(rules.reasons) == 0 with input as denied with data.tuning as privilege_tuning
}

# proof is the input of a request of a class, so many seconds after a proof.
proof(level, class, age) := {"readings": {"privilege_use": {
	"value": level,
	"proof_age_s": age,
	"class": class,
	"status": 200,
}}}

test_stale_proof_fires if {
	rules.reasons == {stale_proof} with input as proof(0, "sensitive", 901) with data.tuning as privilege_tuning
	rules.reasons == {stale_proof} with input as proof(0, "admin", 901) with data.tuning as privilege_tuning
	rules.reasons == {stale_proof} with input as proof(1, "standard", 901) with data.tuning as privilege_tuning
}

test_stale_proof_of_unknown_age if {
	rules.reasons == {stale_proof} with input as proof(0, "sensitive", -1) with data.tuning as privilege_tuning
}

test_stale_proof_fresh if {
	count(rules.reasons) == 0 with input as proof(2, "admin", 900) with data.tuning as privilege_tuning
}

test_stale_proof_without_power if {
	count(rules.reasons) == 0 with input as proof(0, "standard", 86400) with data.tuning as privilege_tuning
	count(rules.reasons) == 0 with input as proof(0, "standard", -1) with data.tuning as privilege_tuning
}

test_stale_proof_tuned if {
	tuned := {"rules": {"stale_proof": {"max_age_s": 60}}}
	rules.reasons == {stale_proof} with input as proof(0, "sensitive", 61) with data.tuning as tuned
	count(rules.reasons) == 0 with input as proof(0, "sensitive", 60) with data.tuning as tuned
}

test_stale_proof_from_before_trust_excused if {
	arrived := object.union(proof(0, "sensitive", 60), {"readings": {"device_trust": {"value": 1, "nats": 0, "excused": 1}}})
	rules.reasons == {stale_proof} with input as arrived with data.tuning as privilege_tuning
	ordinary := object.union(proof(0, "standard", 60), {"readings": {"device_trust": {"value": 1, "nats": 0, "excused": 1}}})
	count(rules.reasons) == 0 with input as ordinary with data.tuning as privilege_tuning
}

test_stale_proof_whatever_the_trust if {
	trusted := object.union(proof(0, "sensitive", 901), {
		"device": {"trusted": true},
		"request": {"class": "sensitive"},
		"readings": {"device_trust": {"value": 1, "nats": -2, "excused": 0}},
	})
	rules.reasons == {stale_proof} with input as trusted with data.tuning as privilege_tuning
}

package riskd.rules_test

import data.riskd.rules

# device is the input of a session's request of a class from a device of which
# device management says whether it is in order, so long after the last proof.
device(compliant, class, requests, age) := {
	"device": {"compliant": compliant},
	"request": {"class": class},
	"session": {"requests": requests, "auth_age_s": age},
}

test_noncompliant_device_fires if {
	rules.reasons == {{"code": "noncompliant_device", "nats": 3}} with input as device(false, "standard", 0, 0) with data.tuning as {}
}

test_noncompliant_device_once if {
	count(rules.reasons) == 0 with input as device(false, "standard", 1, 0) with data.tuning as {}
}

test_noncompliant_device_in_order if {
	count(rules.reasons) == 0 with input as device(true, "standard", 0, 0) with data.tuning as {}
}

test_noncompliant_device_not_managed if {
	unknown := object.remove(device(true, "standard", 0, 0), ["device"])
	count(rules.reasons) == 0 with input as unknown with data.tuning as {}
}

test_noncompliant_device_tuned if {
	tuned := {"rules": {"noncompliant_device": {"nats": 1}}}
	rules.reasons == {{"code": "noncompliant_device", "nats": 1}} with input as device(false, "standard", 0, 0) with data.tuning as tuned
}

noncompliant_use := {"code": "noncompliant_use", "nats": 0, "clears_with": ["mfa"]}

test_noncompliant_use_fires if {
	rules.reasons == {noncompliant_use} with input as device(false, "sensitive", 5, 601) with data.tuning as {}
}

test_noncompliant_use_of_unknown_age if {
	unknown := {"device": {"compliant": false}, "request": {"class": "sensitive"}, "session": {"requests": 5}}
	rules.reasons == {noncompliant_use} with input as unknown with data.tuning as {}
}

test_noncompliant_use_proved_lately if {
	count(rules.reasons) == 0 with input as device(false, "sensitive", 5, 600) with data.tuning as {}
}

test_noncompliant_use_of_ordinary_routes if {
	count(rules.reasons) == 0 with input as device(false, "standard", 5, 601) with data.tuning as {}
}

test_noncompliant_use_in_order if {
	count(rules.reasons) == 0 with input as device(true, "sensitive", 5, 601) with data.tuning as {}
}

test_noncompliant_use_tuned if {
	tuned := {"rules": {"noncompliant_use": {"max_age_s": 60}}}
	rules.reasons == {noncompliant_use} with input as device(false, "sensitive", 5, 61) with data.tuning as tuned
}

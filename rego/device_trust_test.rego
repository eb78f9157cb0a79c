package riskd.rules_test

import data.riskd.rules

# arrival is the input of a request of a class on a trusted device, in a network
# that is new.
arrival(class) := {
	"request": {"class": class},
	"readings": {"device_trust": {"value": 1, "nats": -2, "excused": 1}},
}

trusted_device := {"code": "device_trust", "weight": 1, "min": -2, "max": 0}

test_device_trust_excuses_ordinary_requests if {
	rules.reasons == {trusted_device} with input as arrival("standard") with data.tuning as {}
	rules.reasons == {trusted_device} with input as arrival("open") with data.tuning as {}
}

test_device_trust_excuses_nothing_sensitive if {
	count(rules.reasons) == 0 with input as arrival("sensitive") with data.tuning as {}
	count(rules.reasons) == 0 with input as arrival("admin") with data.tuning as {}
}

test_device_trust_says_nothing_of_what_is_known if {
	quiet := {"request": {"class": "standard"}, "readings": {"device_trust": {"value": 1, "nats": 0, "excused": 0}}}
	count(rules.reasons) == 0 with input as quiet with data.tuning as {}
}

test_device_trust_not_trusted if {
	other := {"request": {"class": "standard"}, "readings": {"device_trust": {"value": 0, "nats": -2, "excused": 0}}}
	count(rules.reasons) == 0 with input as other with data.tuning as {}
}

test_device_trust_tuned if {
	rules.reasons == {object.union(trusted_device, {"min": -1})} with input as arrival("standard") with data.tuning as {"rules": {"device_trust": {"min": -1}}}
}

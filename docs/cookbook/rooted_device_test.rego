package riskd.rules_test

import data.riskd.rules

telephone(rooted, requests) := {"device": {"attributes": {"rooted": rooted}}, "session": {"requests": requests}}

test_rooted_device_fires if {
	rules.reasons == {{"code": "rooted_device", "nats": 3}} with input as telephone("true", 0) with data.tuning as {}
}

test_rooted_device_once if {
	count(rules.reasons) == 0 with input as telephone("true", 1) with data.tuning as {}
}

test_rooted_device_as_it_came if {
	count(rules.reasons) == 0 with input as telephone("false", 0) with data.tuning as {}
	count(rules.reasons) == 0 with input as {"device": {"attributes": {}}, "session": {"requests": 0}} with data.tuning as {}
}

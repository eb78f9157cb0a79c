package riskd.rules_test

import data.riskd.rules

# The other rules have their say on a new network too: these tests look at one.
managed_device(readings, request) := found if {
	arrival := {
		"device": {"compliant": true},
		"session": {"requests": 5},
		"request": request,
		"readings": object.union({"new_network": {"value": 1, "nats": 5}}, readings),
	}
	all := rules.reasons with input as arrival with data.tuning as {}
	found := {r | some r in all; r.code == "managed_device"}
}

test_managed_device_fires if {
	want := {{"code": "managed_device", "signal": "new_network", "weight": -0.4, "min": -3, "max": 0}}
	managed_device({}, {"class": "standard"}) == want
	managed_device({"device_change": {"value": 0, "nats": 0}}, {"class": "open"}) == want
}

test_managed_device_on_what_is_sensitive if {
	managed_device({}, {"class": "sensitive"}) == set()
	managed_device({}, {"class": "admin"}) == set()
}

test_managed_device_where_it_was if {
	managed_device({"new_network": {"value": 0, "nats": 0}}, {"class": "standard"}) == set()
}

test_managed_device_that_has_changed if {
	managed_device({"device_change": {"value": 1, "nats": 4}}, {"class": "standard"}) == set()
	managed_device({"user_agent_change": {"value": 3, "nats": 7}}, {"class": "standard"}) == set()
	managed_device({"device_clone": {"value": 2, "nats": 7}}, {"class": "standard"}) == set()
	managed_device({"trust_lost": {"value": 1, "nats": 7}}, {"class": "standard"}) == set()
}

test_managed_device_not_in_order if {
	out := {"device": {"compliant": false}, "request": {"class": "standard"}, "session": {"requests": 5}, "readings": {"new_network": {"value": 1, "nats": 5}}}
	all := rules.reasons with input as out with data.tuning as {}
	{r.code | some r in all} == {"new_network"}
}

package riskd.rules_test

import data.riskd.rules

arrived(ip, asn) := {"client": {"ip": ip}, "place": {"asn": asn}, "readings": {"new_network": {"value": 1, "nats": 5}}}

# The library's rules have their say as well.
found_office(arrival) := found if {
	all := rules.reasons with input as arrival with data.tuning as {}
	found := {r | some r in all; r.code == "office_network"}
}

test_office_network_fires if {
	want := {{"code": "office_network", "signal": "new_network", "weight": -1, "min": -7, "max": 0}}
	found_office(arrived("198.18.25.7", 0)) == want
	found_office(arrived("203.0.113.7", 64499)) == want
}

test_office_network_elsewhere if found_office(arrived("203.0.113.7", 64496)) == set()

test_office_network_known if {
	known := object.union(arrived("198.18.25.7", 64499), {"readings": {"new_network": {"value": 0, "nats": 0}}})
	found_office(known) == set()
}

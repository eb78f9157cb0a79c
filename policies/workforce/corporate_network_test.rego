package riskd.rules_test

import data.riskd.rules

corporate_network(asn, value) := found if {
	tuned := {"rules": {"corporate_network": {"asns": [64499, 64509]}}}
	arrival := {"place": {"asn": asn}, "readings": {"new_network": {"value": value, "nats": 5}}}
	all := rules.reasons with input as arrival with data.tuning as tuned
	found := {r | some r in all; r.code == "corporate_network"}
}

test_corporate_network_fires if {
	corporate_network(64509, 1) == {{"code": "corporate_network", "signal": "new_network", "weight": -1.3, "min": -9, "max": 0}}
}

test_corporate_network_of_others if corporate_network(64508, 1) == set()

test_corporate_network_known if corporate_network(64509, 0) == set()

test_corporate_network_not_listed if {
	arrival := {"place": {"asn": 64509}, "readings": {"new_network": {"value": 1, "nats": 5}}}
	all := rules.reasons with input as arrival with data.tuning as {}
	{r.code | some r in all} == {"new_network"}
}

package riskd.rules_test

import data.riskd.rules

behind(kind, known, roles) := {"user": {"roles": roles}, "readings": {"network_kind": {"value": 1, "nats": 1, "kind": kind, "known": known}}}

# The library's rules have their say as well.
found_vpn(arrival) := found if {
	all := rules.reasons with input as arrival with data.tuning as {}
	found := {r | some r in all; r.code == "vpn_by_role"}
}

test_vpn_by_role_fires if {
	want := {{"code": "vpn_by_role", "signal": "network_kind", "weight": -1, "min": -1.5, "max": 0}}
	found_vpn(behind("vpn", 0, ["user", "researcher"])) == want
}

test_vpn_by_role_of_others if found_vpn(behind("vpn", 0, ["user"])) == set()

test_vpn_by_role_in_tor if found_vpn(behind("tor", 0, ["researcher"])) == set()

test_vpn_by_role_known if found_vpn(behind("vpn", 1, ["researcher"])) == set()

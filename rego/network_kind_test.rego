package riskd.rules_test

import data.riskd.rules

test_network_kind_fires if {
	rules.reasons == {{"code": "network_kind", "weight": 1, "min": 0, "max": 1.5, "clears_with": ["mfa"]}} with input as {"readings": {"network_kind": {"value": 1, "known": 0, "kind": "vpn"}}} with data.tuning as {}
}

test_network_kind_known if {
	count(rules.reasons) == 0 with input as {"readings": {"network_kind": {"value": 1, "known": 1, "kind": "vpn"}}} with data.tuning as {}
}

test_network_kind_open if {
	count(rules.reasons) == 0 with input as {"readings": {"network_kind": {"value": 0, "known": 0, "kind": "residential"}}} with data.tuning as {}
}

test_network_kind_tuned if {
	rules.reasons == {{"code": "network_kind", "weight": 3, "min": 0, "max": 5, "clears_with": ["mfa"]}} with input as {"readings": {"network_kind": {"value": 1, "known": 0, "kind": "tor"}}} with data.tuning as {"rules": {"network_kind": {"weight": 3, "max": 5}}}
}

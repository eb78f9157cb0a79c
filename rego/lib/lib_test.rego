package riskd.lib_test

import data.riskd.lib

test_defaults_hold_without_tuning if {
	lib.tuned("new_country", {"weight": 1, "max": 7}) == {"weight": 1, "max": 7} with data.tuning as {}
}

test_defaults_hold_without_a_line_for_the_rule if {
	lib.tuned("new_country", {"weight": 1}) == {"weight": 1} with data.tuning as {"rules": {"new_network": {"weight": 2}}}
}

test_the_pack_overrides_what_it_names if {
	want := {"weight": 0.5, "min": 0, "max": 7}
	lib.tuned("new_country", {"weight": 1, "min": 0, "max": 7}) == want with data.tuning as {"rules": {"new_country": {"weight": 0.5}}}
}

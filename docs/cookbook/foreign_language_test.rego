package riskd.rules_test

import data.riskd.rules

speaks(language, value) := {"client": {"language": language}, "readings": {"new_network": {"value": value, "nats": 5}}}

# The library's rules have their say as well.
found_language(arrival) := found if {
	all := rules.reasons with input as arrival with data.tuning as {}
	found := {r | some r in all; r.code == "foreign_language"}
}

test_foreign_language_fires if {
	want := {{"code": "foreign_language", "signal": "new_network", "weight": 0.3, "min": 0, "max": 2, "clears_with": ["mfa"]}}
	found_language(speaks("pt-BR,pt;q=0.9", 1)) == want
}

test_foreign_language_spoken_here if found_language(speaks("fr-FR,fr;q=0.9", 1)) == set()

test_foreign_language_where_it_was if found_language(speaks("pt-BR", 0)) == set()

test_foreign_language_not_told if found_language({"readings": {"new_network": {"value": 1, "nats": 5}}}) == set()

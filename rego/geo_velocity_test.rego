package riskd.rules_test

import data.riskd.rules

test_geo_velocity_fires if {
	rules.reasons == {{"code": "geo_velocity", "weight": 1, "min": 0, "max": 2.5, "clears_with": ["mfa"]}} with input as {"readings": {"geo_velocity": {"nats": 2.5, "low_kmh": 1000.1, "excess_km": 400}}} with data.tuning as {}
}

test_geo_velocity_an_ordinary_flight if {
	count(rules.reasons) == 0 with input as {"readings": {"geo_velocity": {"nats": 2.5, "low_kmh": 712.2, "excess_km": 5697.2}}} with data.tuning as {}
}

test_geo_velocity_not_at_the_speed if {
	count(rules.reasons) == 0 with input as {"readings": {"geo_velocity": {"nats": 2.5, "low_kmh": 1000, "excess_km": 400}}} with data.tuning as {}
}

test_geo_velocity_not_below_the_distance if {
	count(rules.reasons) == 0 with input as {"readings": {"geo_velocity": {"nats": 2.5, "low_kmh": 24000, "excess_km": 399.9}}} with data.tuning as {}
}

test_geo_velocity_once_an_arrival if {
	count(rules.reasons) == 0 with input as {"readings": {"geo_velocity": {"nats": 0, "low_kmh": 24000, "excess_km": 5697.2}}} with data.tuning as {}
}

test_geo_velocity_not_evaluable if {
	count(rules.reasons) == 0 with input as {"readings": {"geo_velocity": {"missing": "precision"}}} with data.tuning as {}
}

test_geo_velocity_tuned if {
	rules.reasons == {{"code": "geo_velocity", "weight": 0.5, "min": 0, "max": 2.5, "clears_with": ["mfa"]}} with input as {"readings": {"geo_velocity": {"nats": 2.5, "low_kmh": 712.2, "excess_km": 5697.2}}} with data.tuning as {"rules": {"geo_velocity": {"weight": 0.5, "kmh": 700}}}
}

test_geo_velocity_tuned_distance if {
	count(rules.reasons) == 0 with input as {"readings": {"geo_velocity": {"nats": 2.5, "low_kmh": 24000, "excess_km": 450}}} with data.tuning as {"rules": {"geo_velocity": {"excess_km": 500}}}
}

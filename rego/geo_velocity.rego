package riskd.rules

import data.riskd.lib

# METADATA
# title: Impossible travel
# description: |
#   Nobody travels that fast, even if both places are as wrong as their accuracy
#   allows: the session was probably in two hands. Innocent causes are a VPN
#   switched on and a badly located network, so that speed alone never suffices.
# labels:
#   rule: geo_velocity
#   severity: high
#   group: network
#   channel: identity
# custom:
#   user: This session seems to have moved faster than anybody can travel.
#   admin: "{distance_km} km from {from} to {to} in {elapsed_s} s: at least {low_kmh} km/h"
reasons contains {"code": "geo_velocity", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	t := lib.tuned("geo_velocity", {"weight": 1, "min": 0, "max": 2.5, "kmh": 1000, "excess_km": 400})
	input.readings.geo_velocity.nats > 0
	input.readings.geo_velocity.low_kmh > t.kmh
	input.readings.geo_velocity.excess_km >= t.excess_km
}

package riskd.rules

import data.riskd.lib

# METADATA
# title: Weakly authenticated
# description: |
#   Something sensitive or administrative is used on an authentication that is
#   weaker than it asks for: a password alone can be guessed, bought or phished.
#   Many honest users have nothing stronger, so that it is worth little, and is
#   weighed once an authentication. Whether to ask for more is the pack's to say.
# labels:
#   rule: auth_strength
#   severity: low
#   group: behaviour
#   channel: behaviour
# custom:
#   user: You haven't confirmed with a second factor that it is you.
#   admin: "authentication of strength {value} (acr {acr}), {asked} asked for"
reasons contains {"code": "auth_strength", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.auth_strength.nats > 0
	t := lib.tuned("auth_strength", {"weight": 1, "min": 0, "max": 1.2})
}

# METADATA
# title: Strongly authenticated
# description: |
#   The user has proved himself with a factor that no look-alike page can relay:
#   evidence for the session, once an authentication. It says nothing of who takes
#   the session later.
# labels:
#   rule: strong_authentication
#   severity: low
#   group: device
#   channel: identity
# custom:
#   user: You have confirmed with your security key that it is you.
#   admin: "authentication that resists phishing (acr {acr})"
reasons contains {"code": "strong_authentication", "signal": "auth_strength", "weight": t.weight, "min": t.min, "max": t.max} if {
	input.readings.auth_strength.nats < 0
	t := lib.tuned("strong_authentication", {"weight": 1, "min": -1, "max": 0})
}

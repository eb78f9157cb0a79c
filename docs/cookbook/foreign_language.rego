package riskd.rules

import data.riskd.lib

# METADATA
# title: Language that nobody here speaks
# description: |
#   The session arrives in a network that is new to its user, and its browser asks
#   for none of the languages that are spoken here. A cloned cookie jar seldom
#   brings the Accept-Language along. Innocent are new colleagues and hotel
#   computers; so it counts with the new network only.
# labels:
#   rule: foreign_language
#   severity: low
#   group: device
#   channel: identity
# custom:
#   user: We noticed activity with other language settings.
#   admin: "arrived in AS{to} ({org}) asking for other languages"
reasons contains {"code": "foreign_language", "signal": "new_network", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.new_network.value == 1
	input.client.language
	not language_spoken
	t := lib.tuned("foreign_language", {"weight": 0.3, "min": 0, "max": 2})
}

language_spoken if {
	t := lib.tuned("foreign_language", {"languages": ["fr", "en", "de"]})
	some language in t.languages
	startswith(input.client.language, language)
}

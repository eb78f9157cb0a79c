package riskd.rules_test

import data.riskd.rules

listed := {"rules": {"ja4_of_a_tool": {"ja4": ["t13d190900_9dc949149365_97f8aa674fd9"]}}}

shaken(ja4, program) := {"session": {"requests": 0}, "client": {"ja4": ja4, "user_agent": program}}

test_ja4_of_a_tool_fires if {
	liar := shaken("t13d190900_9dc949149365_97f8aa674fd9", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)")
	rules.reasons == {{"code": "ja4_of_a_tool", "nats": 5, "clears_with": ["mfa"]}} with input as liar with data.tuning as listed
	count(rules.reasons) == 0 with input as liar with data.tuning as {}
}

test_ja4_of_a_tool_that_says_so if {
	honest := shaken("t13d190900_9dc949149365_97f8aa674fd9", "tool/1.0")
	count(rules.reasons) == 0 with input as honest with data.tuning as listed
}

test_ja4_of_a_browser if {
	browser := shaken("t13d1516h2_8daaf6152771_b186095e22b6", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)")
	count(rules.reasons) == 0 with input as browser with data.tuning as listed
}

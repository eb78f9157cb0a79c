# METADATA
# description: What the rules share.
package riskd.lib

# METADATA
# description: |
#   The numbers of a rule: its own defaults, and over them what the pack's
#   tuning.json says under rules.<name>. A pack that says nothing of a rule
#   leaves it as it is; it never silences it. Both arguments are literals, so
#   that loading a pack can check every override against its default.
tuned(name, defaults) := object.union(defaults, override) if {
	override := data.tuning.rules[name]
} else := defaults

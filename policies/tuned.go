package policies

import "maps"

// Tuned gives the numbers that the pack's rules are tuned by, by the name given to
// lib.tuned and by member: their own defaults, and over them what tuning.json says
// under rules.<name>.
func (p *Pack) Tuned() map[string]map[string]float64 {
	all := make(map[string]map[string]float64, len(p.tuned))
	for name, numbers := range p.tuned {
		all[name] = maps.Clone(numbers)
	}
	return all
}

// tunedNumbers lays the numbers of tuning.json over the rules' defaults.
func tunedNumbers(defaults map[string]map[string]float64, data map[string]any) map[string]map[string]float64 {
	rules, _ := data["rules"].(map[string]any)
	for name, numbers := range defaults {
		own, _ := rules[name].(map[string]any)
		for member := range numbers {
			if v, ok := own[member].(float64); ok {
				numbers[member] = v
			}
		}
	}
	return defaults
}

package main

import (
	"fmt"
	"slices"
	"testing"
)

// Where few users are, countries are taken together, so that attackers there are
// compared, too; routes that few use aren't.
func TestSmallCountriesAreTakenTogether(t *testing.T) {
	t.Parallel()
	rare := slices.IndexFunc(groups, func(g group) bool { return g.name == "rarity of context" })
	size := slices.IndexFunc(groups, func(g group) bool { return g.name == "size of answer" })
	m := &sample{words: &words{numbers: map[string]int32{}}}
	add := func(family, name, stratum, value string) {
		u := &unit{family: family, attack: name, onset: true, user: name, fold: len(m.units) % folds}
		for range groups {
			u.strata, u.values = append(u.strata, stratum), append(u.values, m.words.number([]string{value}))
		}
		m.units = append(m.units, u)
	}
	for _, country := range []string{"FR", "GB", "PL", "AT"} {
		for i := range leastUsers / 2 {
			add("", fmt.Sprint(country, i), country+" hosting", "users of the network=3")
			add("F1", fmt.Sprint("a", country, i), country+" hosting", "users of the network=0")
		}
	}
	everything := func(string) bool { return true }
	together := m.stratify(rare, everything)
	if v := together.judge(); v.left != 0 || v.attacks != 4*leastUsers/2 || v.auc < 0.99 {
		t.Errorf("%.2f of the attackers in small countries are left out; %d are told with AUC %.2f", v.left, v.attacks, v.auc)
	}
	if apart := m.stratify(size, everything); apart.left != 1 {
		t.Errorf("%.2f of the attackers on routes of few users are left out, want all", apart.left)
	}
}

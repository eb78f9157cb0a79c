package measure

import "slices"

// budgets fills in what each budget buys.
func (m *measuring) budgets(report *Report) {
	months := m.run.UserMonths()
	for _, budget := range m.options.Budgets {
		n := len(m.families)
		shares := m.estimates(n+2, m.resamples, func(weights, out []float64) {
			cut := m.cut(weights, budget)
			m.shares(weights, out, func(a *Attack) float64 { return one(float64(a.Strength) > cut) })
		})
		b := Budget{Budget: budget, Macro: shares[n+1], All: m.widen(shares[n], len(m.run.Attacks)), Families: m.rates(shares)}
		cut, ok := m.run.Threshold(budget)
		if ok {
			at := round(cut)
			b.Threshold = &at
		}
		asked := 0
		for asked < len(m.sessions) && float64(m.run.Sessions[m.sessions[asked]].Strength) > min(cut, Certain-1) {
			asked++
		}
		b.FSU = ratio(float64(asked), months)
		b.Random = ratio(float64(asked), float64(len(m.sessions)))
		report.Budgets = append(report.Budgets, b)
	}
}

// rates gives the families' shares, widened.
func (m *measuring) rates(shares []Estimate) []FamilyRate {
	of := make([]int, len(m.families))
	for _, f := range m.familyOf {
		of[f]++
	}
	all := []FamilyRate{}
	for f, name := range m.families {
		all = append(all, FamilyRate{name, m.widen(shares[f], of[f])})
	}
	return all
}

// cut is Threshold over users that count as often as they were drawn; what is Certain
// counts as an alarm whatever the budget.
func (m *measuring) cut(weights []float64, budget float64) float64 {
	var months, asked float64
	for i := range m.run.Users {
		months += weights[i] * m.run.Users[i].months()
	}
	for _, place := range m.sessions {
		s := &m.run.Sessions[place]
		if asked += weights[s.User]; asked > budget*months {
			return min(float64(s.Strength), Certain-1)
		}
	}
	return 0
}

// references fills in what simpler detectors come to: one that throws dice, and the
// rule that every address in another country is a thief's.
func (m *measuring) references(report *Report) {
	months, n := m.run.UserMonths(), len(m.families)
	abroad := 0
	for i := range m.run.Sessions {
		if m.run.Sessions[i].Abroad {
			abroad++
		}
	}
	shares := m.estimates(n+2, m.resamples, func(weights, out []float64) {
		m.shares(weights, out, func(a *Attack) float64 { return one(a.Abroad) })
	})
	asked := 0
	for i := range m.run.Sessions {
		if m.run.Sessions[i].Alarmed {
			asked++
		}
	}
	dice := report.False.Sessions.Value
	blind := Reference{Name: "random", FSU: ratio(float64(asked), months), Macro: dice, TPR: dice, Families: []FamilyRate{}}
	for _, name := range m.families {
		blind.Families = append(blind.Families, FamilyRate{name, Estimate{dice, dice, dice}})
	}
	report.References = []Reference{blind, {
		Name: "new country", FSU: ratio(float64(abroad), months), Macro: shares[n+1].Value, TPR: shares[n].Value, Families: slices.Clip(m.rates(shares)),
	}}
}

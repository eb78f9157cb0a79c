package measure

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// falseAlarms fills in what the alarms cost those who did nothing.
func (m *measuring) falseAlarms(report *Report) {
	n := len(m.archetypes)
	// Step-ups and revokes for each month by archetype and of all, the share of sessions
	// alarmed, and what was demanded.
	all := m.estimates(2*(n+1)+2, m.resamples, func(weights, out []float64) {
		clear(out)
		months := make([]float64, n+1)
		for i := range m.run.Users {
			x := weights[i] * m.run.Users[i].months()
			months[m.archOf[i]] += x
			months[n] += x
		}
		for i := range m.run.Alarms {
			a := &m.run.Alarms[i]
			row := out
			if a.Revoke {
				row = out[n+1:]
			}
			row[m.archOf[a.User]] += weights[a.User]
			row[n] += weights[a.User]
		}
		for i, of := range months {
			out[i], out[n+1+i] = over(out[i], of), over(out[n+1+i], of)
		}
		var alarmed, of, demanded float64
		for i := range m.run.Users {
			demanded += weights[i] * float64(m.run.Users[i].Demanded)
		}
		for i := range m.run.Sessions {
			s := &m.run.Sessions[i]
			alarmed += weights[s.User] * one(s.Alarmed)
			of += weights[s.User]
		}
		out[2*(n+1)], out[2*(n+1)+1] = over(alarmed, of), over(demanded, months[n])
	})
	report.False = False{FSU: all[n], FRV: all[2*n+1], Sessions: m.widen(all[2*n+2], len(m.run.Sessions)), Demanded: all[2*n+3]}
	report.Archetypes = make([]Archetype, n)
	for i, name := range m.archetypes {
		report.Archetypes[i] = Archetype{Name: named(name), FSU: all[i], FRV: all[n+1+i], Ratio: ratio(all[i].Value, all[n].Value)}
	}
	for i := range m.run.Users {
		in := &report.Archetypes[m.archOf[i]]
		in.Users += int(one(m.run.Users[i].Exposure > 0))
		in.UserMonths += m.run.Users[i].months()
	}
	for i := range report.Archetypes {
		report.Archetypes[i].UserMonths = round(report.Archetypes[i].UserMonths)
	}
	for i := range m.run.Alarms {
		a := &m.run.Alarms[i]
		in := &report.Archetypes[m.archOf[a.User]]
		if a.Revoke {
			report.False.Revokes++
			in.Revokes++
		} else {
			report.False.StepUps++
			in.StepUps++
		}
	}
	report.Archetypes = slices.DeleteFunc(report.Archetypes, func(a Archetype) bool { return a.Users+a.StepUps+a.Revokes == 0 })
	caught, alarmed := report.All.TPR.Value, report.False.Sessions.Value
	report.Precision = ratio(Prior*caught, Prior*caught+(1-Prior)*alarmed)
}

// named gives what has no label its name in reports.
func named(label string) string {
	if label == "" {
		return "none"
	}
	return label
}

func over(x, of float64) float64 {
	if of == 0 {
		return math.NaN()
	}
	return x / of
}

func ratio(x, of float64) float64 {
	if of == 0 {
		return 0
	}
	return round(x / of)
}

// causes fills in what made false alarms, as labels say and as reasons say, and the
// reasons of those that were true.
func (m *measuring) causes(report *Report) {
	causes := map[string]*Cause{}
	falseReasons, caughtReasons := weights{}, weights{}
	for i := range m.run.Alarms {
		a := &m.run.Alarms[i]
		for _, name := range causesOf(a) {
			if causes[name] == nil {
				causes[name] = &Cause{Name: name}
			}
			if a.Revoke {
				causes[name].Revokes++
			} else {
				causes[name].StepUps++
			}
		}
		if !a.Revoke {
			falseReasons.add(a.Reasons)
		}
	}
	for i := range m.run.Attacks {
		if a := &m.run.Attacks[i]; a.Alarm.Met {
			caughtReasons.add(a.Reasons)
		}
	}
	months := m.run.UserMonths()
	for _, name := range slices.Sorted(maps.Keys(causes)) {
		c := *causes[name]
		c.FSU, c.FRV = ratio(float64(c.StepUps), months), ratio(float64(c.Revokes), months)
		c.Share = ratio(float64(c.StepUps), float64(report.False.StepUps))
		report.Causes = append(report.Causes, c)
	}
	slices.SortStableFunc(report.Causes, func(a, b Cause) int { return cmp.Compare(b.StepUps+b.Revokes, a.StepUps+a.Revokes) })
	report.FalseReasons, report.CaughtReasons = falseReasons.sorted(), caughtReasons.sorted()
}

// causesOf are an alarm's causes by their names; it counts for each of them.
func causesOf(a *Alarm) []string {
	if len(a.Causes) == 0 {
		return []string{named("")}
	}
	return a.Causes
}

// weights sum up reasons by code.
type weights map[string]*Weight

func (w weights) add(reasons []Reason) {
	for i := range reasons {
		in := w[reasons[i].Code]
		if in == nil {
			in = &Weight{Code: reasons[i].Code}
			w[reasons[i].Code] = in
		}
		in.Share += reasons[i].Share
		if !slices.ContainsFunc(reasons[:i], func(r Reason) bool { return r.Code == reasons[i].Code }) {
			in.Alarms++
		}
	}
}

// sorted gives the weightiest first.
func (w weights) sorted() []Weight {
	all, sum := []Weight{}, 0.0
	for _, code := range slices.Sorted(maps.Keys(w)) {
		all = append(all, *w[code])
		sum += w[code].Share
	}
	for i := range all {
		all[i].Share = ratio(all[i].Share, sum)
	}
	slices.SortStableFunc(all, func(a, b Weight) int { return cmp.Compare(b.Share, a.Share) })
	return all
}

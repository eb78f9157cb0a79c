package measure

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Options say how a run is measured.
type Options struct {
	// Seed is that of the draws for intervals, and of the halves of users for the
	// calibration.
	Seed uint64
	// Resamples is how many draws an interval is made of; 0 leaves intervals out.
	Resamples int
	// Budgets are the false step-ups for each user and month at which shares caught
	// are told. Default: [DefaultBudgets].
	Budgets []float64
	// Aside are families that means of families leave out, such as one that is there to
	// show a floor.
	Aside []string
}

// DefaultResamples is how many draws a report's intervals are made of.
const DefaultResamples = 1000

// DefaultBudgets are those of a report.
var DefaultBudgets = []float64{0.03, 0.1, 0.3, 1}

// Prior is how many sessions are attacks where a report speaks of "one in 10,000":
// what traces hold of attacks says nothing of how many there are.
const Prior = 1e-4

// Of measures a run.
func Of(r *Run, o Options) *Report {
	if o.Budgets == nil {
		o.Budgets = DefaultBudgets
	}
	m := &measuring{run: r, options: o, families: r.Families(), bootstrap: bootstrap{len(r.Users), o.Seed, o.Resamples}}
	m.index()
	report := &Report{
		Users: r.exposed(), UserMonths: round(r.UserMonths()), Attacks: len(r.Attacks), Sessions: len(r.Sessions),
		Families: []Family{}, Archetypes: []Archetype{}, Causes: []Cause{}, Budgets: []Budget{}, Missed: []Missed{},
	}
	m.outcomes(report)
	m.falseAlarms(report)
	m.causes(report)
	m.budgets(report)
	m.references(report)
	m.curves(report)
	report.Calibration = m.calibration()
	m.missed(report)
	return report
}

// measuring is a run being measured.
type measuring struct {
	bootstrap
	run        *Run
	options    Options
	families   []string
	familyOf   []int // of each attack
	archetypes []string
	archOf     []int // of each user
	sessions   []int // places in run.Sessions, the strongest first
	attacks    []int // places in run.Attacks, the strongest first
}

func (m *measuring) index() {
	for i := range m.run.Attacks {
		place, _ := slices.BinarySearchFunc(m.families, m.run.Attacks[i].Family, compareNames)
		m.familyOf = append(m.familyOf, place)
	}
	names := map[string]bool{}
	for i := range m.run.Users {
		names[m.run.Users[i].Archetype] = true
	}
	m.archetypes = slices.Sorted(maps.Keys(names))
	for i := range m.run.Users {
		place, _ := slices.BinarySearch(m.archetypes, m.run.Users[i].Archetype)
		m.archOf = append(m.archOf, place)
	}
	m.sessions, m.attacks = upTo(len(m.run.Sessions)), upTo(len(m.run.Attacks))
	slices.SortStableFunc(m.sessions, func(a, b int) int {
		return cmp.Compare(m.run.Sessions[b].Strength, m.run.Sessions[a].Strength)
	})
	slices.SortStableFunc(m.attacks, func(a, b int) int {
		return cmp.Compare(m.run.Attacks[b].Strength, m.run.Attacks[a].Strength)
	})
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// shares fills in the share of attacks for which is holds: by family, then of all,
// then the mean of the families.
func (m *measuring) shares(weights, out []float64, is func(*Attack) float64) {
	n := len(m.families)
	of := make([]float64, n+1)
	clear(out[:n+2])
	for i := range m.run.Attacks {
		a := &m.run.Attacks[i]
		w, f := weights[a.User], m.familyOf[i]
		x := w * is(a)
		of[f] += w
		of[n] += w
		out[f] += x
		out[n] += x
	}
	var sum, met float64
	for f := range n + 1 {
		if of[f] == 0 {
			out[f] = math.NaN()
			continue
		}
		out[f] /= of[f]
		if f < n && !m.aside(f) {
			sum += out[f]
			met++
		}
	}
	out[n+1] = sum / met
}

// aside reports whether means leave a family out.
func (m *measuring) aside(family int) bool {
	return slices.Contains(m.options.Aside, m.families[family])
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// outcomes fills in what becomes of the attacks.
func (m *measuring) outcomes(report *Report) {
	n := len(m.families) + 2
	all := m.estimates(3*n, m.resamples, func(weights, out []float64) {
		m.shares(weights, out, func(a *Attack) float64 { return one(a.Alarm.Met) })
		m.shares(weights, out[n:], func(a *Attack) float64 { return one(a.Revoke.Met) })
		m.shares(weights, out[2*n:], func(a *Attack) float64 { return float64(a.Sensitive) })
	})
	report.Macro = all[n-1]
	outcomesOf := func(place int, of []*Attack) Outcomes {
		o := Outcomes{
			Attacks: len(of), TPR: m.widen(all[place], len(of)), Revoked: m.widen(all[n+place], len(of)), Sensitive: all[2*n+place],
			StepUp: delayOf(of, func(a *Attack) Stop { return a.Alarm }),
			Revoke: delayOf(of, func(a *Attack) Stop { return a.Revoke }),
		}
		o.Caught = len(of) - o.StepUp.Censored
		for _, a := range of {
			if a.Demanded && !a.Alarm.Met {
				o.Demanded++
			}
		}
		return o
	}
	byFamily := make([][]*Attack, len(m.families))
	var every []*Attack
	for i := range m.run.Attacks {
		a := &m.run.Attacks[i]
		byFamily[m.familyOf[i]] = append(byFamily[m.familyOf[i]], a)
		every = append(every, a)
	}
	for f, name := range m.families {
		report.Families = append(report.Families, Family{name, m.aside(f), outcomesOf(f, byFamily[f])})
	}
	report.All = outcomesOf(n-2, every)
}

func delayOf(of []*Attack, stop func(*Attack) Stop) Delay {
	var requests, seconds []float64
	for _, a := range of {
		if s := stop(a); s.Met {
			requests = append(requests, float64(s.Requests))
			seconds = append(seconds, round(s.After.Seconds()))
		}
	}
	return Delay{quantilesOf(requests, len(of)), quantilesOf(seconds, len(of)), len(of) - len(requests)}
}

func quantilesOf(values []float64, of int) Quantiles {
	slices.Sort(values)
	at := func(percent int) *float64 {
		rank := (percent*of + 99) / 100 // nearest rank
		if rank == 0 || rank > len(values) {
			return nil
		}
		return &values[rank-1]
	}
	return Quantiles{at(50), at(90)}
}

// missed fills in the attacks without an alarm, those that did most first.
func (m *measuring) missed(report *Report) {
	for i := range m.run.Attacks {
		if a := &m.run.Attacks[i]; !a.Alarm.Met {
			report.Missed = append(report.Missed, Missed{
				a.ID, a.Family, a.At, m.run.Users[a.User].Name, a.Requests, a.Sensitive, round(float64(a.Strength)),
			})
		}
	}
	slices.SortStableFunc(report.Missed, func(a, b Missed) int {
		return cmp.Or(cmp.Compare(b.Sensitive, a.Sensitive), cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Attack, b.Attack))
	})
}

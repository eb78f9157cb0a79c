package measure

import "math"

// curveResamples is how many draws the bands of curves are made of: each goes through
// all sessions.
const curveResamples = 200

// rocGrid are the shares of sessions alarmed at which the ROC is told: from 1 in
// 10,000 to all, eight to a decade.
func rocGrid() (grid []float64) {
	for i := range 33 {
		grid = append(grid, math.Pow(10, float64(i)/8-4))
	}
	grid[32] = 1
	return grid
}

// prGrid are the shares of attacks caught at which precision is told.
func prGrid() (grid []float64) {
	for i := 1; i <= 40; i++ {
		grid = append(grid, float64(i)/40)
	}
	return grid
}

// curves fills in ROC, the area under it, and precision over recall.
func (m *measuring) curves(report *Report) {
	roc, pr := rocGrid(), prGrid()
	report.ROC, report.PR = []Point{}, []Point{}
	if len(m.attacks) == 0 || len(m.sessions) == 0 {
		return
	}
	cuts := make([]float64, len(roc)+len(pr))
	first := true
	all := m.estimates(len(roc)+len(pr), curveResamples, func(weights, out []float64) {
		c := cuts
		if !first { // those of the run itself stay
			c = make([]float64, len(cuts))
		}
		first = false
		m.walk(weights, roc, pr, out, c)
	})
	for i, x := range roc {
		report.ROC = append(report.ROC, Point{round(x), all[i].Value, all[i].Low, all[i].High, round(cuts[i])})
	}
	for i, x := range pr {
		i += len(roc)
		report.PR = append(report.PR, Point{x, all[i].Value, all[i].Low, all[i].High, round(cuts[i])})
	}
	report.AUC = round(m.area())
}

// walk lowers the threshold from strength to strength. At each X of the ROC it takes
// the share of attacks caught by the lowest threshold that alarms no more sessions, at
// each X of the other the precision of the highest that catches as much.
func (m *measuring) walk(weights, roc, pr, out, cuts []float64) {
	var sessions, attacks float64
	for _, i := range m.sessions {
		sessions += weights[m.run.Sessions[i].User]
	}
	for _, i := range m.attacks {
		attacks += weights[m.run.Attacks[i].User]
	}
	for i := range out {
		out[i] = math.NaN()
	}
	if sessions == 0 || attacks == 0 {
		return
	}
	var alarmed, caught, before float64
	rocAt, prAt, s, a := 0, 0, 0, 0
	cut := math.Inf(1)
	for s < len(m.sessions) || a < len(m.attacks) {
		next := m.strongest(s, a)
		lastCut := cut
		before, cut = caught, next
		for ; a < len(m.attacks) && m.attackAt(a) == next; a++ {
			caught += weights[m.run.Attacks[m.attacks[a]].User]
		}
		for ; s < len(m.sessions) && m.sessionAt(s) == next; s++ {
			alarmed += weights[m.run.Sessions[m.sessions[s]].User]
		}
		for ; rocAt < len(roc) && alarmed > roc[rocAt]*sessions*(1+1e-12); rocAt++ {
			out[rocAt], cuts[rocAt] = before/attacks, min(lastCut, Certain)
		}
		for ; prAt < len(pr) && caught >= pr[prAt]*attacks*(1-1e-12) && caught > 0; prAt++ {
			out[len(roc)+prAt], cuts[len(roc)+prAt] = caught/(caught+alarmed), cut
		}
	}
	for ; rocAt < len(roc); rocAt++ {
		out[rocAt], cuts[rocAt] = caught/attacks, cut
	}
}

// strongest is the next strength down, of the sessions from s and the attacks from a.
func (m *measuring) strongest(s, a int) float64 {
	next := math.Inf(-1)
	if s < len(m.sessions) {
		next = m.sessionAt(s)
	}
	if a < len(m.attacks) {
		next = max(next, m.attackAt(a))
	}
	return next
}

// area is the probability that an attack is stronger than a session (Mann and Whitney,
// 1947); ties count half.
func (m *measuring) area() float64 {
	var won, below float64
	s, a := len(m.sessions)-1, len(m.attacks)-1
	for a >= 0 {
		at := m.attackAt(a)
		for ; s >= 0 && m.sessionAt(s) < at; s-- {
			below++
		}
		same := 0.0
		for i := s; i >= 0 && m.sessionAt(i) == at; i-- {
			same++
		}
		for ; a >= 0 && m.attackAt(a) == at; a-- {
			won += below + same/2
		}
	}
	return won / float64(len(m.attacks)) / float64(len(m.sessions))
}

// attackAt and sessionAt are the strengths by rank.
func (m *measuring) attackAt(rank int) float64 {
	return float64(m.run.Attacks[m.attacks[rank]].Strength)
}

func (m *measuring) sessionAt(rank int) float64 {
	return float64(m.run.Sessions[m.sessions[rank]].Strength)
}

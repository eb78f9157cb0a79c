package tune

import "strings"

// Answered is an answer other than allow, for comparing with the engine's.
type Answered struct {
	At      int64
	User    string
	Outcome string
	Alarm   bool
}

// Alarms weighs all sessions again and gives what isn't allowed.
func (l *Log) Alarms(p *Params) (all []Answered) {
	s := state{scale: newScale(l, p)}
	for i := range l.tracks {
		t := &l.tracks[i]
		s.walk(t, func(k int, j verdict) {
			a := Answered{At: t.entries[k].at, User: l.users[t.user].user, Outcome: j.outcome.String(), Alarm: j.alarm}
			all = append(all, a)
		})
	}
	return all
}

// Changes makes changes of names and values in turn.
func Changes(namesAndValues ...any) (all []Change) {
	for i := 0; i < len(namesAndValues); i += 2 {
		c := Change{Path: strings.Split(namesAndValues[i].(string), ".")}
		switch v := namesAndValues[i+1].(type) {
		case string:
			c.To, c.duration = v, true
		case float64:
			c.to = v
		case int:
			c.to = float64(v)
		}
		all = append(all, c)
	}
	return all
}

// AtBudget gives the log's own numbers with thresholds for a budget.
func (v *View) AtBudget(budget float64) *Params {
	w := newScale(v.log, v.log.Own())
	p, _ := v.thresholds(w, v.peaks(w), budget, defaultRevokes)
	return p
}

// Entries is how many events the log holds.
func (l *Log) Entries() (n int) {
	for i := range l.tracks {
		n += len(l.tracks[i].entries)
	}
	return n
}

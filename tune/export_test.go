package tune

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

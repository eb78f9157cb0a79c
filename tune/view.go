package tune

import "time"

// View is a part of a log: some of its users, and a time from which and up to which
// alarms, attacks and users' months count. What comes before is weighed all the same,
// since evidence stays for a while.
type View struct {
	log      *Log
	from, to int64
	users    []bool
	honest   []int32 // tracks of those users that no attack comes to, with evidence
	attacked []int32 // tracks that one of the attacks comes to
	attacks  []bool  // of those users, beginning in that time
	months   []float64
}

// month is a user-month.
const month = 30 * 24 * time.Hour

// View gives a part of the log: the users for whom in holds, from a time up to, not
// including, another.
func (l *Log) View(in func(user int) bool, from, to time.Time) *View {
	v := &View{log: l, from: from.UnixNano(), to: to.UnixNano(), users: make([]bool, len(l.users)), months: make([]float64, len(l.users)), attacks: make([]bool, len(l.attacks))}
	for i := range l.users {
		if v.users[i] = in(i); v.users[i] {
			v.months[i] = max(0, float64(min(v.to, l.last)-max(v.from, l.users[i].first))) / float64(month)
		}
	}
	for i := range l.attacks {
		a := &l.attacks[i]
		v.attacks[i] = a.user >= 0 && v.users[a.user] && v.counts(a.events[0].at)
	}
	for i := range l.tracks {
		switch t := &l.tracks[i]; {
		case len(t.entries) == 0:
		case t.marks != nil:
			if v.met(t) {
				v.attacked = append(v.attacked, int32(i))
			}
		case t.honest && t.user >= 0 && v.users[t.user] && v.overlaps(t):
			v.honest = append(v.honest, int32(i))
		}
	}
	return v
}

// counts reports whether what happens at a time counts.
func (v *View) counts(at int64) bool { return at >= v.from && at < v.to }

// overlaps reports whether some of a track may count.
func (v *View) overlaps(t *track) bool {
	return t.entries[0].at < v.to && t.entries[len(t.entries)-1].at >= v.from
}

func (v *View) met(t *track) bool {
	for i := range t.marks {
		if a := t.marks[i].attack; a >= 0 && v.attacks[a] {
			return true
		}
	}
	return false
}

// UserMonths is how long the users are in view, all together.
func (v *View) UserMonths() (total float64) {
	for _, m := range v.months {
		total += m
	}
	return total
}

// Users is how many users are in view at all.
func (v *View) Users() (n int) {
	for _, m := range v.months {
		if m > 0 {
			n++
		}
	}
	return n
}

// Attacks is how many attacks are in view.
func (v *View) Attacks() (n int) {
	for _, in := range v.attacks {
		if in {
			n++
		}
	}
	return n
}

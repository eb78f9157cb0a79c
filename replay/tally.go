package replay

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/riskd/riskd"
)

// Matrix counts by how A (first index) and B answer.
type Matrix [classes][classes]int

// Total counts all.
func (m *Matrix) Total() (n int) {
	for a := range m {
		for b := range m[a] {
			n += m[a][b]
		}
	}
	return n
}

// Of counts how often a side answered so.
func (m *Matrix) Of(side int, c Class) (n int) {
	for i := range m {
		if side == 0 {
			n += m[c][i]
		} else {
			n += m[i][c]
		}
	}
	return n
}

// paired counts things of which each side says yes or no.
type paired [2][2]int

func (p *paired) add(says [2]bool) {
	index := [2]int{}
	for side, yes := range says {
		if yes {
			index[side] = 1
		}
	}
	p[index[0]][index[1]]++
}

func (p *paired) total() int { return p[0][0] + p[0][1] + p[1][0] + p[1][1] }

func (p *paired) of(side int) int {
	if side == 0 {
		return p[1][0] + p[1][1]
	}
	return p[0][1] + p[1][1]
}

// tally is what a run adds up to.
type tally struct {
	identity         int
	events, sessions Matrix
	reasons          map[string]*reasonCount
	diverging        []*story
	stepUps          [2]struct{ asked, waiting, proved int }
	refused          [2]refusals

	honest       paired // sessions that no label ever names: alarmed
	honestRevoke paired
	days         map[userDay]sideSet // of their users: alarmed
	hit          paired              // sessions since an attack came to them
}

type reasonCount struct{ events, sessions [2]int }

// userDay is a user's day (UTC); the user is a place in order.people.
type userDay struct{ user, day int32 }

// refusals are identity events that a pack can't act on, and the first of them.
type refusals struct {
	count int
	err   error
}

func newTally() *tally {
	return &tally{reasons: map[string]*reasonCount{}, days: map[userDay]sideSet{}}
}

func (t *tally) refuse(side int, in *item) {
	r := &t.refused[side]
	if r.count++; r.err == nil {
		r.err = fmt.Errorf("%s: %w", &in.place, in.refused[side])
	}
}

func (t *tally) reason(s *story, side int, reasons []riskd.Reason) {
	for i := range reasons {
		code := reasons[i].Code
		if slices.ContainsFunc(reasons[:i], func(r riskd.Reason) bool { return r.Code == code }) {
			continue
		}
		in := t.reasons[code]
		if in == nil {
			in = &reasonCount{}
			t.reasons[code] = in
		}
		in.events[side]++
		if s.firstFor(side, code) {
			in.sessions[side]++
		}
	}
}

// close takes in what a session has come to.
func (t *tally) close(s *story) {
	t.sessions[s.worst[0]][s.worst[1]]++
	for side := range s.asked {
		if s.asked[side] {
			t.stepUps[side].asked++
		}
		if s.waits[side] {
			t.stepUps[side].waiting++
		}
	}
	switch {
	case !s.named:
		t.honest.add([2]bool{s.worst[0].Alarm(), s.worst[1].Alarm()})
		t.honestRevoke.add([2]bool{s.worst[0] == Revoke, s.worst[1] == Revoke})
		for _, d := range s.days {
			t.days[d.userDay] |= d.alarmed
		}
	case len(s.attacks) > 0:
		t.hit.add(s.alarmed)
	}
	if s.first != nil {
		s.codes, s.days = nil, nil // what stays is kept to the end
		t.diverging = append(t.diverging, s)
	}
}

// pairedDays counts the days by which packs alarmed on them.
func (t *tally) pairedDays() (p paired) {
	for _, alarmed := range t.days {
		p.add([2]bool{alarmed&1 != 0, alarmed&2 != 0})
	}
	return p
}

// sorted gives the sessions that diverge in the order in which they do.
func (t *tally) sorted() []*story {
	slices.SortFunc(t.diverging, func(a, b *story) int { return cmp.Compare(a.number, b.number) })
	return t.diverging
}

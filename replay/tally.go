package replay

import (
	"cmp"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Matrix counts by how A (first index) and B answer.
type Matrix [classes][classes]int

func (m *Matrix) add(o *Matrix) {
	for a := range m {
		for b := range m[a] {
			m[a][b] += o[a][b]
		}
	}
}

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

func (p *paired) addAll(o *paired) {
	for a := range p {
		for b := range p[a] {
			p[a][b] += o[a][b]
		}
	}
}

func (p *paired) total() int { return p[0][0] + p[0][1] + p[1][0] + p[1][1] }

func (p *paired) of(side int) int {
	if side == 0 {
		return p[1][0] + p[1][1]
	}
	return p[0][1] + p[1][1]
}

// tally is what batches add up to. All of it but the order of the diverging sessions
// is sums, and those are sorted in the end.
type tally struct {
	identity         int
	users            int
	first, last      time.Time
	events, sessions Matrix
	reasons          map[string]*reasonCount
	diverging        []*story
	stepUps          [2]struct{ asked, waiting, proved int }
	refused          [2]refusals

	honest       paired // sessions that no attack ever comes to: alarmed
	honestRevoke paired
	days         paired // of their users
	hit          paired // sessions since an attack came to them
	catches      map[*attack]*[2]caught
}

type reasonCount struct{ events, sessions [2]int }

// refusals are identity events that a pack can't act on.
type refusals struct {
	count  int
	number uint32 // of the first
	err    error
}

// caught are the numbers of the events at which an attack was first met by an alarm
// and by a revocation, each plus 1; 0 is never.
type caught struct{ alarm, revoke uint32 }

func newTally() *tally {
	return &tally{reasons: map[string]*reasonCount{}, catches: map[*attack]*[2]caught{}}
}

func (t *tally) lines() int { return t.events.Total() + t.identity }

func (t *tally) see(e *riskd.Event) {
	at := e.Time.UTC()
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

func (t *tally) refuse(side int, number uint32, err error) {
	r := &t.refused[side]
	if r.count++; r.err == nil || number < r.number {
		r.number, r.err = number, err
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
		if bit := sideSet(1) << side; s.codes[code]&bit == 0 {
			s.codes[code] |= bit
			in.sessions[side]++
		}
	}
}

func (t *tally) catch(a *attack, side int, number uint32, as Class) {
	in := t.catches[a]
	if in == nil {
		in = &[2]caught{}
		t.catches[a] = in
	}
	in[side].alarm = earliest(in[side].alarm, number+1)
	if as == Revoke {
		in[side].revoke = earliest(in[side].revoke, number+1)
	}
}

// earliest gives the lower of two numbers of which 0 is none.
func earliest(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
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
	case !s.attacked:
		t.honest.add([2]bool{s.worst[0].Alarm(), s.worst[1].Alarm()})
		t.honestRevoke.add([2]bool{s.worst[0] == Revoke, s.worst[1] == Revoke})
	case len(s.attacks) > 0:
		t.hit.add(s.alarmed)
	}
	if s.first != nil {
		s.codes = nil // what stays is kept to the end
		t.diverging = append(t.diverging, s)
	}
}

// add takes in what another batch has come to.
func (t *tally) add(o *tally) {
	t.identity += o.identity
	t.users += o.users
	if !o.first.IsZero() && (t.first.IsZero() || o.first.Before(t.first)) {
		t.first = o.first
	}
	if o.last.After(t.last) {
		t.last = o.last
	}
	t.events.add(&o.events)
	t.sessions.add(&o.sessions)
	for code, in := range o.reasons {
		if t.reasons[code] == nil {
			t.reasons[code] = &reasonCount{}
		}
		for side := range in.events {
			t.reasons[code].events[side] += in.events[side]
			t.reasons[code].sessions[side] += in.sessions[side]
		}
	}
	t.diverging = append(t.diverging, o.diverging...)
	for side := range t.stepUps {
		t.stepUps[side].asked += o.stepUps[side].asked
		t.stepUps[side].waiting += o.stepUps[side].waiting
		t.stepUps[side].proved += o.stepUps[side].proved
		if r := &o.refused[side]; r.count > 0 {
			count := t.refused[side].count + r.count
			t.refuse(side, r.number, r.err)
			t.refused[side].count = count
		}
	}
	t.honest.addAll(&o.honest)
	t.honestRevoke.addAll(&o.honestRevoke)
	t.days.addAll(&o.days)
	t.hit.addAll(&o.hit)
	for a, in := range o.catches {
		there := t.catches[a]
		if there == nil {
			t.catches[a] = in
			continue
		}
		for side := range in {
			there[side].alarm = earliest(there[side].alarm, in[side].alarm)
			there[side].revoke = earliest(there[side].revoke, in[side].revoke)
		}
	}
}

// sorted gives the sessions that diverge in the order in which they do.
func (t *tally) sorted() []*story {
	slices.SortFunc(t.diverging, func(a, b *story) int { return cmp.Compare(a.number, b.number) })
	return t.diverging
}

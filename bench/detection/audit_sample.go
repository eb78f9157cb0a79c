package main

import (
	"context"
	"hash/fnv"
	"slices"
)

// unit is one event that the audit looks at closely.
type unit struct {
	user   string
	family string // "" is honest
	attack string
	onset  bool
	fold   int       // all of a user's units are in the same
	strata []string  // by group: only units of one stratum are compared
	values [][]int32 // by group: "field=value", as words number them
	copied map[string]string
}

// words numbers texts.
type words struct {
	numbers map[string]int32
	names   []string
}

func (w *words) number(all []string) []int32 {
	out := make([]int32, len(all))
	for i, text := range all {
		n, ok := w.numbers[text]
		if !ok {
			n = int32(len(w.names))
			w.numbers[text] = n
			w.names = append(w.names, text)
		}
		out[i] = n
	}
	return out
}

// sample is what the second pass finds.
type sample struct {
	words *words
	units []*unit
}

// mostVisits is how many honest sessions are looked at.
const mostVisits = 20_000

// fromEach is how many events of each attack are looked at, its onset included.
const fromEach = 3

// sampler makes the second pass.
type sampler struct {
	*population
	sample
	seed   uint64
	every  uint64 // one session of so many
	before *heard // the line above
	open   *unit  // waits for the line below
	last   *heard
}

// look makes the second pass: it looks closely at some events of each attack, and
// at two of each of some honest sessions, the first and any other.
func (p *population) look(ctx context.Context, trace string, seed uint64) (*sample, error) {
	fit := 0
	met := map[*visit]bool{}
	for _, v := range p.visits {
		if !met[v] && p.comparable(v) {
			fit++
		}
		met[v] = true
	}
	s := &sampler{population: p, sample: sample{words: &words{numbers: map[string]int32{}}}, seed: seed, every: uint64(fit/mostVisits) + 1}
	if err := eachEvent(ctx, trace, s.take); err != nil {
		return nil, err
	}
	s.close(nil)
	return &s.sample, nil
}

func (s *sampler) take(e *heard) error {
	s.close(e)
	v := s.visit(e)
	number := v.seen
	v.seen++
	if m, ok := s.marks[e.ID]; ok && e.ID != "" {
		if s.wantsOf(m, e.ID) {
			s.add(e, v, &unit{family: m.crime.family, attack: m.crime.name, onset: m.onset}, number == 0)
		}
	} else if s.comparable(v) && s.draw("visit", v.name)%s.every == 0 {
		other := 0
		if v.events > 1 {
			other = 1 + int(s.draw("event", v.name)%uint64(v.events-1))
		}
		if number == 0 || number == other {
			s.add(e, v, &unit{}, number == 0)
		}
	}
	kept := *e
	kept.raw = nil
	s.before = &kept
	return nil
}

// wantsOf takes an attack's onset and, evenly, some of its other events.
func (s *sampler) wantsOf(m mark, id string) bool {
	m.crime.seen++
	return m.onset || s.draw("attack", id)%uint64(m.crime.events) < fromEach-1
}

func (s *sampler) add(e *heard, v *visit, u *unit, first bool) {
	if v.user == nil {
		return
	}
	u.user = v.user.name
	u.fold = int(s.draw("fold", u.user) % folds)
	kept := *e
	kept.raw = slices.Clone(e.raw)
	look := &closeLook{heard: &kept, visit: v, first: first, before: s.before, population: s.population}
	for i := range groups {
		stratum, values := groups[i].read(look)
		u.strata, u.values = append(u.strata, stratum), append(u.values, s.words.number(values))
	}
	u.copied = copiedFrom(&kept)
	s.units = append(s.units, u)
	s.open, s.last = u, &kept
}

// close adds what only the line below an event can tell.
func (s *sampler) close(next *heard) {
	if s.open == nil {
		return
	}
	if next != nil {
		s.open.values[orderGroup] = append(s.open.values[orderGroup], s.words.number(neighbour("below", s.last, next))...)
	}
	s.open = nil
}

// draw gives a number that depends on a name and the seed, and on nothing else.
func (s *sampler) draw(what, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(number(s.seed) + " " + what + " " + name))
	x := h.Sum64() // its low bits are weak
	x ^= x >> 32
	x *= 0x9e3779b97f4a7c15
	return x ^ x>>29
}

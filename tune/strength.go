package tune

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"sync"
)

// peak is how strong the strongest event of a session is, whatever the threshold:
// nothing is cleared by a step-up. A session raises its first alarm exactly at the
// thresholds up to its peak.
type peak struct {
	nats  float64
	track int32
}

// peaks are those of the honest sessions in view, the highest first.
func (v *View) peaks(w *scale) []peak {
	all := make([]peak, len(v.honest))
	each(len(v.honest), func(from, to int) {
		s := state{scale: w}
		for i := from; i < to; i++ {
			t := &v.log.tracks[v.honest[i]]
			all[i] = peak{-never, v.honest[i]}
			s.begin()
			for k := range t.entries {
				e := &t.entries[k]
				if e.flags&flagUnweighed != 0 {
					continue
				}
				accumulated, request := s.step(e)
				if v.counts(e.at) {
					all[i].nats = max(all[i].nats, s.strength(e, accumulated, request))
				}
			}
		}
	})
	slices.SortFunc(all, func(a, b peak) int { return cmp.Or(cmp.Compare(b.nats, a.nats), cmp.Compare(a.track, b.track)) })
	return all
}

// climb is how strong the sessions of an attack become: each new height, and the
// event that brought it.
type climb []height

type height struct {
	nats float64
	seq  uint32
}

func (c climb) top() float64 {
	if len(c) == 0 {
		return -never
	}
	return c[len(c)-1].nats
}

// stopped gives the event at which a threshold is reached, 0 if it never is.
func (c climb) stopped(stepUp float64) uint32 {
	for i := range c {
		if c[i].nats >= stepUp {
			return c[i].seq
		}
	}
	return 0
}

// climbs are those of the attacks in view, by their places in the log.
func (v *View) climbs(w *scale) []climb {
	found := make([][]attackHeight, len(v.attacked))
	each(len(v.attacked), func(from, to int) {
		s := state{scale: w}
		for i := from; i < to; i++ {
			found[i] = v.climb(&s, &v.log.tracks[v.attacked[i]])
		}
	})
	all := make([]climb, len(v.log.attacks))
	for _, track := range found {
		for _, h := range track {
			all[h.attack] = append(all[h.attack], h.height)
		}
	}
	for i, c := range all {
		slices.SortStableFunc(c, func(a, b height) int { return cmp.Compare(a.seq, b.seq) })
		kept, top := c[:0], math.Inf(-1)
		for _, h := range c {
			if h.nats > top {
				kept, top = append(kept, h), h.nats
			}
		}
		all[i] = kept
	}
	return all
}

type attackHeight struct {
	attack int32
	height
}

func (v *View) climb(s *state, t *track) (found []attackHeight) {
	var here []int32
	var tops []float64
	s.begin()
	for k := range t.entries {
		e := &t.entries[k]
		if a := t.marks[k].attack; a >= 0 && v.attacks[a] && !slices.Contains(here, a) {
			here, tops = append(here, a), append(tops, -never)
		}
		if e.flags&flagUnweighed != 0 {
			continue
		}
		accumulated, request := s.step(e)
		nats := s.strength(e, accumulated, request)
		for i, a := range here {
			if nats > tops[i] {
				tops[i] = nats
				found = append(found, attackHeight{a, height{nats, t.marks[k].seq}})
			}
		}
	}
	return found
}

// thresholdStep is the grain of thresholds, in nats: no trace says more of them.
const thresholdStep = 0.05

// above is the lowest threshold that a strength doesn't reach.
func above(nats float64) float64 {
	return round((math.Floor(nats/thresholdStep+1e-9) + 1) * thresholdStep)
}

// round leaves four digits behind the point, which takes the noise off products.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// lowestStepUp is the lowest step-up threshold that is ever set, in nats: below it a
// single weak sign would do.
const lowestStepUp = 1

// thresholds sets the step-up threshold to a budget of false step-ups for each user
// and month, and the revoke threshold as far above it as the pack has it, and farther
// where that is needed to keep to the false revokes. It gives the parameters with
// them, and how often each user is asked.
func (v *View) thresholds(w *scale, peaks []peak, budget, revokes float64) (*Params, []asked) {
	months := v.UserMonths()
	allowed := int(budget*months + 1e-9)
	p := w.params.clone()
	gap := w.params.RevokeNats - w.params.StepUpNats
	lowest := max(lowestStepUp, above(p.RequestBonus))
	p.RevokeNats = maxThreshold * 2
	at := func(k int) float64 { // the lowest threshold under which no more than k sessions alarm
		if k >= len(peaks) || peaks[k].nats == -never {
			return lowest
		}
		return max(lowest, above(min(peaks[k].nats, maxThreshold)))
	}
	// A session may alarm several times, so that it may take fewer of them. That is
	// nearly monotone: an alarm that comes earlier may save a later one.
	most, near := min(allowed, len(peaks)), 0
	keeps := func(fewer int) bool {
		p.StepUpNats = at(most - fewer)
		_, n, _ := v.askedBy(w, p, peaks)
		return n <= allowed
	}
	for ; near < min(most, looked); near++ {
		if keeps(near) {
			break
		}
	}
	if near == looked {
		near += sort.Search(most-near, func(more int) bool { return keeps(near + more) })
	}
	p.StepUpNats = at(most - near)
	users, _, worst := v.askedBy(w, p, peaks)
	p.RevokeNats = round(p.StepUpNats + gap)
	if most := int(revokes*months + 1e-9); most < len(worst) && worst[most] < never {
		p.RevokeNats = max(p.RevokeNats, above(worst[most]))
	}
	return p, users
}

// looked is how many thresholds are tried one by one before the search for one takes
// larger strides.
const looked = 32

// maxThreshold is the highest threshold that is ever set, in nats.
const maxThreshold = 60

// askedBy counts the alarms of honest sessions under thresholds. worst are the
// strengths of the sessions' strongest alarms, highest first.
func (v *View) askedBy(w *scale, p *Params, peaks []peak) (users []asked, all int, worst []float64) {
	under := *w
	under.params = p
	n, _ := slices.BinarySearchFunc(peaks, p.StepUpNats, func(k peak, nats float64) int {
		if k.nats >= nats {
			return -1
		}
		return 1
	})
	users = make([]asked, len(v.log.users))
	worst = make([]float64, n)
	var adding sync.Mutex
	each(n, func(from, to int) {
		s := state{scale: &under}
		for i := from; i < to; i++ {
			t := &v.log.tracks[peaks[i].track]
			var mine asked
			worst[i] = -never
			s.walk(t, func(k int, j verdict) {
				if v.counts(t.entries[k].at) {
					mine = mine.take(j)
					worst[i] = max(worst[i], j.nats)
				}
			})
			adding.Lock()
			u := &users[t.user]
			u.stepUps, u.revokes, u.demands = u.stepUps+mine.stepUps, u.revokes+mine.revokes, u.demands+mine.demands
			all += mine.stepUps
			adding.Unlock()
		}
	})
	slices.SortFunc(worst, func(a, b float64) int { return cmp.Compare(b, a) })
	return users, all, worst
}

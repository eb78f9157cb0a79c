package tune

import (
	"math"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring/balance"
)

// scale is a log's evidence weighed by some parameters: what each distinct event
// adds to the sums. It is for any number of goroutines.
type scale struct {
	log     *Log
	params  *Params
	sets    []weighed
	against []part
}

// weighed is what one set of readings comes to, its groups capped.
type weighed struct {
	from, to  uint32 // in scale.against
	relief    [2]float64
	request   float64
	invariant bool
}

// part is what speaks against a session: it opens or feeds a reason.
type part struct {
	nats    float64
	code    uint16
	channel riskd.Channel
	clears  bool
}

func newScale(l *Log, p *Params) *scale {
	w := &scale{log: l, params: p, sets: make([]weighed, len(l.sets)), against: make([]part, 0, len(l.members))}
	found := make([]float64, len(l.readings))
	for i := range l.readings {
		r := &l.rules[l.readings[i].rule]
		found[i] = p.found(r.kind, r.code, l.readings[i].raw)
	}
	for i := range l.sets {
		w.weigh(uint32(i), found)
	}
	return w
}

// weigh weighs one set, in the order in which the engine does.
func (w *scale) weigh(set uint32, found []float64) {
	l, s := w.log, &w.sets[set]
	members := l.set(set)
	var plus, minus [riskd.Groups]float64
	for _, m := range members {
		g := l.rules[l.readings[m].rule].group
		if n := found[m]; n > 0 {
			plus[g] += n
		} else {
			minus[g] += n
		}
	}
	s.from = uint32(len(w.against))
	for _, m := range members {
		r := &l.rules[l.readings[m].rule]
		nats := found[m]
		ofPlus, ofMinus := balance.Shares(plus[r.group], minus[r.group], w.params.GroupCap[r.group])
		if nats > 0 {
			nats *= ofPlus
		} else if nats < 0 {
			nats *= ofMinus
		}
		s.request += nats
		if nats > 0 {
			w.against = append(w.against, part{nats, r.code, r.channel, r.clears})
		} else {
			s.relief[r.channel] += nats
		}
		s.invariant = s.invariant || r.invariant && !w.params.Rules[r.code].Off
	}
	s.request = max(0, s.request)
	s.to = uint32(len(w.against))
}

// sum is a channel's leaky sum, as riskd.Sum.
type sum struct {
	at   int64
	open []openPart
}

type openPart struct {
	nats   float64
	code   uint16
	clears bool
}

func (s *sum) nats() (total float64) {
	for i := range s.open {
		total += s.open[i].nats
	}
	return total
}

func (s *sum) scale(by float64) {
	kept := s.open[:0]
	for _, o := range s.open {
		if o.nats *= by; o.nats >= balance.Faded {
			kept = append(kept, o)
		}
	}
	s.open = kept
}

func (s *sum) take(p *part) {
	for i := range s.open {
		if s.open[i].code == p.code {
			s.open[i].nats += p.nats
			return
		}
	}
	s.open = append(s.open, openPart{p.nats, p.code, p.clears})
}

func (s *sum) discharge() {
	kept := s.open[:0]
	for _, o := range s.open {
		if !o.clears {
			kept = append(kept, o)
		}
	}
	s.open = kept
}

// state is where a session stands.
type state struct {
	scale *scale
	sums  [2]sum
}

// begin forgets the session before.
func (s *state) begin() {
	for c := range s.sums {
		s.sums[c].at, s.sums[c].open = math.MinInt64/2, s.sums[c].open[:0]
	}
}

// step takes an event's evidence in, and gives what is accumulated and what is the
// event's own.
func (s *state) step(e *entry) (accumulated, request float64) {
	if e.flags&flagReset != 0 {
		s.begin()
	}
	w := &s.scale.sets[e.set]
	for c := range s.sums {
		sum := &s.sums[c]
		if elapsed := e.at - sum.at; elapsed > 0 {
			if len(sum.open) > 0 {
				sum.scale(balance.Left(time.Duration(elapsed), s.scale.params.HalfLife[c]))
			}
			sum.at = e.at
		}
	}
	if e.flags&flagProved != 0 {
		s.prove()
	}
	for c := range s.sums {
		sum := &s.sums[c]
		for i := w.from; i < w.to; i++ {
			if p := &s.scale.against[i]; p.channel == riskd.Channel(c) {
				sum.take(p)
			}
		}
		if len(sum.open) == 0 {
			continue
		}
		if by, change := balance.Settle(sum.nats(), w.relief[c], s.scale.params.Cap[c]); change {
			sum.scale(by)
		}
	}
	return s.sums[0].nats() + s.sums[1].nats(), w.request
}

// prove takes out what a passed step-up clears.
func (s *state) prove() {
	for c := range s.sums {
		s.sums[c].discharge()
	}
}

// verdict is what an event is answered with.
type verdict struct {
	outcome riskd.Outcome
	// alarm says that evidence or an invariant has led to it, rather than a demand
	// that has nothing to do with suspicion.
	alarm bool
	nats  float64 // the alarm's strength
}

// judge answers an event.
func (s *state) judge(e *entry, accumulated, request float64) verdict {
	a := &s.scale.log.answers[e.answer]
	p := s.scale.params
	score := balance.ScoreOf(accumulated, request, p.StepUpNats, p.RevokeNats, p.RequestBonus)
	forced := a.forced
	if a.invariant && !s.scale.sets[e.set].invariant {
		forced = riskd.Allow // it was left out
	}
	switch {
	case score >= a.revoke || forced == riskd.Revoke:
		return verdict{outcome: riskd.Revoke, alarm: true}
	case score >= a.stepUp || forced == riskd.StepUpNeeded && a.invariant:
		return verdict{outcome: riskd.StepUpNeeded, alarm: true}
	case forced == riskd.StepUpNeeded:
		return verdict{outcome: riskd.StepUpNeeded}
	}
	return verdict{outcome: riskd.Allow}
}

// strength is the highest step-up threshold, in nats, at which an event would still
// raise an alarm; -Inf if none would, +Inf if every one would.
func (s *state) strength(e *entry, accumulated, request float64) float64 {
	a := &s.scale.log.answers[e.answer]
	p := s.scale.params
	switch {
	case a.forced == riskd.Revoke && !a.invariant,
		a.invariant && s.scale.sets[e.set].invariant:
		return never
	case a.stepUp == riskd.StepUpScore:
		return max(accumulated, request+p.RequestBonus)
	case a.stepUp == never:
		return -never
	case a.stepUp < riskd.StepUpScore: // the score is proportional to the nats there
		by := riskd.StepUpScore / a.stepUp
		return max(accumulated*by, request*by+p.RequestBonus)
	}
	above := (p.RevokeNats - p.StepUpNats) * (a.stepUp - riskd.StepUpScore) / (riskd.RevokeScore - riskd.StepUpScore)
	return max(accumulated, request+p.RequestBonus) - above
}

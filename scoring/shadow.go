package scoring

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// Candidate is a policy on trial: it judges live events in the shadow of the one
// in force, and nothing comes of it but a report.
type Candidate struct {
	// Name is what people call it: 1 to 64 letters, digits, dots, hyphens and
	// underscores.
	Name   string
	Policy Policy
	// Rate is the share of sessions that it judges, above 0 and up to 1; a session
	// is in or out as a whole.
	Rate float64
	// Budget is the share of decisions, 0 to below 1, on which it may disagree.
	Budget float64
	// Expires is when it stops judging.
	Expires time.Time
	// Inline has it judge before the answer, which then tells what it said. That is
	// for policies that answer at once; one that takes long nevertheless is judged
	// aside from then on.
	Inline bool
	// Held is why the policy isn't in force although it was meant to be; "" for one
	// that is tried on purpose.
	Held string
}

func (c *Candidate) validate(now time.Time) error {
	fault := func(path, detail string) error { return &riskd.FieldError{Path: path, Detail: detail} }
	switch {
	case !shadowName(c.Name):
		return fault("name", "must be 1 to 64 letters, digits, dots, hyphens and underscores")
	case c.Policy == nil:
		return fault("pack", "is required")
	case !(c.Rate > 0 && c.Rate <= 1):
		return fault("sample_rate", "must be above 0, up to 1")
	case !(c.Budget >= 0 && c.Budget < 1):
		return fault("disagreement_budget", "must be 0 to below 1")
	case !c.Expires.After(now):
		return fault("expires", "must be ahead of now")
	}
	return nil
}

func shadowName(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// Bounds of trials.
const (
	// MaxShadows is how many candidates may be on trial at once.
	MaxShadows = 8
	// shadowSessions is how many sessions a candidate remembers; some 1 KB each.
	shadowSessions = 16_384
	// shadowQueue is how many decisions wait to be judged aside; some 8 KB each.
	shadowQueue = 256
	// inlineBudget is the time that a candidate gets before the answer, and
	// slowInline how often in a row it may use it up until it is judged aside.
	inlineBudget = time.Millisecond
	slowInline   = 3
	// asideBudget is the time that it gets aside: a policy that takes as long is
	// refused for that, and not for what it would have said.
	asideBudget = time.Second
)

// ShadowOptions are the parts of Shadows.
type ShadowOptions struct {
	// Judged is told of every judgement of a candidate beside that of the policy
	// in force. It must not block. Optional.
	Judged func(candidate string, live, shadow riskd.Outcome)
	// Failed is told of every event on which a candidate gave no answer, with the
	// code of why: those of a policy, "panic", or "dropped" where events came faster
	// than they were judged. It must not block. Optional.
	Failed func(candidate, code string)
}

// Shadows are the candidates on trial. It is safe for concurrent use; decisions
// don't wait for those who change it.
type Shadows struct {
	ShadowOptions
	mu   sync.Mutex // who changes the list
	list atomic.Pointer[[]*shadow]
}

// NewShadows makes a place for candidates, with none.
func NewShadows(o ShadowOptions) *Shadows {
	if o.Judged == nil {
		o.Judged = func(string, riskd.Outcome, riskd.Outcome) {}
	}
	if o.Failed == nil {
		o.Failed = func(string, string) {}
	}
	s := &Shadows{ShadowOptions: o}
	s.list.Store(&[]*shadow{})
	return s
}

// Add puts a candidate on trial from now on. It fails with a [*riskd.FieldError]
// under the names of the wire, with [riskd.ErrShadowExists] or with
// [riskd.ErrTooManyShadows].
func (s *Shadows) Add(c Candidate, now time.Time) error {
	if err := c.validate(now); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.list.Load()
	switch {
	case slices.ContainsFunc(old, func(x *shadow) bool { return x.Name == c.Name }):
		return riskd.ErrShadowExists
	case len(old) >= MaxShadows:
		return riskd.ErrTooManyShadows
	}
	grown := append(slices.Clip(old), newShadow(c, s, now))
	s.list.Store(&grown)
	return nil
}

// Remove ends a trial; false says that there is none of that name.
func (s *Shadows) Remove(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.list.Load()
	at := slices.IndexFunc(old, func(x *shadow) bool { return x.Name == name })
	if at < 0 {
		return false
	}
	gone := old[at]
	left := slices.Delete(slices.Clone(old), at, at+1)
	s.list.Store(&left)
	gone.end()
	return true
}

// Close ends all trials.
func (s *Shadows) Close() {
	for _, c := range *s.list.Load() {
		s.Remove(c.Name)
	}
}

// Candidate finds a candidate.
func (s *Shadows) Candidate(name string) (Candidate, bool) {
	if c := s.find(name); c != nil {
		return c.Candidate, true
	}
	return Candidate{}, false
}

func (s *Shadows) find(name string) *shadow {
	for _, c := range *s.list.Load() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// shadow is a candidate at work.
type shadow struct {
	Candidate
	set    *Shadows
	seed   uint64      // of its sample
	aside  atomic.Bool // judged aside, as it was asked to or has become too slow
	slow   atomic.Int32
	extras atomic.Pointer[extras]
	queue  chan put
	// waiting counts what is put aside and not judged yet. As long as there is any,
	// everything goes that way: nothing overtakes an event of its own session.
	waiting atomic.Int32
	end     context.CancelFunc

	mu        sync.Mutex
	standings standings
	tally     tally
}

// extras are the signals that a candidate reads beside those of a pack.
type extras struct {
	beside *riskd.Pack
	places []int
}

func newShadow(c Candidate, set *Shadows, now time.Time) *shadow {
	x := &shadow{Candidate: c, set: set, seed: seedOf(c.Name), queue: make(chan put, shadowQueue)}
	x.aside.Store(!c.Inline)
	x.standings = newStandings(shadowSessions)
	x.tally = newTally(now)
	ctx, cancel := context.WithCancel(context.Background())
	x.end = cancel
	go x.work(ctx)
	return x
}

// put is a scene put aside.
type put struct {
	engine *Engine
	scene  *scene
}

// work judges what was put aside, one after the other: a session's events stay in
// their order.
func (x *shadow) work(ctx context.Context) {
	for {
		select {
		case p := <-x.queue:
			within, cancel := context.WithTimeout(ctx, asideBudget)
			x.judge(within, p.engine, p.scene, false)
			cancel()
			x.waiting.Add(-1)
		case <-ctx.Done():
			return
		}
	}
}

// takes reports whether a session's events are judged.
func (x *shadow) takes(id riskd.SessionID, now time.Time) bool {
	return now.Before(x.Expires) && sampled(id, x.seed, x.Rate)
}

// judge has the candidate judge a scene, and counts how that compares. In a hurry
// an answer that comes too late isn't counted: the scene can be judged again.
func (x *shadow) judge(ctx context.Context, e *Engine, s *scene, hurry bool) (w word) {
	beside := x.extras.Load()
	if beside == nil || beside.beside != s.reads {
		beside = &extras{s.reads, e.extras(x.Policy.Info(), s.reads)}
		x.extras.Store(beside)
	}
	x.mu.Lock()
	own := x.standings.find(&s.session)
	x.mu.Unlock()
	w = e.judged(ctx, x.Policy, s, own, beside.places)
	if hurry && w.err != nil && ctx.Err() != nil {
		return w
	}
	x.mu.Lock()
	x.tally.count(s, &w, own)
	x.mu.Unlock()
	if w.err != nil {
		x.set.Failed(x.Name, errorCode(w.err))
		return w
	}
	x.set.Judged(x.Name, s.live.outcome, w.outcome)
	return w
}

// putAside has a scene that lasts judged later, if there is room.
func (x *shadow) putAside(e *Engine, s *scene) {
	x.waiting.Add(1)
	select {
	case x.queue <- put{e, s}:
		return
	default:
	}
	x.waiting.Add(-1)
	x.mu.Lock()
	x.tally.dropped++
	x.mu.Unlock()
	x.set.Failed(x.Name, "dropped")
}

// ready reports whether the candidate may be asked before the answer.
func (x *shadow) ready() bool { return !x.aside.Load() && x.waiting.Load() == 0 }

// pace puts a candidate aside that is too slow for answers to wait for it.
func (x *shadow) pace(took time.Duration) {
	if took < inlineBudget {
		x.slow.Store(0)
	} else if x.slow.Add(1) >= slowInline {
		x.aside.Store(true)
	}
}

package scoring

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// scene is an event as the policy in force came to see it, before anything came of
// it: what another policy needs to judge it too. It shares no memory that anybody
// writes to.
type scene struct {
	event    *riskd.Event
	session  riskd.Session // as it was; its sums have leaked, but not taken the event up
	profile  *riskd.Profile
	readings []riskd.Reading
	reads    *riskd.Pack // whose signals the readings are of
	agent    riskd.Agent
	now      time.Time
	first    bool
	gap      time.Duration
	crowd    riskd.Crowd
	live     word
}

// word is what a policy made of a scene.
type word struct {
	pack    *riskd.Pack
	outcome riskd.Outcome
	score   int
	id      string // of the decision, for the one in force
	reasons []riskd.Reason
	took    time.Duration
	err     error
}

var scenes = sync.Pool{New: func() any { return &scene{} }}

// sketch fills in the scene of a turn whose readings are taken. It refers to the
// turn's event, profile and readings: see keep.
func (s *scene) sketch(t *turn) {
	identity, behaviour, cells := s.session.Identity.Open[:0], s.session.Behaviour.Open[:0], s.session.Cells[:0]
	s.session = *t.Session
	s.session.Identity.Open = append(identity, t.Session.Identity.Open...)
	s.session.Behaviour.Open = append(behaviour, t.Session.Behaviour.Open...)
	s.session.Cells = append(cells, t.Session.Cells...)
	s.event, s.profile, s.readings, s.reads = t.Event, t.Profile, t.readings, t.pack
	s.agent, s.now, s.first, s.gap, s.crowd = t.agent, t.Now, t.first, t.gap(), t.crowd
	s.live = word{}
}

// keep makes the scene last beyond its turn: what the caller or the memory may
// use again is copied.
func (s *scene) keep() {
	event, profile := *s.event, *s.profile
	s.event, s.profile, s.readings = &event, &profile, slices.Clone(s.readings)
}

// free gives a scene that wasn't kept back.
func (s *scene) free() {
	s.event, s.profile, s.readings, s.reads, s.live = nil, nil, nil, nil, word{}
	scenes.Put(s)
}

// desk is where one policy judges one scene.
type desk struct {
	session riskd.Session
	turn    turn
}

var desks = sync.Pool{New: func() any { return &desk{} }}

// extras are the signals, by their places, that a pack reads and another doesn't.
func (e *Engine) extras(pack, beside *riskd.Pack) (places []int) {
	for i := range e.signals {
		if name := e.signals[i].Name; pack.Reads[name] && !beside.Reads[name] {
			places = append(places, i)
		}
	}
	return places
}

// judged has a policy judge a scene on the evidence that it has gathered by
// itself, and takes the event's up into that. It changes nothing else: signals
// that the policy in force doesn't read are measured apart, with cells of own's.
//
// The answer is the pack's own, before the rails. A step-up that waits, an order
// or a timeout hold under every pack alike, and whether a user would have passed
// a challenge that he was never given nobody knows: only a proof that he did give
// clears what it can.
func (e *Engine) judged(ctx context.Context, p Policy, s *scene, own *standing, extras []int) (w word) {
	pack := p.Info()
	w.pack = pack
	defer func() {
		if v := recover(); v != nil {
			w.outcome, w.err = riskd.NoOutcome, codedError{"panic", fmt.Sprint("the policy panicked: ", v)}
		}
	}()
	desk := desks.Get().(*desk)
	session, t := &desk.session, &desk.turn
	*session = s.session
	session.Identity, session.Behaviour, session.Cells = own.identity, own.behaviour, own.cells
	*t = turn{engine: e, policy: p, pack: pack, first: s.first, agent: s.agent, crowd: s.crowd, readings: s.readings}
	t.Event, t.Session, t.Profile, t.Now = s.event, session, s.profile, s.now
	started := time.Now()
	t.leak()
	if session.ProvedAt != own.provedAt {
		discharge(&session.Identity, mfa)
		discharge(&session.Behaviour, mfa)
	}
	t.measureMore(extras, s.gap)
	t.Readings = t.readings
	t.reason(ctx)
	t.weigh()
	t.judge(ctx)
	w.took = time.Since(started)
	own.identity, own.behaviour, own.cells, own.provedAt = session.Identity, session.Behaviour, session.Cells, session.ProvedAt
	if w.err = t.err; w.err != nil {
		return w
	}
	w.outcome, w.score = t.answer.Outcome, int(math.Floor(t.Score+1e-9))
	if len(t.Invariants) > 0 && w.outcome != riskd.Allow {
		w.score = 100
	}
	w.reasons = t.answerReasons()
	desks.Put(desk) // but for one that a late policy may still look at
	return w
}

// measureMore takes readings beside those that are there.
func (t *turn) measureMore(places []int, gap time.Duration) {
	if len(places) == 0 {
		return
	}
	t.readings = slices.Clone(t.readings)
	in := signals.Input{
		Event: t.Event, Session: t.Session, Profile: t.Profile, Agent: t.agent, Crowd: &t.crowd,
		Now: t.Now, First: t.first, Gap: gap,
	}
	for _, i := range places {
		t.readings[i] = t.engine.signals[i].Measure(&in)
	}
}

// errorCode names why a policy gave no answer.
func errorCode(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "policy_timeout"
	}
	return codeOf(err)
}

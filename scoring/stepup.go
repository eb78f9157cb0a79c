package scoring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// mfa is the kind of proof that a step-up gives: rules name it in clears_with.
const mfa = "mfa"

func (e *Engine) stepUpID(id riskd.SessionID) string { return riskd.StepUpID(id, e.NewID()) }

// prove lets a passed step-up have its effect, so that what follows is measured
// against what the proof has accepted. One that was tried in vain counts.
func (t *turn) prove() {
	for _, u := range []*riskd.StepUp{t.Session.StepUp, t.Session.Asked} {
		switch at := t.Event.Session.AuthTime; {
		case u == nil || t.proved:
		case u.MetBy(t.Event, t.Now):
			s := t.Session
			t.proved, t.before = true, accepted{s.Known, s.Devices}
			t.accept()
			if s.Agent = t.agent; t.Event.Client.Known() {
				s.Here = riskd.ContextOf(t.Event)
			}
			s.Device = riskd.MarkOf(&t.Event.Device)
			t.pass(at)
		case u.AnsweredBy(t.Event) && at.After(u.Tried) && !u.Demand.MetBy(t.Event.Session.ACR, t.Event.Session.AMR):
			u.Tried = at
			t.fail("")
		}
	}
}

// pass takes up a proof that was given at auth: it clears what it can clear, and
// founds trust in the device that it was given on.
func (t *turn) pass(auth time.Time) {
	s := t.Session
	s.StepUp, s.Asked, s.Failures, s.ProvedAt = nil, nil, 0, t.Now
	s.Ordered = nil
	s.Status = s.Waiting()
	s.Suspect = false
	discharge(&s.Identity, mfa)
	discharge(&s.Behaviour, mfa)
	t.note(riskd.Proved, "")
	here, network := s.Here, s.Network
	switch ip := t.Event.Client.IP; {
	case ip.IsUnspecified(): // it proves who, and not where
		here, network = riskd.Context{}, riskd.NetworkUnknown
	case ip.IsValid(): // answers to challenges come from nowhere
		network = t.Event.Place.Network
	}
	t.lesson.Proof = riskd.Proof{Context: here, Hidden: network.Anonymous(), Device: s.Device, Agent: s.Agent}
	if tuning := &t.pack.Tuning; s.Device.ID != 0 && tuning.TrustFor > 0 {
		t.lesson.Trust = riskd.DeviceTrust{
			Device: s.Device.ID, AuthTime: auth, Until: t.Now.Add(tuning.TrustFor), Here: s.Here, SeenAt: t.Now,
		}
	}
}

// fail counts an attempt, and ends or suspends the session when there is none
// left.
func (t *turn) fail(actor string) {
	s, c := t.Session, &t.pack.Tuning.Challenge
	s.Failures++
	for _, u := range []*riskd.StepUp{s.StepUp, s.Asked} {
		if u != nil {
			u.AttemptsLeft = max(0, c.Attempts-s.Failures)
		}
	}
	t.note(riskd.Failed, actor)
	if s.Failures < c.Attempts {
		return
	}
	t.orders = append(t.orders, riskd.Epoch{
		Effect: c.Exhausted, Target: riskd.Target{Kind: riskd.TargetSession, Tenant: s.Tenant, Session: s.ID}, At: t.Now,
		Reason: fmt.Sprintf("step-up failed %d times", s.Failures), Actor: policyActor,
	})
	if c.Exhausted == riskd.EffectSuspend {
		s.Status, s.Failures = riskd.StatusSuspended, 0
		return
	}
	s.Status, s.StepUp, s.Asked = riskd.StatusRevoked, nil, nil
}

// policyActor is who does what the pack says.
const policyActor = "policy"

// challenge gives the session's pending step-up, or a new one. Only a step-up
// for risk, or one that was ordered, holds the session up; one that a single action
// asks for is given again when that comes again, and one that stands in for a
// policy that failed isn't kept at all.
func (t *turn) challenge() *riskd.StepUp {
	s := t.Session
	demand := t.answer.StepUp
	switch {
	case t.answer.Outcome == riskd.StepUpNeeded || t.err != nil:
	case s.StepUp != nil:
		demand = s.StepUp.Demand
	default: // ordered, and the policy asks for nothing
		demand = t.pack.Tuning.Demand[t.Event.Request.Class]
	}
	place := &s.Asked
	if s.StepUp != nil || s.Ordered != nil || t.err == nil && (t.Score >= riskd.StepUpScore || len(t.Invariants) > 0) {
		place = &s.StepUp
	}
	u := *place
	if u == nil && place == &s.StepUp {
		u = s.Asked // what a user is about to pass stays good
	}
	fresh := u == nil || !t.Now.Before(u.ExpiresAt)
	if fresh {
		u = t.newChallenge()
	} else {
		u = copyOf(u)
	}
	u.Demand, u.Clears = demand, t.clearable()
	u.AttemptsLeft = max(0, t.pack.Tuning.Challenge.Attempts-s.Failures)
	if t.err == nil || place == &s.StepUp {
		*place = u
		t.lesson.Prompted = fresh
		if fresh {
			t.note(riskd.Challenged, strings.Join(u.Clears, " "))
		}
	}
	if place == &s.StepUp {
		s.Asked, s.Status = nil, riskd.StatusStepUp
	}
	return copyOf(u)
}

func (t *turn) newChallenge() *riskd.StepUp {
	c := &t.pack.Tuning.Challenge
	return &riskd.StepUp{
		ID: t.engine.stepUpID(t.Session.ID), IssuedAt: t.Now, ExpiresAt: t.Now.Add(c.Expires),
		AuthTime:   latest(t.Session.AuthTime, t.Event.Session.AuthTime),
		OverBudget: t.Profile.PromptsOn(t.Now) >= c.PromptsPerDay,
	}
}

func copyOf(u *riskd.StepUp) *riskd.StepUp {
	c := *u
	return &c
}

func (t *turn) clearable() []string {
	var codes []string
	for i := range t.Reasons {
		if r := &t.Reasons[i]; slices.Contains(r.ClearsWith, mfa) && !slices.Contains(codes, r.Code) {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// Answer takes up what an identity provider tells of a challenge, and gives the
// session as it is then. It fails with [riskd.ErrUnknownStepUp],
// [riskd.ErrSessionOver] or [riskd.ErrNotProved], or, with all done, with an
// error that wraps [riskd.ErrNotDurable].
func (e *Engine) Answer(ctx context.Context, a riskd.StepUpAnswer, now time.Time) (after riskd.Session, err error) {
	id, err := riskd.SessionOfStepUp(a.ID)
	if err != nil {
		return after, riskd.ErrUnknownStepUp
	}
	event := &riskd.Event{Session: riskd.EventSession{ID: id, AuthTime: a.AuthTime, ACR: a.ACR, AMR: a.AMR}}
	t := e.begin(event, now)
	known := e.Memory.Edit(id, now, func(s *riskd.Session, p *riskd.Profile) riskd.Lesson {
		t.Session, t.Profile = s, p
		event.Tenant, event.User.ID, event.Device.ID = s.Tenant, s.User, s.DeviceID
		err = t.take(&a)
		after = snapshot(s)
		return t.lesson
	})
	if !known {
		return after, riskd.ErrUnknownStepUp
	}
	if len(t.orders) > 0 {
		if _, failed := e.Memory.Impose(ctx, "", t.orders...); failed != nil {
			err = failed
		}
	}
	return after, err
}

// snapshot copies a session without what may change behind the copy's back: its
// evidence and the memory of signals.
func snapshot(s *riskd.Session) riskd.Session {
	c := *s
	c.Cells, c.Identity, c.Behaviour = nil, riskd.Sum{}, riskd.Sum{}
	for _, u := range []**riskd.StepUp{&c.StepUp, &c.Asked} {
		if *u != nil {
			*u = copyOf(*u)
		}
	}
	return c
}

// take takes an answer to a challenge.
func (t *turn) take(a *riskd.StepUpAnswer) error {
	s := t.Session
	u := s.StepUp
	if u == nil || u.ID != a.ID {
		u = s.Asked
	}
	switch {
	case s.Status.Over():
		return riskd.ErrSessionOver
	case u == nil || u.ID != a.ID || !t.Now.Before(u.ExpiresAt) || s.Suspension != nil:
		return riskd.ErrUnknownStepUp
	case !a.Passed:
		t.fail(a.Actor)
		return nil
	case !u.MetBy(t.Event, t.Now):
		t.fail(a.Actor)
		return riskd.ErrNotProved
	}
	// The proof is for the place and the device that the challenge was given to.
	s.Known.See(s.Here, t.Now)
	s.AcceptDevice(s.Device)
	s.AuthTime, s.ACR, s.AMR = latest(s.AuthTime, a.AuthTime), a.ACR, a.AMR
	t.pass(a.AuthTime)
	return nil
}

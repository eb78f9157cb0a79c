package scoring_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"pgregory.net/rapid"
)

// life is what has to be true of a session whatever happens to it.
type life struct {
	*bench
	t *rapid.T

	revoked   bool   // by an order in force
	order     uint64 // which
	expired   bool
	suspended time.Time // by the latest order, zero if it was resumed
	pending   bool      // a step-up for risk
	ordered   time.Time // the latest order to step up
	proved    time.Time // the latest proof
	failures  int
	trusted   time.Time // the authentication that founded trust in the laptop
	until     time.Time
	distrust  time.Time
	challenge string
}

// A session's life is a state machine: what is over stays over, what is held up
// goes on only by what it waits for, and trust doesn't outlive what removes it.
func TestLifeOfASession(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := &life{bench: engine(t), t: r}
		tuning := &l.policy.info.Tuning
		tuning.Timeouts = []riskd.Timeout{{Limits: riskd.Limits{Idle: 6 * time.Hour, Absolute: 48 * time.Hour}}}
		tuning.Demand[riskd.ClassStandard] = riskd.Demand{ACR: []string{"aal2"}}
		l.event(riskd.ClassStandard, "", false)
		r.Repeat(map[string]func(*rapid.T){
			"request": func(*rapid.T) { l.event(riskd.ClassStandard, "", false) },
			"asset":   func(*rapid.T) { l.event(riskd.ClassOpen, "", false) },
			"risky":   func(*rapid.T) { l.event(riskd.ClassStandard, "", true) },
			"proof":   func(*rapid.T) { l.event(riskd.ClassStandard, "aal2", false) },
			"weak":    func(*rapid.T) { l.event(riskd.ClassStandard, "aal1", false) },
			"passed":  func(*rapid.T) { l.answer(true) },
			"failed":  func(*rapid.T) { l.answer(false) },
			"revoke":  func(*rapid.T) { l.give(riskd.EffectRevoke) },
			"lift":    func(*rapid.T) { l.lift() },
			"suspend": func(*rapid.T) { l.give(riskd.EffectSuspend) },
			"resume":  func(*rapid.T) { l.give(riskd.EffectResume) },
			"step up": func(*rapid.T) { l.give(riskd.EffectStepUp) },
			"distrust": func(*rapid.T) {
				l.give(riskd.EffectDistrust)
			},
			"time passes": func(r *rapid.T) {
				l.now = l.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(r, "minutes")) * time.Minute)
			},
			"sweep": func(*rapid.T) {
				if l.store.Expire(l.now) > 0 {
					l.expired = true
				}
			},
			"": func(*rapid.T) { l.check() },
		})
	})
}

func (l *life) tick() { l.now = l.now.Add(time.Second) }

// event lets a request come, with an authentication of just now if acr says so.
func (l *life) event(class riskd.Class, acr string, risky bool) {
	l.tick()
	l.policy.reasons, l.policy.answer = nil, riskd.Judgement{Outcome: riskd.Allow}
	if risky {
		l.policy.reasons = []riskd.Reason{evidence("new_country", 11)}
		l.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
	}
	waiting := l.pending || l.ordered.After(l.proved)
	d := l.decide(func(e *riskd.Event) {
		e.Session.StartedAt = time.Time{}
		e.Device.ID, e.Request.Class = "laptop", class
		if acr != "" {
			e.Session.AuthTime, e.Session.ACR = l.now, acr
		}
	})
	if d.Source == riskd.SourceExpiry {
		l.expired = true
	}
	switch {
	case l.revoked || l.expired:
		l.want(d.Outcome == riskd.Revoke, "over, and answered %s", d.Outcome)
		return
	case !l.suspended.IsZero() && class != riskd.ClassOpen:
		l.want(d.Source == riskd.SourceSuspension && d.StepUp == nil, "suspended, and answered %s from %s", d.Outcome, d.Source)
		return
	}
	switch {
	case acr == "aal2" && l.pending:
		l.pass()
	case acr != "" && !l.pending:
		l.ordered = time.Time{} // without a challenge any later authentication will do
	}
	if acr == "aal1" {
		if d.Outcome == riskd.Revoke {
			l.want(l.failures >= 2, "a weak proof ends a session that had failed %d times", l.failures)
			l.revoked, l.order = true, 0
			return
		}
	}
	switch {
	case risky:
		l.want(d.Outcome == riskd.StepUpNeeded, "risky, and answered %s", d.Outcome)
		l.pending = true
	case class == riskd.ClassOpen:
		l.want(d.Outcome == riskd.Allow, "an asset is answered %s", d.Outcome)
	case l.pending || l.ordered.After(l.proved):
		l.want(d.Outcome == riskd.StepUpNeeded && d.StepUp != nil, "waits for proof, and answered %s", d.Outcome)
		l.pending = true
	default:
		l.want(d.Outcome == riskd.Allow, "nothing is wrong, and answered %s", d.Outcome)
	}
	if d.StepUp != nil {
		l.challenge = d.StepUp.ID
		l.want(d.StepUp.AttemptsLeft >= 1 && d.StepUp.ExpiresAt.After(l.now), "a challenge that can't be met: %+v", d.StepUp)
	}
	if acr == "aal1" && waiting && d.StepUp != nil {
		l.failures = 3 - d.StepUp.AttemptsLeft
	}
}

func (l *life) pass() {
	l.pending, l.failures, l.proved, l.ordered = false, 0, l.now, time.Time{}
	l.trusted, l.until = l.now, l.now.Add(l.policy.info.Tuning.TrustFor)
}

func (l *life) answer(passed bool) {
	l.tick()
	s, err := l.Answer(context.Background(), riskd.StepUpAnswer{ID: l.challenge, Passed: passed, AuthTime: l.now, ACR: "aal2"}, l.now)
	switch {
	case errors.Is(err, riskd.ErrUnknownStepUp):
		return // it has expired, or was never given
	case errors.Is(err, riskd.ErrSessionOver):
		l.want(l.revoked || l.expired || l.due(), "taken for over")
		return
	}
	l.want(err == nil, "answered: %v", err)
	l.want(!l.revoked && !l.expired && l.suspended.IsZero(), "an answer is taken by a session that is over or held up")
	if passed {
		l.pass()
		return
	}
	if l.failures++; l.failures >= 3 {
		l.want(s.Status == riskd.StatusRevoked, "no attempt is left, and it is %s", s.Status)
		l.revoked, l.order = true, 0
	}
}

// due reports whether only nobody has asked since the session's time was up.
func (l *life) due() bool {
	s, _ := l.store.Session(riskd.SessionID{7})
	return s.Status.Over()
}

func (l *life) give(effect riskd.Effect) {
	l.tick()
	ada := riskd.Target{Kind: riskd.TargetUser, ID: "ada"}
	done, err := l.store.Impose(context.Background(), "", riskd.Epoch{Effect: effect, Target: ada, At: l.now})
	l.want(err == nil, "order refused: %v", err)
	switch effect {
	case riskd.EffectRevoke:
		if !l.revoked {
			l.revoked, l.order = true, done.Epochs[0].Number
		} else if l.order != 0 {
			l.order = done.Epochs[0].Number
		}
	case riskd.EffectSuspend:
		l.suspended = l.now
	case riskd.EffectResume:
		l.suspended = time.Time{}
	case riskd.EffectStepUp:
		l.ordered = l.now
	case riskd.EffectDistrust:
		l.distrust = l.now
	}
}

// lift undoes the order that ended the session, if one did.
func (l *life) lift() {
	if l.order == 0 {
		return
	}
	_, err := l.store.Lift(context.Background(), l.order)
	l.want(err == nil, "not lifted: %v", err)
	l.revoked, l.order = false, 0
}

func (l *life) check() {
	if l.revoked || l.expired {
		s, _ := l.store.Session(riskd.SessionID{7})
		l.want(s.Status.Over(), "over, and listed as %s", s.Status)
	}
	want := !l.trusted.IsZero() && l.now.Before(l.until) && !l.trusted.Before(l.distrust)
	var got bool
	e := validEvent()
	e.Session.ID = riskd.SessionID{8} // another session of the same user
	e.Device.ID = "laptop"
	l.store.Update(&e, l.now, func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson {
		got = p.Trusted(riskd.MarkOf(&e.Device).ID, l.now) != nil
		return riskd.Lesson{}
	})
	l.want(got == want, "trusted: %v, want %v", got, want)
	l.shed()
}

// shed asks what is answered when there is no room to evaluate: what binds the
// session binds that, too, and it changes nothing.
func (l *life) shed() {
	before, _ := l.store.Session(riskd.SessionID{7})
	idle, absolute := before.Ends(before.Limits)
	due := func(at time.Time) bool { return !at.IsZero() && !l.now.Before(at) }
	for class := riskd.ClassStandard; class <= riskd.ClassAdmin; class++ {
		e := validEvent()
		e.Device.ID, e.Request.Class = "laptop", class
		d := l.Shed(&e, l.now, scoring.CodeOverloaded)
		held := l.pending || l.ordered.After(l.proved)
		switch {
		case l.revoked || l.expired || due(idle) || due(absolute):
			l.want(d.Outcome == riskd.Revoke, "over, and shed into %s on %s", d.Outcome, class)
		case class == riskd.ClassOpen:
			l.want(d.Outcome == riskd.Allow, "an asset is shed into %s", d.Outcome)
		case !l.suspended.IsZero():
			l.want(d.Source == riskd.SourceSuspension && d.StepUp == nil, "suspended, and shed into %s from %s", d.Outcome, d.Source)
		case held || class != riskd.ClassStandard:
			l.want(d.Outcome == riskd.StepUpNeeded && d.StepUp != nil, "waits for proof, and shed into %s on %s", d.Outcome, class)
		default:
			l.want(d.Outcome == riskd.Allow || d.Outcome == riskd.StepUpNeeded, "nothing is wrong, and shed into %s", d.Outcome)
		}
		l.want(len(l.record.Moments) == 0, "shed, and noted %v", l.record.Moments)
	}
	after, _ := l.store.Session(riskd.SessionID{7})
	l.want(reflect.DeepEqual(before, after), "a shed event has changed its session:\n%+v\n%+v", before, after)
}

func (l *life) want(ok bool, format string, args ...any) {
	l.t.Helper()
	if !ok {
		l.t.Fatalf(format, args...)
	}
}

package scoring_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// asker is whoever decides: the engine, or an admission in front of it.
type asker interface {
	Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision
}

// faults are what may go wrong while an event is decided, and the code that says
// so.
var faults = map[string]struct {
	code  string
	spoil func(t *testing.T, b *bench) asker
}{
	"policy: reasons fail":       {"policy_timeout", policyFault(func(p *policy) { p.reasonsErr = coded{errors.New("too slow")} })},
	"policy: judgement fails":    {"policy_timeout", policyFault(func(p *policy) { p.judgeErr = coded{errors.New("too slow")} })},
	"policy: judgement is empty": {"policy_error", policyFault(func(p *policy) { p.answer = riskd.Judgement{} })},
	"policy: evidence is no number": {"policy_error", policyFault(func(p *policy) {
		p.reasons = []riskd.Reason{evidence("x", math.NaN())}
	})},
	"policy: revoke comes with an error": {"policy_timeout", policyFault(func(p *policy) {
		p.answer, p.judgeErr = riskd.Judgement{Outcome: riskd.Revoke}, coded{errors.New("half an answer")}
	})},
	"policy: hangs until the deadline": {"policy_error", func(t *testing.T, b *bench) asker {
		b.use = hanging{b.policy}
		return rebuilt(t, b, func(o *scoring.Options) { o.Deadline = time.Millisecond })
	}},
	"policy: panics": {scoring.CodeInternalError, func(t *testing.T, b *bench) asker {
		b.use = panickingPolicy{b.policy}
		return admitted(t, b, scoring.AdmissionOptions{Panicked: func(any, []byte) {}})
	}},
	"geo: panics": {scoring.CodeInternalError, func(t *testing.T, b *bench) asker {
		once := true
		rebuilt(t, b, func(o *scoring.Options) { o.Locator = erratic{&once} })
		return admitted(t, b, scoring.AdmissionOptions{Panicked: func(any, []byte) {}})
	}},
	"no room": {scoring.CodeOverloaded, func(t *testing.T, b *bench) asker {
		return tooLate{admitted(t, b, scoring.AdmissionOptions{})}
	}},
	"state: history can't be read": {"state_unreadable", func(t *testing.T, b *bench) asker {
		return rebuilt(t, b, func(o *scoring.Options) { o.Memory = illegible{b.store} })
	}},
	"state: can't be read, and no room": {scoring.CodeOverloaded, func(t *testing.T, b *bench) asker {
		rebuilt(t, b, func(o *scoring.Options) { o.Memory = illegible{b.store} })
		return tooLate{admitted(t, b, scoring.AdmissionOptions{})}
	}},
}

func policyFault(change func(*policy)) func(*testing.T, *bench) asker {
	return func(_ *testing.T, b *bench) asker {
		change(b.policy)
		return b.Engine
	}
}

func rebuilt(t *testing.T, b *bench, change func(*scoring.Options)) asker {
	t.Helper()
	o := b.Options
	change(&o)
	var err error
	if b.Engine, err = scoring.New(o); err != nil {
		t.Fatal(err)
	}
	return b.Engine
}

func admitted(t *testing.T, b *bench, o scoring.AdmissionOptions) *scoring.Admission {
	t.Helper()
	o.Engine = b.Engine
	a, err := scoring.NewAdmission(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type hanging struct{ *policy }

func (hanging) Reasons(ctx context.Context, _ *riskd.Case) ([]riskd.Reason, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

type panickingPolicy struct{ *policy }

func (panickingPolicy) Reasons(context.Context, *riskd.Case) ([]riskd.Reason, error) { panic("policy") }

// erratic panics the first time it is asked.
type erratic struct{ once *bool }

func (l erratic) Locate(netip.Addr) (riskd.Place, []string) {
	if *l.once {
		*l.once = false
		panic("geo")
	}
	return riskd.Place{}, nil
}

// tooLate asks with no time left.
type tooLate struct{ asker }

func (l tooLate) Decide(_ context.Context, e *riskd.Event, now time.Time) riskd.Decision {
	ctx, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	return l.asker.Decide(ctx, e, now)
}

// illegible is a memory that can't read what it remembers of any session; the
// sessions' own tests have the disks that make it so.
type illegible struct{ *sessions.Store }

func (m illegible) Update(e *riskd.Event, now time.Time, fn func(*riskd.Session, *riskd.Profile) riskd.Lesson) {
	s := riskd.Session{ID: e.Session.ID, Start: now, Lost: true}
	m.orders(e, now, &s)
	fn(&s, &riskd.Profile{})
}

func (m illegible) Glance(e *riskd.Event, now time.Time, s *riskd.Session) {
	*s = riskd.Session{ID: e.Session.ID, Start: now, Lost: true}
	m.orders(e, now, s)
}

// orders are known without the disk.
func (m illegible) orders(e *riskd.Event, now time.Time, s *riskd.Session) {
	var known riskd.Session
	m.Store.Glance(e, now, &known)
	s.Suspension, s.Ordered = known.Suspension, known.Ordered
}

// No fault ever answers revoke, and none answers allow on a sensitive route, for a
// session that isn't known, or past what holds it up; what is revoked stays so.
// Every answer names the fault.
func TestNoFaultRevokesOrLetsIn(t *testing.T) {
	t.Parallel()
	ada := riskd.Target{Kind: riskd.TargetUser, ID: "ada"}
	states := map[string]func(*testing.T, *bench){
		"unknown":   func(*testing.T, *bench) {},
		"known":     func(_ *testing.T, b *bench) { b.decide(nil) },
		"long idle": func(_ *testing.T, b *bench) { b.decide(nil); b.now = b.now.Add(time.Hour) },
		"challenged": func(_ *testing.T, b *bench) {
			b.policy.reasons = []riskd.Reason{evidence("new_country", 11)}
			b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
			b.decide(nil)
			b.policy.reasons, b.policy.answer = nil, riskd.Judgement{Outcome: riskd.Allow}
		},
		"ordered to step up": func(t *testing.T, b *bench) {
			b.decide(nil)
			b.impose(t, riskd.Epoch{Effect: riskd.EffectStepUp, Target: ada, At: b.now})
		},
		"suspended": func(t *testing.T, b *bench) {
			b.decide(nil)
			b.impose(t, riskd.Epoch{Effect: riskd.EffectSuspend, Target: ada, At: b.now})
		},
		"revoked": func(t *testing.T, b *bench) {
			b.decide(nil)
			b.revoke(t, ada, b.now)
		},
	}
	for fault, f := range faults {
		for state, prepare := range states {
			for c := riskd.ClassStandard; c <= riskd.ClassAdmin; c++ {
				t.Run(fmt.Sprintf("%s/%s/%s", fault, state, c), func(t *testing.T) {
					t.Parallel()
					b := engine(t)
					prepare(t, b)
					asked := f.spoil(t, b)
					b.now = b.now.Add(time.Second)
					e := validEvent()
					e.Session.StartedAt, e.Request.Class = b.now.Add(-2*time.Hour), c
					d := asked.Decide(context.Background(), &e, b.now)
					judgeFault(t, state, c, f.code, &d)
				})
			}
		}
	}
}

func judgeFault(t *testing.T, state string, c riskd.Class, code string, d *riskd.Decision) {
	t.Helper()
	if state == "revoked" {
		if d.Outcome != riskd.Revoke || d.Source != riskd.SourceRevocation {
			t.Errorf("a revoked session is answered %s from %s", d.Outcome, d.Source)
		}
		return
	}
	if d.Outcome != riskd.Allow && d.Outcome != riskd.StepUpNeeded {
		t.Fatalf("answered %s: %s", d.Outcome, d.AdminText)
	}
	allowed := d.Outcome == riskd.Allow
	switch {
	case c == riskd.ClassOpen:
		if !allowed {
			t.Errorf("an open route is answered %s", d.Outcome)
		}
	case allowed && (c != riskd.ClassStandard || state != "known"):
		t.Error("let in")
	}
	if d.Source != riskd.SourceSuspension && (d.Source != riskd.SourceFallback || !slices.Contains(d.Degraded, code)) {
		t.Errorf("answered from %s, degraded %v; want %s", d.Source, d.Degraded, code)
	}
}

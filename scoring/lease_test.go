package scoring_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func lending(t *testing.T) *bench {
	b := engine(t)
	b.policy.info.Tuning.Lease = [4]time.Duration{
		riskd.ClassOpen: 30 * time.Second, riskd.ClassStandard: 6 * time.Second,
		riskd.ClassSensitive: time.Minute, riskd.ClassAdmin: time.Minute, // which no pack can say
	}
	return b
}

// located is an event whose place is known, so that nothing is degraded.
func located(more func(*riskd.Event)) func(*riskd.Event) {
	return func(e *riskd.Event) {
		e.Place = riskd.Place{Country: "FR", ASN: 64500}
		if more != nil {
			more(e)
		}
	}
}

func TestLeases(t *testing.T) {
	t.Parallel()
	of := func(c riskd.Class) func(*riskd.Event) { return func(e *riskd.Event) { e.Request.Class = c } }
	cases := map[string]struct {
		before func(*bench)
		event  func(*riskd.Event)
		want   time.Duration
	}{
		"standard":                        {nil, nil, 6 * time.Second},
		"open":                            {nil, of(riskd.ClassOpen), 30 * time.Second},
		"sensitive":                       {nil, of(riskd.ClassSensitive), 0},
		"admin":                           {nil, of(riskd.ClassAdmin), 0},
		"at a score of 50":                {func(b *bench) { b.policy.reasons = []riskd.Reason{evidence("x", 5)} }, nil, 999 * time.Millisecond},
		"at the threshold":                {func(b *bench) { b.policy.reasons = []riskd.Reason{evidence("x", 10)} }, nil, 0},
		"turned off":                      {func(b *bench) { b.policy.info.Tuning.Lease = [4]time.Duration{} }, nil, 0},
		"stepped up":                      {func(b *bench) { b.policy.answer.Outcome = riskd.StepUpNeeded }, nil, 0},
		"revoked":                         {func(b *bench) { b.policy.answer.Outcome = riskd.Revoke }, nil, 0},
		"no answer":                       {func(b *bench) { b.policy.judgeErr = errors.New("broken") }, of(riskd.ClassOpen), 0},
		"no place":                        {nil, func(e *riskd.Event) { e.Place = riskd.Place{} }, 0},
		"degraded before":                 {nil, func(e *riskd.Event) { e.Degraded = []string{"event_time_ahead"} }, 0},
		"goes on from another":            {nil, func(e *riskd.Event) { e.Session.PreviousID = riskd.SessionID{9} }, 0},
		"another user than the session's": {func(b *bench) { b.decide(located(nil)) }, func(e *riskd.Event) { e.User.ID = "eve" }, 0},
		"a step-up is pending": {func(b *bench) {
			b.policy.answer.Outcome, b.policy.reasons = riskd.StepUpNeeded, []riskd.Reason{evidence("x", 11)}
			b.decide(located(nil))
			b.policy.answer.Outcome, b.policy.reasons = riskd.Allow, []riskd.Reason{evidence("y", -3)}
		}, of(riskd.ClassOpen), 0},
		"an action was asked for": {func(b *bench) {
			b.policy.answer.Outcome = riskd.StepUpNeeded
			b.decide(located(nil))
			b.policy.answer.Outcome = riskd.Allow
		}, nil, 0},
		"ordered to prove himself": {func(b *bench) {
			b.impose(t, riskd.Epoch{Effect: riskd.EffectStepUp, Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now})
		}, of(riskd.ClassOpen), 0},
		"suspended": {func(b *bench) {
			b.impose(t, riskd.Epoch{Effect: riskd.EffectSuspend, Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now})
		}, of(riskd.ClassOpen), 0},
		"its end is near": {func(b *bench) {
			b.policy.info.Tuning.Timeouts = []riskd.Timeout{{Limits: riskd.Limits{Absolute: time.Hour + 3*time.Second}}}
		}, nil, 2 * time.Second},
		"the end of its class is near": {func(b *bench) {
			b.policy.info.Tuning.Timeouts = []riskd.Timeout{{OfClass: true, Class: riskd.ClassOpen, Limits: riskd.Limits{Absolute: time.Hour + 3*time.Second}}}
		}, of(riskd.ClassOpen), 2 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := lending(t)
			if c.before != nil {
				c.before(b)
			}
			d := b.decide(located(c.event))
			if d.Lease.ValidFor != c.want {
				t.Errorf("%s is valid for %s, want %s (score %d, degraded %v)", d.Outcome, d.Lease.ValidFor, c.want, d.Score, d.Degraded)
			}
			if s, _ := b.store.Session(riskd.SessionID{7}); c.want > 0 && !s.Leased || c.before == nil && s.Leased != (c.want > 0) {
				t.Errorf("the session remembers that it has a lease: %t", s.Leased)
			}
		})
	}
}

// A decision names the last order that had come into force before it looked.
func TestLeasesNameTheLastOrder(t *testing.T) {
	b := lending(t)
	if d := b.decide(located(nil)); d.Lease.Epoch != 0 {
		t.Errorf("before any order: %d", d.Lease.Epoch)
	}
	e := b.impose(t, riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "eve"}, At: b.now})
	if d := b.decide(located(nil)); d.Lease.Epoch != e.Number {
		t.Errorf("after order %d: %d", e.Number, d.Lease.Epoch)
	}
	if d := b.Decide(context.Background(), &riskd.Event{Session: riskd.EventSession{ID: riskd.SessionID{8}}, User: riskd.User{ID: "eve"}, Client: riskd.Client{IP: validEvent().Client.IP}}, b.now); d.Outcome != riskd.Revoke || d.Lease != (riskd.Lease{Epoch: e.Number}) {
		t.Errorf("of the revoked: %s, %+v", d.Outcome, d.Lease)
	}
}

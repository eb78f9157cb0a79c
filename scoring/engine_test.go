package scoring_test

import (
	"cmp"
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

// policy answers what a test wants; the real one is exercised by the scenarios.
type policy struct {
	info       riskd.Pack
	reasons    []riskd.Reason
	reasonsErr error
	answer     riskd.Judgement
	judgeErr   error
	asked      int
	seen       riskd.Case
}

func (p *policy) Info() *riskd.Pack { return &p.info }

func (p *policy) Reasons(ctx context.Context, _ *riskd.Case) ([]riskd.Reason, error) {
	p.asked++
	return slices.Clone(p.reasons), cmp.Or(p.reasonsErr, ctx.Err())
}

func (p *policy) Judge(_ context.Context, c *riskd.Case) (riskd.Judgement, error) {
	p.seen = *c
	return p.answer, p.judgeErr
}

type coded struct{ error }

func (coded) DecisionCode() string { return "policy_timeout" }

type nowhere struct{}

func (nowhere) Locate(netip.Addr) (riskd.Place, []string) {
	return riskd.Place{}, []string{"geo_missing"}
}

type bench struct {
	*scoring.Engine
	policy *policy
	use    scoring.Policy // instead of policy, unless it is nil
	store  *sessions.Store
	now    time.Time
	record riskd.Record
}

func engine(t testing.TB) *bench {
	t.Helper()
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{store: store, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	b.policy = &policy{answer: riskd.Judgement{Outcome: riskd.Allow}, info: riskd.Pack{Name: "test", Revision: "r1", Tuning: tuning()}}
	ids := 0
	b.Engine, err = scoring.New(scoring.Options{
		Memory: store, Locator: nowhere{}, Policy: func() scoring.Policy { return cmp.Or(b.use, scoring.Policy(b.policy)) },
		NewID:  func() string { ids++; return fmt.Sprint("id", ids) },
		Record: func(r *riskd.Record) { b.record = *r },
		// No test waits for it; a machine under load mustn't run into it.
		Deadline: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tuning() riskd.Tuning {
	t := riskd.Tuning{
		StepUpNats: 10, RevokeNats: 14, RequestBonus: 4, LastDecisionFor: time.Minute,
		HalfLife: [2]time.Duration{4 * time.Hour, 8 * time.Minute}, Cap: [2]float64{25, 14},
		Challenge: riskd.Challenge{Expires: 10 * time.Minute, Attempts: 3, PromptsPerDay: 2}, TrustFor: 30 * 24 * time.Hour,
	}
	for g := range t.GroupCap {
		t.GroupCap[g] = riskd.Bounds{Min: -3, Max: 20}
	}
	t.OnFailure[riskd.ClassOpen], t.OnFailure[riskd.ClassStandard] = riskd.FailAllow, riskd.FailLast
	return t
}

func (b *bench) decide(change func(*riskd.Event)) riskd.Decision {
	e := validEvent()
	e.Session.StartedAt = b.now.Add(-time.Hour)
	if change != nil {
		change(&e)
	}
	b.now = b.now.Add(time.Second)
	return b.Decide(context.Background(), &e, b.now)
}

func validEvent() riskd.Event {
	return riskd.Event{
		Session: riskd.EventSession{ID: riskd.SessionID{7}},
		User:    riskd.User{ID: "ada"},
		Client:  riskd.Client{IP: netip.MustParseAddr("203.0.113.7")},
	}
}

func class(c riskd.Class) func(*riskd.Event) {
	return func(e *riskd.Event) { e.Request.Class = c }
}

func evidence(code string, nats float64) riskd.Reason {
	return riskd.Reason{Code: code, Signal: code, Nats: nats, ClearsWith: []string{"mfa"}, Rule: &riskd.Rule{Code: code, Title: code, User: "Is it you?", Admin: code}}
}

func TestEngineNeedsItsParts(t *testing.T) {
	if _, err := scoring.New(scoring.Options{}); err == nil || err.Error() != "scoring.Options.Memory: is required" {
		t.Fatalf("without parts: %v", err)
	}
}

// No failure of the policy ever answers revoke, and none answers allow on a
// sensitive route or for a session that it doesn't know.
func TestFailuresAnswerAsTheClassSays(t *testing.T) {
	failures := map[string]func(*policy){
		"reasons fail":             func(p *policy) { p.reasonsErr = coded{errors.New("too slow")} },
		"judgement fails":          func(p *policy) { p.judgeErr = coded{errors.New("too slow")} },
		"judgement is empty":       func(p *policy) { p.answer = riskd.Judgement{} },
		"evidence is not a number": func(p *policy) { p.reasons = []riskd.Reason{evidence("x", math.NaN())} },
		"evidence is infinite":     func(p *policy) { p.reasons = []riskd.Reason{evidence("x", math.Inf(1))} },
		"revoke comes with an error": func(p *policy) {
			p.answer, p.judgeErr = riskd.Judgement{Outcome: riskd.Revoke}, coded{errors.New("half an answer")}
		},
	}
	known := map[riskd.Class]riskd.Outcome{
		riskd.ClassOpen: riskd.Allow, riskd.ClassStandard: riskd.Allow,
		riskd.ClassSensitive: riskd.StepUpNeeded, riskd.ClassAdmin: riskd.StepUpNeeded,
	}
	for name, fail := range failures {
		for c, want := range known {
			t.Run(name+" on "+c.String(), func(t *testing.T) {
				b := engine(t)
				if d := b.decide(class(c)); d.Outcome != riskd.Allow {
					t.Fatalf("before the failure: %s", d.Outcome)
				}
				fail(b.policy)
				d := b.decide(class(c))
				if d.Outcome != want || d.Source != riskd.SourceFallback {
					t.Errorf("answered %s from %s, want %s from fallback", d.Outcome, d.Source, want)
				}
				code := "policy_error"
				if errors.As(cmp.Or(b.policy.reasonsErr, b.policy.judgeErr), new(coded)) {
					code = "policy_timeout"
				}
				if !slices.Equal(d.Degraded, []string{"geo_missing", code}) {
					t.Errorf("degraded is %v", d.Degraded)
				}
				b.now = b.now.Add(2 * time.Minute)
				if d := b.decide(class(c)); c != riskd.ClassOpen && d.Outcome != riskd.StepUpNeeded {
					t.Errorf("two minutes later: %s", d.Outcome)
				}
			})
		}
	}
}

// A last decision isn't repeated past a change of the pack, which may have been
// made because of it; it is again once the new revision has decided.
func TestFailureAfterAnotherPackTookOver(t *testing.T) {
	b := engine(t)
	b.decide(nil)
	b.now = b.now.Add(10 * time.Second)
	b.policy.info.Since = b.now
	b.policy.judgeErr = errors.New("broken")
	if d := b.decide(nil); d.Outcome != riskd.StepUpNeeded || d.Source != riskd.SourceFallback {
		t.Errorf("what the revision before had decided is repeated: %s from %s", d.Outcome, d.Source)
	}
	b.policy.judgeErr = nil
	b.decide(nil)
	b.policy.judgeErr = errors.New("broken")
	if d := b.decide(nil); d.Outcome != riskd.Allow || d.Source != riskd.SourceFallback {
		t.Errorf("what this revision has decided isn't repeated: %s from %s", d.Outcome, d.Source)
	}
}

func TestFailureOnAnUnknownSession(t *testing.T) {
	b := engine(t)
	b.policy.judgeErr = errors.New("broken")
	if d := b.decide(nil); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("a session never seen before gets %s", d.Outcome)
	}
	b.policy.judgeErr = nil
	if d := b.decide(nil); d.Outcome != riskd.Allow {
		t.Errorf("the failure stuck to the session: %s", d.Outcome)
	}
}

func TestRevokedIsAskedFirst(t *testing.T) {
	targets := map[string]riskd.Target{
		"session": {Kind: riskd.TargetSession, Session: riskd.SessionID{7}},
		"user":    {Kind: riskd.TargetUser, ID: "ada"},
		"device":  {Kind: riskd.TargetDevice, ID: "d1"},
		"tenant":  {Kind: riskd.TargetTenant},
	}
	withDevice := func(e *riskd.Event) { e.Device.ID = "d1" }
	for name, target := range targets {
		t.Run(name, func(t *testing.T) {
			b := engine(t)
			b.decide(withDevice)
			asked := b.policy.asked
			b.revoke(t, target, b.now.Add(time.Millisecond))
			b.policy.reasonsErr = errors.New("and the policy is broken")
			d := b.decide(withDevice)
			if d.Outcome != riskd.Revoke || d.Source != riskd.SourceRevocation || d.Score != 100 || d.Level != riskd.High {
				t.Errorf("answered %+v", d)
			}
			if b.policy.asked != asked {
				t.Error("the policy was asked about a revoked session")
			}
		})
	}
}

func TestRevokedByPolicyStaysRevoked(t *testing.T) {
	b := engine(t)
	b.policy.answer.Outcome = riskd.Revoke
	if d := b.decide(nil); d.Outcome != riskd.Revoke || d.Source != riskd.SourceFresh {
		t.Fatalf("answered %s", d.Outcome)
	}
	b.policy.answer.Outcome = riskd.Allow
	for range 3 {
		if d := b.decide(nil); d.Outcome != riskd.Revoke || d.Source != riskd.SourceRevocation {
			t.Fatalf("then %s from %s", d.Outcome, d.Source)
		}
	}
}

func TestStepUpForRiskStaysUntilProved(t *testing.T) {
	b := engine(t)
	b.decide(nil)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
	first := b.decide(nil)
	if first.StepUp == nil || !slices.Equal(first.StepUp.Clears, []string{"new_country"}) {
		t.Fatalf("challenge is %+v", first.StepUp)
	}
	b.policy.reasons, b.policy.answer = nil, riskd.Judgement{Outcome: riskd.Allow}
	b.now = b.now.Add(24 * time.Hour) // the evidence is long gone
	if d := b.decide(nil); d.Outcome != riskd.StepUpNeeded || d.StepUp.ID == first.StepUp.ID {
		t.Fatalf("a day later: %s, challenge %+v", d.Outcome, d.StepUp)
	}
	if d := b.decide(class(riskd.ClassOpen)); d.Outcome != riskd.Allow {
		t.Errorf("open routes: %s", d.Outcome)
	}
	prove := func(acr string) func(*riskd.Event) {
		return func(e *riskd.Event) { e.Session.AuthTime, e.Session.ACR = b.now, acr }
	}
	if d := b.decide(prove("aal1")); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("a weak proof: %s", d.Outcome)
	}
	if d := b.decide(prove("aal2")); d.Outcome != riskd.Allow || d.Score != 0 {
		t.Errorf("a proof: %s, score %d", d.Outcome, d.Score)
	}
	if d := b.decide(nil); d.Outcome != riskd.Allow {
		t.Errorf("after the proof: %s", d.Outcome)
	}
}

func TestProofClearsOnlyWhatItClears(t *testing.T) {
	b := engine(t)
	stays := evidence("token_replay", 4)
	stays.ClearsWith = nil
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7), stays}
	b.policy.answer.Outcome = riskd.StepUpNeeded
	b.decide(nil)
	b.policy.reasons, b.policy.answer.Outcome = nil, riskd.Allow
	d := b.decide(func(e *riskd.Event) { e.Session.AuthTime = b.now.Add(time.Second) })
	if len(d.Reasons) != 1 || d.Reasons[0].Code != "token_replay" || math.Abs(d.Reasons[0].Nats-4) > 0.01 {
		t.Fatalf("left after the proof: %+v", d.Reasons)
	}
}

// An action that asks for a fresh proof doesn't lock the rest of the session.
func TestStepUpForOneActionIsNotKept(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("stale_proof", 0)}
	b.policy.answer.Outcome = riskd.StepUpNeeded
	if d := b.decide(class(riskd.ClassAdmin)); d.Outcome != riskd.StepUpNeeded || len(d.Reasons) != 1 {
		t.Fatalf("the action: %s %+v", d.Outcome, d.Reasons)
	}
	b.policy.reasons, b.policy.answer.Outcome = nil, riskd.Allow
	if d := b.decide(nil); d.Outcome != riskd.Allow {
		t.Errorf("what needs no proof: %s", d.Outcome)
	}
}

func TestTwoAlarms(t *testing.T) {
	tests := map[string]struct {
		nats  []float64 // of one event after the other
		score int       // after the last
	}{
		"nothing":                         {[]float64{0}, 0},
		"one event past its alarm":        {[]float64{6}, 60},
		"one event short of it":           {[]float64{5}, 50},
		"many small ones":                 {[]float64{2.6, 2.6, 2.6, 2.6}, 62},
		"what speaks for him":             {[]float64{5, -3}, 11},
		"revoke by the sum":               {[]float64{5, 5, 5}, 87},
		"the last event is the weightier": {[]float64{1, 7}, 66},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := engine(t)
			var d riskd.Decision
			for _, n := range test.nats {
				b.policy.reasons = []riskd.Reason{evidence("x", n)}
				d = b.decide(nil)
			}
			if d.Score != test.score {
				t.Errorf("score %d, want %d", d.Score, test.score)
			}
			points := 0
			for _, r := range d.Reasons {
				points += r.Points
			}
			if points != d.Score {
				t.Errorf("points add up to %d, the score is %d", points, d.Score)
			}
			if b.policy.seen.Score < float64(d.Score) {
				t.Errorf("the policy saw %g", b.policy.seen.Score)
			}
		})
	}
}

func TestInvariantsAreWorthTheWholeScore(t *testing.T) {
	b := engine(t)
	r := evidence("session_fixation", 0)
	r.Invariant = true
	b.policy.reasons = []riskd.Reason{r, evidence("new_country", 2)}
	b.policy.answer.Outcome = riskd.Revoke
	d := b.decide(nil)
	if d.Score != 100 || d.Level != riskd.High || d.Reasons[0].Code != "session_fixation" || d.Reasons[0].Points != 100 {
		t.Fatalf("decision %+v", d)
	}
	if !slices.Equal(b.policy.seen.Invariants, []string{"session_fixation"}) || b.policy.seen.Score >= riskd.StepUpScore {
		t.Errorf("the policy saw invariants %v, score %g", b.policy.seen.Invariants, b.policy.seen.Score)
	}
}

func TestProfilesLearnOnlyFromCleanEvents(t *testing.T) {
	tests := map[string]struct {
		nats    float64
		outcome riskd.Outcome
		err     error
		learned bool
	}{
		"clean":          {0, riskd.Allow, nil, true},
		"a little odd":   {5, riskd.Allow, nil, true},
		"suspicious":     {5.5, riskd.Allow, nil, false},
		"stepped up":     {0, riskd.StepUpNeeded, nil, false},
		"revoked":        {0, riskd.Revoke, nil, false},
		"without policy": {0, riskd.Allow, errors.New("broken"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := engine(t)
			b.policy.reasons = []riskd.Reason{evidence("x", test.nats)}
			b.policy.answer.Outcome, b.policy.judgeErr = test.outcome, test.err
			b.decide(nil)
			s, ok := b.store.Session(riskd.SessionID{7})
			if !ok || s.Learned != test.learned {
				t.Errorf("learned: %t (session known: %t)", s.Learned, ok)
			}
			if known := s.Known.Familiar(riskd.Context{Prefix: riskd.PrefixOf(netip.MustParseAddr("203.0.113.7"))}).Prefix; known != test.learned {
				t.Errorf("context accepted: %t", known)
			}
		})
	}
}

func TestRecordHoldsTheDecision(t *testing.T) {
	b := engine(t)
	d := b.decide(nil)
	if b.record.Decision.ID != d.ID || b.record.Event.User.ID != "ada" || len(b.record.Readings) == 0 {
		t.Fatalf("record %+v", b.record)
	}
}

// Late events change no order of time: nothing decays backwards, nothing goes
// out as sight from the past.
func TestLateEvents(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("x", 3)}
	b.decide(nil)
	seen := b.now
	b.now = b.now.Add(-time.Hour)
	b.policy.reasons = nil
	b.decide(nil)
	s, _ := b.store.Session(riskd.SessionID{7})
	if !s.SeenAt.Equal(seen) || math.Abs(s.Identity.Nats()-3) > 1e-9 {
		t.Fatalf("seen at %s with %g nats", s.SeenAt, s.Identity.Nats())
	}
}

// Somebody who hangs up early leaves his evidence behind.
func TestCallersThatHangUp(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("x", 3)}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := validEvent()
	if d := b.Decide(ctx, &e, b.now); d.Source != riskd.SourceFresh {
		t.Errorf("decided from %s: %v", d.Source, d.Degraded)
	}
	if s, _ := b.store.Session(e.Session.ID); math.Abs(s.Identity.Nats()-3) > 1e-9 {
		t.Errorf("the session remembers %g nats", s.Identity.Nats())
	}
}

// Between the policy's revoke and the moment when everybody can see it, another
// request of the session doesn't slip through.
func TestNothingSlipsThroughARevoke(t *testing.T) {
	b := engine(t)
	b.policy.answer.Outcome = riskd.Revoke
	var meanwhile riskd.Decision
	late := lateRevoke{b.store, func() {
		b.policy.answer.Outcome = riskd.Allow
		e := validEvent()
		meanwhile = b.Decide(context.Background(), &e, b.now)
	}}
	o := b.Options
	o.Memory = late
	var err error
	if b.Engine, err = scoring.New(o); err != nil {
		t.Fatal(err)
	}
	if d := b.decide(nil); d.Outcome != riskd.Revoke {
		t.Fatalf("the policy's own answer: %s", d.Outcome)
	}
	if meanwhile.Outcome != riskd.Revoke {
		t.Errorf("meanwhile: %s", meanwhile.Outcome)
	}
}

type lateRevoke struct {
	*sessions.Store
	before func()
}

func (m lateRevoke) Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	m.before()
	return m.Store.Impose(ctx, key, orders...)
}

func (b *bench) revoke(t testing.TB, target riskd.Target, at time.Time) {
	t.Helper()
	b.impose(t, riskd.Epoch{Target: target, At: at, Reason: "lost laptop", Actor: "ops"})
}

func (b *bench) impose(t testing.TB, order riskd.Epoch) riskd.Epoch {
	t.Helper()
	done, err := b.store.Impose(context.Background(), "", order)
	if err != nil {
		t.Fatal(err)
	}
	return done.Epochs[0]
}

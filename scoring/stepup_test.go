package scoring_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// challenged is an engine with a session that waits for a step-up.
func challenged(t *testing.T) (*bench, riskd.StepUp) {
	t.Helper()
	b := engine(t)
	b.decide(nil)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 11)}
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
	d := b.decide(nil)
	if d.StepUp == nil {
		t.Fatal("no challenge")
	}
	b.policy.reasons, b.policy.answer = nil, riskd.Judgement{Outcome: riskd.Allow}
	return b, *d.StepUp
}

func (b *bench) after(d time.Duration) *bench {
	b.now = b.now.Add(d)
	return b
}

func (b *bench) answer(id string, passed bool, acr string) (riskd.Session, error) {
	return b.Answer(context.Background(), riskd.StepUpAnswer{ID: id, Passed: passed, AuthTime: b.now, ACR: acr}, b.now)
}

func kinds(moments []riskd.Moment) string {
	var all []string
	for _, m := range moments {
		all = append(all, m.Kind.String())
	}
	return strings.Join(all, " ")
}

func TestAChallengeLastsUntilItExpires(t *testing.T) {
	b, first := challenged(t)
	if !first.ExpiresAt.Equal(first.IssuedAt.Add(10*time.Minute)) || first.AttemptsLeft != 3 || first.OverBudget {
		t.Errorf("challenge %+v", first)
	}
	if got := kinds(b.record.Moments); got != "challenged" {
		t.Errorf("recorded as %q", got)
	}
	again := b.after(9 * time.Minute).decide(nil)
	if again.StepUp.ID != first.ID || len(b.record.Moments) != 0 {
		t.Errorf("nine minutes later: %+v, recorded %q", again.StepUp, kinds(b.record.Moments))
	}
	next := b.after(2 * time.Minute).decide(nil)
	if next.StepUp.ID == first.ID || kinds(b.record.Moments) != "challenged" {
		t.Errorf("eleven minutes later: %+v", next.StepUp)
	}
	if _, err := b.answer(first.ID, true, "aal2"); !errors.Is(err, riskd.ErrUnknownStepUp) {
		t.Errorf("the challenge before takes an answer: %v", err)
	}
}

func TestAnAnswerByID(t *testing.T) {
	b, u := challenged(t)
	b.after(time.Minute)
	if _, err := b.answer(u.ID, true, "aal1"); !errors.Is(err, riskd.ErrNotProved) {
		t.Errorf("a weak proof: %v", err)
	}
	if s, err := b.answer(u.ID, false, ""); err != nil || s.StepUp.AttemptsLeft != 1 || s.Failures != 2 {
		t.Errorf("failed twice: %v, %+v", err, s.StepUp)
	}
	s, err := b.answer(u.ID, true, "aal2")
	if err != nil || s.Status != riskd.StatusActive || s.StepUp != nil || s.Failures != 0 {
		t.Fatalf("a proof: %v, %s, %+v", err, s.Status, s.StepUp)
	}
	if left := b.session(t).Identity; left.Nats() != 0 {
		t.Errorf("%g nats are left", left.Nats())
	}
	if d := b.decide(nil); d.Outcome != riskd.Allow {
		t.Errorf("after the proof: %s", d.Outcome)
	}
	if _, err := b.answer(u.ID, true, "aal2"); !errors.Is(err, riskd.ErrUnknownStepUp) {
		t.Errorf("twice: %v", err)
	}
}

func TestAnswersThatMeanNothing(t *testing.T) {
	b, u := challenged(t)
	for name, id := range map[string]string{
		"empty": "", "not an id": "su_x", "another's": strings.Replace(u.ID, "su_0", "su_1", 1), "one never given": u.ID + "0",
	} {
		if _, err := b.answer(id, true, "aal2"); !errors.Is(err, riskd.ErrUnknownStepUp) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.revoke(t, riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, b.now.Add(time.Hour))
	if _, err := b.answer(u.ID, true, "aal2"); !errors.Is(err, riskd.ErrSessionOver) {
		t.Errorf("a session that is over: %v", err)
	}
}

// An authentication from before the challenge proves nothing, whoever tells of it.
func TestOldProofsByIDProveNothing(t *testing.T) {
	b, u := challenged(t)
	old := riskd.StepUpAnswer{ID: u.ID, Passed: true, AuthTime: u.IssuedAt.Add(-2 * riskd.ClockSkew), ACR: "aal2"}
	if _, err := b.Answer(context.Background(), old, b.now); !errors.Is(err, riskd.ErrNotProved) {
		t.Errorf("got %v", err)
	}
}

func TestAttemptsRunOut(t *testing.T) {
	for name, effect := range map[string]riskd.Effect{"revoke": riskd.EffectRevoke, "suspend": riskd.EffectSuspend} {
		t.Run(name, func(t *testing.T) {
			b, u := challenged(t)
			b.policy.info.Tuning.Challenge.Exhausted = effect
			for left := 2; left > 0; left-- {
				if _, err := b.answer(u.ID, false, ""); err != nil {
					t.Fatal(err)
				}
				if d := b.after(time.Second).decide(nil); d.StepUp.AttemptsLeft != left || d.StepUp.ID != u.ID {
					t.Fatalf("with %d left: %+v", left, d.StepUp)
				}
			}
			if _, err := b.answer(u.ID, false, ""); err != nil {
				t.Fatal(err)
			}
			d := b.after(time.Second).decide(nil)
			if effect == riskd.EffectRevoke && (d.Outcome != riskd.Revoke || d.Source != riskd.SourceRevocation) {
				t.Errorf("then %s from %s", d.Outcome, d.Source)
			}
			if effect == riskd.EffectSuspend && (d.Source != riskd.SourceSuspension || d.StepUp != nil) {
				t.Errorf("then %s from %s", d.Outcome, d.Source)
			}
		})
	}
}

// A gateway that sends its users to sign in again and again, too weakly, doesn't
// do so for ever; and each sign-in counts once, however many requests follow it.
func TestWeakProofsDontLoop(t *testing.T) {
	b, u := challenged(t)
	weak := func(at time.Time) riskd.Decision {
		return b.decide(func(e *riskd.Event) { e.Session.AuthTime, e.Session.ACR = at, "aal1" })
	}
	for left := 2; left > 0; left-- {
		at := b.after(time.Second).now
		for range 5 {
			if d := weak(at); d.Outcome != riskd.StepUpNeeded || d.StepUp.AttemptsLeft != left || d.StepUp.ID != u.ID {
				t.Fatalf("with %d left: %s %+v", left, d.Outcome, d.StepUp)
			}
		}
	}
	at := b.after(time.Second).now
	if d := weak(at); d.Outcome != riskd.Revoke || kinds(b.record.Moments) != "failed ended" {
		t.Fatalf("the last one: %s, recorded %q", d.Outcome, kinds(b.record.Moments))
	}
	if d := weak(at); d.Source != riskd.SourceRevocation {
		t.Errorf("after it: %s from %s", d.Outcome, d.Source)
	}
}

// A single action's demand is given under one id while it lasts, can be answered
// by it, and holds nothing else up.
func TestWhatAnActionAsksFor(t *testing.T) {
	b := engine(t)
	b.decide(nil)
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
	first, second := b.decide(nil), b.decide(nil)
	if first.StepUp.ID != second.StepUp.ID || second.StepUp.ID == "" {
		t.Errorf("asked as %s and as %s", first.StepUp.ID, second.StepUp.ID)
	}
	b.policy.answer = riskd.Judgement{Outcome: riskd.Allow}
	if d := b.decide(nil); d.Outcome != riskd.Allow {
		t.Errorf("another action: %s", d.Outcome)
	}
	s, err := b.after(time.Second).answer(first.StepUp.ID, true, "aal2")
	if err != nil || s.Asked != nil || !s.AuthTime.Equal(b.now) || s.ACR != "aal2" {
		t.Errorf("answered: %v, %+v", err, s.Asked)
	}
}

func TestPromptsAreCounted(t *testing.T) {
	b, _ := challenged(t)
	for _, over := range []bool{false, true, true} {
		d := b.after(11 * time.Minute).decide(nil)
		if d.StepUp.OverBudget != over || d.Outcome != riskd.StepUpNeeded {
			t.Errorf("%s, over budget %v, want %v", d.Outcome, d.StepUp.OverBudget, over)
		}
	}
	if d := b.after(24 * time.Hour).decide(nil); d.StepUp.OverBudget {
		t.Error("a day later the budget is still spent")
	}
}

func TestSuspendedIsForOperatorsToClear(t *testing.T) {
	b := engine(t)
	b.decide(nil)
	ada := riskd.Target{Kind: riskd.TargetUser, ID: "ada"}
	b.impose(t, riskd.Epoch{Effect: riskd.EffectSuspend, Target: ada, At: b.now})
	prove := func(e *riskd.Event) { e.Session.AuthTime, e.Session.ACR = b.now, "aal3" }
	for range 3 {
		d := b.after(time.Minute).decide(prove)
		if d.Outcome != riskd.StepUpNeeded || d.Source != riskd.SourceSuspension || d.StepUp != nil || d.UserText == "" {
			t.Fatalf("suspended: %+v", d)
		}
	}
	if d := b.decide(class(riskd.ClassOpen)); d.Outcome != riskd.Allow {
		t.Errorf("open routes: %s", d.Outcome)
	}
	if s := b.session(t); s.Status != riskd.StatusSuspended {
		t.Errorf("listed as %s", s.Status)
	}
	b.impose(t, riskd.Epoch{Effect: riskd.EffectResume, Target: ada, At: b.now})
	if d := b.decide(nil); d.Outcome != riskd.Allow {
		t.Errorf("resumed: %s", d.Outcome)
	}
	if s := b.session(t); s.Status != riskd.StatusActive {
		t.Errorf("then listed as %s", s.Status)
	}
}

// An ordered step-up is asked for until there is a later authentication, however
// far the provider's clock lags, and no longer.
func TestOrderedStepUp(t *testing.T) {
	b := engine(t)
	b.policy.info.Tuning.Demand[riskd.ClassStandard] = riskd.Demand{ACR: []string{"aal2"}}
	b.decide(nil)
	b.impose(t, riskd.Epoch{Effect: riskd.EffectStepUp, Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now})
	first := b.after(time.Second).decide(nil)
	if first.Outcome != riskd.StepUpNeeded || first.StepUp == nil || first.StepUp.Demand.ACR[0] != "aal2" {
		t.Fatalf("ordered: %s %+v", first.Outcome, first.StepUp)
	}
	lagging := func(e *riskd.Event) { e.Session.AuthTime, e.Session.ACR = b.now.Add(-30*time.Second), "aal2" }
	for range 3 {
		if d := b.after(time.Second).decide(lagging); d.Outcome != riskd.Allow {
			t.Fatalf("proved by a clock that lags: %s", d.Outcome)
		}
	}
	for range 3 {
		if d := b.after(time.Second).decide(nil); d.Outcome != riskd.Allow {
			t.Fatalf("afterwards: %s", d.Outcome)
		}
	}
}

// Who has signed in again since the order isn't asked once more.
func TestOrderedStepUpKnowsALaterLogin(t *testing.T) {
	b := engine(t)
	b.decide(nil)
	b.impose(t, riskd.Epoch{Effect: riskd.EffectStepUp, Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now})
	at := b.after(time.Second).now
	login := func(e *riskd.Event) { e.Session.AuthTime = at }
	for range 3 {
		if d := b.after(time.Second).decide(login); d.Outcome != riskd.Allow {
			t.Fatalf("signed in since: %s", d.Outcome)
		}
	}
}

func TestTrustIsFoundedByProofAlone(t *testing.T) {
	on := func(device string, prove bool, b *bench) func(*riskd.Event) {
		return func(e *riskd.Event) {
			e.Device.ID = device
			if prove {
				e.Session.AuthTime, e.Session.ACR = b.now, "aal2"
			}
		}
	}
	b, _ := challenged(t)
	b.after(time.Second).decide(on("laptop", false, b))
	if b.trusts("laptop") {
		t.Error("seen is trusted")
	}
	b.after(time.Second).decide(on("laptop", true, b))
	if !b.trusts("laptop") || b.trusts("phone") || b.trusts("") {
		t.Error("a proof on the laptop founds trust in the laptop alone")
	}
	b.after(31 * 24 * time.Hour)
	if b.trusts("laptop") {
		t.Error("trust doesn't end")
	}
}

func (b *bench) trusts(device string) (trusted bool) {
	e := validEvent()
	e.Device.ID = device
	b.store.Update(&e, b.now, func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson {
		trusted = p.Trusted(riskd.MarkOf(&e.Device).ID, b.now) != nil
		return riskd.Lesson{}
	})
	return trusted
}

// Trust doesn't outlive what removes it, in whichever order they come.
func TestTrustIsRemoved(t *testing.T) {
	for name, target := range map[string]riskd.Target{
		"user": {Kind: riskd.TargetUser, ID: "ada"}, "device": {Kind: riskd.TargetDevice, ID: "laptop"}, "tenant": {Kind: riskd.TargetTenant},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := challenged(t)
			prove := func(e *riskd.Event) {
				e.Device.ID, e.Session.AuthTime, e.Session.ACR = "laptop", b.now, "aal2"
			}
			b.after(time.Second).decide(prove)
			if !b.trusts("laptop") {
				t.Fatal("not trusted to begin with")
			}
			b.impose(t, riskd.Epoch{Effect: riskd.EffectDistrust, Target: target, At: b.after(time.Second).now})
			if b.trusts("laptop") {
				t.Error("still trusted")
			}
		})
	}
}

// A device that is in two networks at once is trusted in neither.
func TestAClonedDeviceIsTrustedNoMore(t *testing.T) {
	b, _ := challenged(t)
	at := func(asn uint32, prove bool) func(*riskd.Event) {
		return func(e *riskd.Event) {
			e.Device.ID, e.Place.ASN, e.Place.Country = "laptop", asn, "FR"
			if prove {
				e.Session.AuthTime, e.Session.ACR = b.now, "aal2"
			}
		}
	}
	b.after(time.Second).decide(at(64496, true))
	b.after(time.Minute).decide(at(64500, false))
	if !b.trusts("laptop") {
		t.Error("moved once, and distrusted")
	}
	b.after(time.Minute).decide(at(64496, false))
	if b.trusts("laptop") {
		t.Error("in two networks at once, and trusted")
	}
}

func TestAStandingPredicateEndsWhatItMeets(t *testing.T) {
	b := engine(t)
	on := func(asn uint32) func(*riskd.Event) {
		return func(e *riskd.Event) { e.Place.ASN, e.Place.Country = asn, "FR" }
	}
	b.decide(on(64496))
	b.impose(t, riskd.Epoch{
		Target: riskd.Target{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{ASN: 64500}},
		At:     b.now, Until: b.now.Add(time.Hour),
	})
	if d := b.after(time.Minute).decide(on(64496)); d.Outcome != riskd.Allow {
		t.Fatalf("elsewhere: %s", d.Outcome)
	}
	if d := b.after(time.Minute).decide(on(64500)); d.Outcome != riskd.Revoke || d.Source != riskd.SourceRevocation {
		t.Fatalf("there: %s from %s", d.Outcome, d.Source)
	}
	b.after(2 * time.Hour)
	if d := b.decide(on(64496)); d.Outcome != riskd.Revoke {
		t.Errorf("back from there, when the order has ended: %s", d.Outcome)
	}
}

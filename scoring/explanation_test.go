package scoring_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
)

// odd is a policy whose answers follow no order: what it says of a set of codes has
// nothing to do with what it says of another, and a score may make it milder.
type odd struct {
	policy
	seed   uint64
	permit uint64 // of 64 answers, how many allow
}

func (p *odd) Judge(_ context.Context, c *riskd.Case) (riskd.Judgement, error) {
	h := p.seed
	var codes []string
	for i := range c.Reasons {
		codes = append(codes, c.Reasons[i].Code)
	}
	slices.Sort(codes)
	for _, b := range []byte(strings.Join(slices.Compact(codes), " ") + fmt.Sprint(int(c.Score/20), c.Invariants)) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	if (h>>32)%64 < p.permit {
		return riskd.Judgement{Outcome: riskd.Allow}, nil
	}
	return riskd.Judgement{Outcome: riskd.StepUpNeeded}, nil
}

// stern is a policy as packs are: the more, the worse.
type stern struct {
	policy
	demand riskd.Demand
}

func (p *stern) Judge(_ context.Context, c *riskd.Case) (riskd.Judgement, error) {
	stale := slices.ContainsFunc(c.Reasons, func(r riskd.Reason) bool { return r.Code == "stale" })
	switch {
	case c.Score >= riskd.RevokeScore:
		return riskd.Judgement{Outcome: riskd.Revoke}, nil
	case c.Score >= riskd.StepUpScore || len(c.Invariants) > 0 || stale:
		return riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: p.demand}, nil
	}
	return riskd.Judgement{Outcome: riskd.Allow}, nil
}

// drawnEvents draws what a few events give, under codes that come again.
func drawnEvents(t *rapid.T) [][]riskd.Reason {
	events := make([][]riskd.Reason, rapid.IntRange(1, 3).Draw(t, "events"))
	for i := range events {
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 2, 6, rapid.ID[int]).Draw(t, "codes") {
			r := evidence(string(rune('a'+n)), rapid.Float64Range(1, 9).Draw(t, "nats"))
			r.Group = riskd.Group(n % 3)
			r.Channel = riskd.Channel(n % 2)
			r.ClearsWith = nil
			switch n {
			case 4:
				r.Nats, r.Invariant = 0, rapid.Bool().Draw(t, "invariant")
			case 5:
				r.Nats, r.Code = 0, "stale"
			case 6:
				r.Nats = -r.Nats
			}
			r.Rule.Code = r.Code
			events[i] = append(events[i], r)
		}
	}
	return events
}

type judging interface {
	scoring.Policy
	base() *policy
}

func (p *policy) base() *policy { return p }

// Whatever the policy is like: without a set that is told of it answers allow,
// without any part of it it doesn't; and all sets are told of.
func TestCounterfactualHolds(t *testing.T) {
	t.Parallel()
	found := map[int]int{} // sets by size
	rapid.Check(t, func(rt *rapid.T) {
		b := engine(t)
		var p judging = &stern{policy: *b.policy}
		if rapid.Bool().Draw(rt, "odd") {
			p = &odd{*b.policy, rapid.Uint64().Draw(rt, "seed"), rapid.Uint64Range(2, 40).Draw(rt, "permit")}
		}
		for g := range p.Info().Tuning.GroupCap {
			p.Info().Tuning.GroupCap[g] = riskd.Bounds{Min: -3, Max: 8}
		}
		b.use = p
		events := drawnEvents(rt)
		var k riskd.KeptDecision
		for _, reasons := range events {
			p.base().reasons = reasons
			b.now = b.now.Add(5 * time.Minute)
			b.decide(nil)
			k = b.record.Keep()
		}
		x := scoring.Explain(t.Context(), &k, p)
		checkSums(rt, &x)
		c := x.Counterfactual
		if k.Outcome == riskd.Allow {
			if c != nil {
				rt.Fatalf("an allow has the counterfactual %+v", c)
			}
			return
		}
		if k.Source != riskd.SourceFresh || k.Weighing.Answer == riskd.Allow {
			if len(c.Sets) > 0 || c.None == "" || c.Why == "" {
				rt.Fatalf("%s by %s has the counterfactual %+v", k.Outcome, k.Source, c)
			}
			return
		}
		sets := c.Sets
		if k.Weighing.Hold != riskd.HoldNone {
			if len(c.Sets) > 0 || c.None != k.Weighing.Hold.String() {
				rt.Fatalf("a held session has the counterfactual %+v", c)
			}
			sets = c.Policy
		}
		codes := codesAgainst(&k)
		var minimal [][]string
		for _, set := range subsets(codes) {
			if without(t, p, &k, set) == riskd.Allow && !slices.ContainsFunc(minimal, func(m []string) bool { return contains(set, m) }) {
				minimal = append(minimal, set)
			}
		}
		if !c.Complete && len(sets) < scoring.MaxSets {
			rt.Fatalf("the search is incomplete with %d sets", len(sets))
		}
		if c.Complete && len(sets) != len(minimal) {
			rt.Fatalf("found %v, want %v", sets, minimal)
		}
		for _, set := range sets {
			found[len(set)]++
			if !slices.ContainsFunc(minimal, func(m []string) bool { return contains(set, m) && contains(m, set) }) {
				rt.Fatalf("%v is none of the minimal sets %v", set, minimal)
			}
		}
	})
	if found[1] == 0 || found[2] == 0 {
		t.Errorf("sets by their size: %v; the test has seen too little", found)
	}
}

// without weighs again in its own way: by a fresh engine that gets the same sums
// and the event without the reasons.
func without(t *testing.T, p judging, k *riskd.KeptDecision, codes []string) riskd.Outcome {
	t.Helper()
	b := engine(t)
	left := func(code string) bool { return !slices.Contains(codes, code) }
	b.decide(nil)
	b.store.Update(&riskd.Event{Session: riskd.EventSession{ID: riskd.SessionID{7}}}, k.At, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.Identity, in.Behaviour = riskd.Sum{At: k.At}, riskd.Sum{At: k.At}
		for channel, sum := range []*riskd.Sum{&in.Identity, &in.Behaviour} {
			for _, o := range k.Weighing.Before[channel] {
				if left(o.Code) {
					sum.Open = append(sum.Open, o)
				}
			}
		}
		return riskd.Lesson{}
	})
	b.use = p
	kept := p.base().reasons
	p.base().reasons = nil
	for _, r := range kept {
		if left(r.Code) {
			p.base().reasons = append(p.base().reasons, r)
		}
	}
	b.now = k.At.Add(-time.Second)
	b.decide(nil)
	p.base().reasons = kept
	return b.record.Weighing.Answer
}

func codesAgainst(k *riskd.KeptDecision) []string {
	var codes []string
	for _, r := range slices.Concat(k.Weighing.Open, k.Weighing.Request) {
		if !slices.Contains(codes, r.Code) && r.Nats >= 0 {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// subsets are all, the smaller ones first.
func subsets(codes []string) [][]string {
	var all [][]string
	for set := 1; set < 1<<len(codes); set++ {
		var one []string
		for i, c := range codes {
			if set&(1<<i) != 0 {
				one = append(one, c)
			}
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b []string) int { return len(a) - len(b) })
	return all
}

func contains(set, part []string) bool {
	return !slices.ContainsFunc(part, func(c string) bool { return !slices.Contains(set, c) })
}

// checkSums holds what is told of nats and points to what was decided.
func checkSums(t *rapid.T, x *riskd.Explanation) {
	t.Helper()
	const exact = 1e-9
	near := func(what string, got, want, by float64) {
		if math.Abs(got-want) > by {
			t.Fatalf("%s is %g, want %g: %+v", what, got, want, x.Reasons)
		}
	}
	points, sums := 0, [2]float64{}
	for i := range x.Reasons {
		r := &x.Reasons[i]
		points += r.Points
		sums[r.Channel] += r.Nats
		if r.Found-r.GroupCap >= 0 {
			near("what is left of "+r.Code, r.Before+r.Found-r.GroupCap-r.Taken, r.Nats, exact)
		}
		if r.Taken < -exact || r.Found > 0 && r.GroupCap < -exact {
			t.Fatalf("%s has got something from a cap: %+v", r.Code, r)
		}
		if r.Fired && !r.FiredAt.Equal(x.At) {
			t.Fatalf("%s fired at %s, not at %s", r.Code, r.FiredAt, x.At)
		}
	}
	if x.Source != riskd.SourceFresh {
		return
	}
	if points != x.Score && points != 0 {
		t.Fatalf("points add up to %d, the score is %d", points, x.Score)
	}
	near("the identity channel", sums[0], x.Nats.Identity, exact)
	near("the behaviour channel", sums[1], x.Nats.Behaviour, exact)
	for _, s := range x.Sums {
		near("the sum", s.Nats, sums[s.Channel], exact)
		near("the way to the sum", s.Before+s.Added-s.Relief-s.Capped, s.Nats, 0.01*float64(len(x.Reasons)))
	}
	if len(x.Alarms) != 2 {
		t.Fatalf("%d alarms", len(x.Alarms))
	}
	near("the score", max(x.Alarms[0].Score, x.Alarms[1].Score), x.Weighing.Score, exact)
}

// What isn't the policy's doing has no counterfactual, and says why.
func TestNoReasonStandsInTheWay(t *testing.T) {
	t.Parallel()
	risky := []riskd.Reason{evidence("new_country", 7)}
	tests := map[string]struct {
		play func(b *bench, p *stern) // the last decision is explained
		none string
		why  string
	}{
		"revoked": {func(b *bench, p *stern) {
			_, _ = b.store.Impose(context.Background(), "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now.Add(time.Hour), Reason: "stolen", Actor: "soc"})
			b.decide(nil)
		}, scoring.NoneRevoked, "by soc: stolen"},
		"suspended": {func(b *bench, p *stern) {
			b.decide(nil)
			_, _ = b.store.Impose(context.Background(), "", riskd.Epoch{Effect: riskd.EffectSuspend, Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now, Reason: "odd"})
			b.decide(nil)
		}, scoring.NoneSuspended, "only an order to resume"},
		"expired": {func(b *bench, p *stern) {
			p.info.Tuning.Timeouts = []riskd.Timeout{{Limits: riskd.Limits{Idle: time.Minute}}}
			b.decide(nil)
			b.now = b.now.Add(time.Hour)
			b.decide(nil)
		}, scoring.NoneExpired, "no activity"},
		"failed": {func(b *bench, p *stern) {
			p.reasonsErr = coded{fmt.Errorf("too slow")}
			b.decide(class(riskd.ClassSensitive))
		}, scoring.NoneFailed, "policy_timeout"},
		"pending": {func(b *bench, p *stern) {
			p.reasons = risky
			b.decide(nil)
			p.reasons = nil
			b.now = b.now.Add(24 * time.Hour) // the evidence is gone
			b.decide(nil)
		}, "step_up_pending", "waits for its proof"},
		"pending, and risky": {func(b *bench, p *stern) {
			p.reasons = risky
			b.decide(nil)
			b.decide(nil)
		}, "step_up_pending", "waits for its proof"},
		"ordered": {func(b *bench, p *stern) {
			b.decide(nil)
			_, _ = b.store.Impose(context.Background(), "", riskd.Epoch{Effect: riskd.EffectStepUp, Target: riskd.Target{Kind: riskd.TargetUser, ID: "ada"}, At: b.now})
			b.decide(nil)
		}, "step_up_ordered", "was ordered"},
		"tried in vain": {func(b *bench, p *stern) {
			p.info.Tuning.Challenge.Attempts, p.info.Tuning.Challenge.Exhausted = 1, riskd.EffectRevoke
			p.reasons, p.demand = risky, riskd.Demand{AMR: []string{"hwk"}}
			b.decide(nil)
			p.reasons = nil
			b.decide(func(e *riskd.Event) { e.Session.AuthTime, e.Session.AMR = b.now, []string{"pwd"} })
		}, "step_up_exhausted", "failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := engine(t)
			p := &stern{policy: *b.policy}
			b.use = p
			test.play(b, p)
			k := b.record.Keep()
			x := scoring.Explain(t.Context(), &k, p)
			c := x.Counterfactual
			if k.Outcome == riskd.Allow || c == nil || c.None != test.none || !strings.Contains(c.Why, test.why) || len(c.Sets) > 0 {
				t.Fatalf("%s by %s: %+v", k.Outcome, k.Source, c)
			}
			if name == "pending, and risky" && fmt.Sprint(c.Policy) != "[[new_country]]" {
				t.Errorf("the policy alone would want %v", c.Policy)
			}
		})
	}
}

// What a policy answers by itself, or can't say again, isn't put down to reasons.
func TestCounterfactualIsHonest(t *testing.T) {
	t.Parallel()
	risky := []riskd.Reason{evidence("a", 7), evidence("b", 7)}
	always := judge(func(*riskd.Case) riskd.Outcome { return riskd.Revoke })
	fickle := func() judge {
		asked := 0
		return func(*riskd.Case) riskd.Outcome { asked++; return riskd.StepUpNeeded + riskd.Outcome(asked/2) }
	}
	strict := judge(func(c *riskd.Case) riskd.Outcome {
		if len(c.Reasons) == 0 {
			return riskd.Allow
		}
		return riskd.StepUpNeeded
	})
	var many []riskd.Reason
	for i := range scoring.MaxSearched + 1 {
		many = append(many, evidence(string(rune('a'+i)), 0.5))
	}
	tests := map[string]struct {
		judge    judge
		reasons  []riskd.Reason
		change   func(k *riskd.KeptDecision)
		none     string
		why      string
		complete bool
	}{
		"the policy doesn't look at reasons": {always, risky, nil, scoring.NoneByReasons, "without all of them it is revoke", true},
		"it answers otherwise":               {fickle(), risky, nil, scoring.NoneUnreproduced, "answers revoke", false},
		"another revision":                   {strict, risky, func(k *riskd.KeptDecision) { k.Revision = "r0" }, scoring.NoneGone, "revision r0", true},
		"too many":                           {strict, many, nil, scoring.NoneAmongSearched, "12 weightiest", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := engine(t)
			p := &asked{policy: *b.policy, judge: test.judge}
			p.reasons, b.use = test.reasons, p
			b.decide(nil)
			k := b.record.Keep()
			if test.change != nil {
				test.change(&k)
			}
			x := scoring.Explain(t.Context(), &k, p)
			c := x.Counterfactual
			if c.None != test.none || !strings.Contains(c.Why, test.why) || len(c.Sets) > 0 || c.Complete != test.complete {
				t.Errorf("got %+v", c)
			}
			if (x.Explained == "") != (test.none == scoring.NoneGone) || len(x.Reasons) != len(test.reasons) {
				t.Errorf("explained with %q: %+v", x.Explained, x.Reasons)
			}
		})
	}
}

// A search ends with its context, and says so.
func TestSearchEnds(t *testing.T) {
	t.Parallel()
	b := engine(t)
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	p := &asked{policy: *b.policy, judge: func(*riskd.Case) riskd.Outcome {
		if n++; n == 3 { // decided, asked again, and without the first
			cancel()
		}
		return riskd.StepUpNeeded
	}}
	p.reasons, b.use = []riskd.Reason{evidence("a", 7), evidence("b", 7)}, p
	b.decide(nil)
	k := b.record.Keep()
	for _, asked := range []int{2, 1} { // the second time it begins too late
		if c := scoring.Explain(ctx, &k, p).Counterfactual; c.None != scoring.NoneUnfinished || c.Complete || c.Asked != asked {
			t.Errorf("got %+v", c)
		}
	}
}

type judge func(*riskd.Case) riskd.Outcome

// asked is a policy that a function answers for.
type asked struct {
	policy
	judge judge
}

func (p *asked) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	return riskd.Judgement{Outcome: p.judge(c)}, ctx.Err()
}

// The policy is asked about the case as it was, whatever has happened since.
func TestCaseIsAskedAboutAsItWas(t *testing.T) {
	t.Parallel()
	b := engine(t)
	var seen []string
	p := &asked{policy: *b.policy, judge: func(c *riskd.Case) riskd.Outcome {
		seen = append(seen, fmt.Sprint(
			c.Event.User, c.Event.Client.IP, c.Session.Requests, c.Session.StepUp != nil, c.Session.Status, c.Session.AuthTime,
			c.Profile.Sessions, c.Profile.Prompts, len(c.Readings), c.Now,
		))
		return riskd.StepUpNeeded
	}}
	p.reasons, b.use = []riskd.Reason{evidence("a", 7)}, p
	e := validEvent()
	b.Decide(t.Context(), &e, b.now)
	k := b.record.Keep()
	e.User.ID, e.Client.IP = "eve", e.Client.IP.Next()
	for range 3 {
		b.decide(func(e *riskd.Event) { e.Session.AuthTime = b.now })
	}
	seen = seen[:1]
	if c := scoring.Explain(t.Context(), &k, p).Counterfactual; c.Asked < 2 {
		t.Fatalf("got %+v", c)
	}
	for _, s := range seen[1:] {
		if s != seen[0] {
			t.Errorf("judged\n%s\nasked again about\n%s", seen[0], s)
		}
	}
}

// A reason's age and what it stood at survive later events, until it is given anew.
func TestReasonsHaveAnAge(t *testing.T) {
	t.Parallel()
	b := engine(t)
	first := b.now.Add(time.Second)
	b.policy.reasons = []riskd.Reason{evidence("a", 4)}
	b.decide(nil)
	b.policy.reasons = nil
	b.now = b.now.Add(4*time.Hour - time.Second)
	b.decide(nil)
	k := b.record.Keep()
	x := scoring.Explain(t.Context(), &k, b.policy)
	if len(x.Reasons) != 1 {
		t.Fatalf("reasons are %+v", x.Reasons)
	}
	if r := x.Reasons[0]; r.Fired || !r.FiredAt.Equal(first) || r.FiredNats != 4 || r.Before != 2 || r.Nats != 2 || r.HalfLife != 4*time.Hour || r.Reading != nil {
		t.Errorf("after a half-life it is %+v", r)
	}
	if x.Counterfactual != nil || x.Explained != "r1" {
		t.Errorf("an allow is explained as %+v", x)
	}
	b.policy.reasons = []riskd.Reason{evidence("a", 4)}
	b.decide(nil)
	k = b.record.Keep()
	r := scoring.Explain(t.Context(), &k, b.policy).Reasons[0]
	if left := r.Before + 4; !r.Fired || !r.FiredAt.Equal(b.now) || r.FiredNats != left || r.Nats != left || r.Before > 2 {
		t.Errorf("given again it is %+v", r)
	}
}

// Caps and relief are told of, and add up.
func TestCapsAreTold(t *testing.T) {
	t.Parallel()
	b := engine(t)
	b.policy.info.Tuning.GroupCap[riskd.GroupNetwork].Max = 6
	b.policy.info.Tuning.Cap[riskd.ChannelIdentity] = 8
	relief, other := evidence("trust", -1), evidence("agent", 5)
	relief.Group, other.Group = riskd.GroupDevice, riskd.GroupToken
	b.policy.reasons = []riskd.Reason{evidence("country", 8), evidence("speed", 4), relief, other}
	b.decide(nil)
	k := b.record.Keep()
	x := scoring.Explain(t.Context(), &k, b.policy)
	var got []string
	for _, r := range x.Reasons {
		got = append(got, fmt.Sprintf("%s %.1f -%.1f -%.1f = %.1f", r.Code, r.Found, r.GroupCap, r.Taken, r.Nats))
	}
	// Of 6 + 5, relief takes 1 and the channel's cap 2.
	want := []string{"agent 5.0 -0.0 -1.4 = 3.6", "country 8.0 -4.0 -1.1 = 2.9", "speed 4.0 -2.0 -0.5 = 1.5", "trust -1.0 -0.0 -0.0 = 0.0"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if s := x.Sums[0]; s.Before != 0 || s.Added != 11 || s.Relief != 1 || s.Capped != 2 || math.Abs(s.Nats-8) > 1e-9 || s.Cap != 8 {
		t.Errorf("the sum is %+v", s)
	}
	if a := x.Alarms[1]; a.Nats != 10 || a.StepUp != 6 || a.Revoke != 10 || a.Score != 85 || !a.Decided || x.Alarms[0].Decided {
		t.Errorf("the alarms are %+v", x.Alarms)
	}
}

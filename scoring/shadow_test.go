package scoring_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

func (b *bench) try(t testing.TB, c scoring.Candidate) *scoring.Shadows {
	t.Helper()
	if b.Shadows == nil {
		b.Shadows = scoring.NewShadows(scoring.ShadowOptions{})
		t.Cleanup(b.Shadows.Close)
	}
	c.Name, c.Rate, c.Expires = cmp.Or(c.Name, "next"), cmp.Or(c.Rate, 1), b.now.Add(24*time.Hour)
	if err := b.Shadows.Add(c, b.now); err != nil {
		t.Fatal(err)
	}
	return b.Shadows
}

func (b *bench) report(t testing.TB) riskd.ShadowReport {
	t.Helper()
	r, ok := b.Shadows.Report("next", b.now)
	if !ok {
		t.Fatal("the candidate is gone")
	}
	return r
}

func candidate(outcome riskd.Outcome, reasons ...riskd.Reason) *policy {
	return &policy{
		answer: riskd.Judgement{Outcome: outcome}, reasons: reasons,
		info: riskd.Pack{Name: "test", Revision: "r2", Tuning: tuning()},
	}
}

// All scenarios, with real packs, beside candidates that judge otherwise, read
// other signals, panic and fail: but for shadow, no byte of an answer, nothing of
// a session and nothing of a record is another one.
func TestShadowsChangeNothing(t *testing.T) {
	t.Parallel()
	lean := compile(t, `{"roles": {}}`)
	strict := compile(t, `{"score": {"step_up_nats": 1, "revoke_nats": 2}}`)
	blind := *strict.Info()
	blind.Reads = map[string]bool{"new_country": true}
	// Every other event is judged by a pack that reads nearly nothing, so that what
	// the candidates measure beside it would show in the next one's readings.
	var live scoring.Policy
	alone, watched := newHouse(t, nil), newHouse(t, nil)
	alone.Policy = func() scoring.Policy { return live }
	watched.Policy = alone.Policy
	watched.try(t, scoring.Candidate{Name: "strict", Policy: strict, Rate: 1, Inline: true})
	watched.try(t, scoring.Candidate{Name: "aside", Policy: strict, Rate: 1})
	watched.try(t, scoring.Candidate{Name: "half", Policy: strict, Rate: 0.5, Inline: true})
	watched.try(t, scoring.Candidate{Name: "panics", Policy: panicking{strict}, Rate: 1, Inline: true})
	watched.try(t, scoring.Candidate{Name: "fails", Policy: failing{strict}, Rate: 1, Inline: true})
	var said [riskd.Revoke + 1]int
	for i, e := range scenarioEvents(t) {
		if live = lean; i%2 == 0 {
			live = reader{lean, &blind}
		}
		one, two := *e, *e
		d1, d2 := alone.Decide(t.Context(), &one, e.Time), watched.Decide(t.Context(), &two, e.Time)
		for _, s := range d2.Shadow {
			said[s.Outcome]++
		}
		d2.Shadow = nil
		if a, b := api.AppendDecision(nil, &d1), api.AppendDecision(nil, &d2); string(a) != string(b) {
			t.Fatalf("event %d: answer\n%s\nbecomes\n%s", i, a, b)
		}
		s1, _ := alone.store.Session(e.Session.ID)
		s2, _ := watched.store.Session(e.Session.ID)
		if !reflect.DeepEqual(s1, s2) {
			t.Fatalf("event %d: session\n%+v\nbecomes\n%+v", i, s1, s2)
		}
		r1, r2 := alone.record, watched.record
		if !reflect.DeepEqual(r1.Moments, r2.Moments) || !reflect.DeepEqual(r1.Readings, r2.Readings) || r1.Nats != r2.Nats {
			t.Fatalf("event %d: record\n%+v\nbecomes\n%+v", i, r1, r2)
		}
	}
	if said[riskd.Revoke] == 0 || said[riskd.StepUpNeeded] == 0 {
		t.Errorf("candidates said %v", said)
	}
}

// reader is a pack that says it reads less than it does.
type reader struct {
	*policies.Pack
	info *riskd.Pack
}

func (r reader) Info() *riskd.Pack { return r.info }

func (r reader) Reasons(context.Context, *riskd.Case) ([]riskd.Reason, error) { return nil, nil }

type panicking struct{ *policies.Pack }

func (panicking) Reasons(context.Context, *riskd.Case) ([]riskd.Reason, error) { panic("on purpose") }

type failing struct{ *policies.Pack }

func (failing) Judge(context.Context, *riskd.Case) (riskd.Judgement, error) {
	return riskd.Judgement{Outcome: riskd.Revoke}, coded{errors.New("too slow")}
}

func compile(t testing.TB, overlay string) *policies.Pack {
	t.Helper()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions(), Overlay: []byte(overlay)})
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

type realHouse struct {
	*scoring.Engine
	store   *sessions.Store
	shadows *scoring.Shadows
	record  riskd.Record
	started time.Time
}

func newHouse(t testing.TB, p scoring.Policy) *realHouse {
	t.Helper()
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locator.Close)
	h := &realHouse{shadows: scoring.NewShadows(scoring.ShadowOptions{}), started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	t.Cleanup(h.shadows.Close)
	if h.store, err = sessions.New(sessions.Options{}); err != nil {
		t.Fatal(err)
	}
	ids := 0
	h.Engine, err = scoring.New(scoring.Options{
		Memory: h.store, Locator: locator, Policy: func() scoring.Policy { return p }, Shadows: h.shadows,
		NewID:  func() string { ids++; return fmt.Sprint(ids) },
		Record: func(r *riskd.Record) { h.record = *r }, Deadline: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *realHouse) try(t testing.TB, c scoring.Candidate) {
	t.Helper()
	c.Expires = h.started.Add(100 * 365 * 24 * time.Hour)
	if err := h.shadows.Add(c, h.started); err != nil {
		t.Fatal(err)
	}
}

// scenarioEvents are the events of all scenarios.
func scenarioEvents(t testing.TB) (events []*riskd.Event) {
	t.Helper()
	all, err := fixtures.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	key, err := riskd.NewSessionKey(make([]byte, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		for _, line := range all[i].Events {
			_, document, err := fixtures.SplitLine(line)
			if err != nil {
				t.Fatal(err)
			}
			e, err := api.DecodeTraceEvent(document, key)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, e)
		}
	}
	return events
}

// A candidate gathers evidence of its own: what the policy in force makes of the
// session is none of its business.
func TestShadowKeepsItsOwnEvidence(t *testing.T) { synctest.Test(t, shadowKeepsItsOwnEvidence) } // no machine is too slow

func shadowKeepsItsOwnEvidence(t *testing.T) {
	b := engine(t)
	c := candidate(riskd.Allow, evidence("theirs", 3))
	b.policy.reasons = []riskd.Reason{evidence("ours", 1)}
	b.try(t, scoring.Candidate{Policy: c, Inline: true})
	for range 4 {
		b.decide(nil)
	}
	if n := c.seen.Nats.Identity; n < 11.9 || n > 12 {
		t.Errorf("the candidate has %.2f nats; four times 3, less what has leaked, are 12", n)
	}
	if n := b.policy.seen.Nats.Identity; n > 4 {
		t.Errorf("the policy in force has %.2f nats", n)
	}
	if codes := reasonsOf(c.seen.Reasons); !slices.Equal(codes, []string{"theirs"}) {
		t.Errorf("the candidate judges %v", codes)
	}
}

func reasonsOf(reasons []riskd.Reason) (codes []string) {
	for i := range reasons {
		codes = append(codes, reasons[i].Code)
	}
	return codes
}

// A session that is met in the middle begins where the policy in force stands, and
// a proof clears what it clears under both.
func TestShadowBeginsWithLiveEvidence(t *testing.T) { synctest.Test(t, shadowBeginsWithLiveEvidence) } // no machine is too slow

func shadowBeginsWithLiveEvidence(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("ours", 4)}
	b.decide(nil)
	b.decide(nil)
	c := candidate(riskd.Allow)
	b.try(t, scoring.Candidate{Policy: c, Inline: true})
	b.decide(nil)
	if n := c.seen.Nats.Identity; n < 7.9 || n > 8 {
		t.Errorf("the candidate begins with %.2f nats; the two events before make 8", n)
	}
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded}
	b.decide(nil)
	b.policy.answer = riskd.Judgement{Outcome: riskd.Allow}
	b.decide(func(e *riskd.Event) { e.Session.AuthTime = b.now.Add(time.Second) })
	if n := c.seen.Nats.Identity; n != 0 {
		t.Errorf("after a proof the candidate has %.2f nats", n)
	}
}

func TestShadowReport(t *testing.T) { synctest.Test(t, shadowReport) } // no machine is too slow

func shadowReport(t *testing.T) {
	b := engine(t)
	c := candidate(riskd.Revoke, evidence("theirs", 2))
	b.try(t, scoring.Candidate{Policy: c, Inline: true, Budget: 0.5})
	d := b.decide(nil)
	if want := []riskd.Shadow{{Pack: "test", Revision: "r2", Outcome: riskd.Revoke, Score: 20}}; !reflect.DeepEqual(d.Shadow, want) {
		t.Errorf("the answer tells %+v, want %+v", d.Shadow, want)
	}
	c.answer.Outcome = riskd.Allow
	b.decide(nil)
	c.judgeErr = coded{errors.New("too slow")}
	if d := b.decide(nil); len(d.Shadow) > 0 || d.Outcome != riskd.Allow {
		t.Errorf("a candidate that fails: %+v", d)
	}
	r := b.report(t)
	if r.Decisions != 2 || r.Differing != 1 || r.Sessions != 1 || r.Affected != 1 ||
		r.Matrix.At(riskd.Allow, riskd.Revoke) != 1 || r.Matrix.At(riskd.Allow, riskd.Allow) != 1 || r.Errors["policy_timeout"] != 1 {
		t.Errorf("report %+v", r)
	}
	want := riskd.Disagreement{
		Session: riskd.SessionID{7}, Decision: d.ID, Time: d.At,
		Live: riskd.Opinion{Outcome: riskd.Allow}, Shadow: riskd.Opinion{Outcome: riskd.Revoke, Score: 20, Reasons: []string{"theirs"}},
	}
	if len(r.Examples) != 1 || !reflect.DeepEqual(r.Examples[0], want) {
		t.Errorf("examples %+v\nwant %+v", r.Examples, want)
	}
	refused := strings.Join(r.Refused, "; ")
	for _, reason := range []string{"it has judged 2 decisions", "1 sessions", "disagrees on 50.00 % of decisions; its budget is 50.00 %", "no answer on 1 events"} {
		if !strings.Contains(refused, reason) {
			t.Errorf("refused because %s; not because %s", refused, reason)
		}
	}
	// What was counted beside another revision says nothing of this one.
	other := *b.policy
	other.info.Revision, c.judgeErr = "r3", nil
	b.policy = &other
	b.decide(nil)
	if r := b.report(t); r.Decisions != 1 || r.Differing != 0 || len(r.Examples) > 0 || r.LiveRevision != "r3" {
		t.Errorf("beside another revision: %+v", r)
	}
}

func TestShadowMayBePromoted(t *testing.T) { synctest.Test(t, shadowMayBePromoted) } // no machine is too slow

func shadowMayBePromoted(t *testing.T) {
	b := engine(t)
	b.try(t, scoring.Candidate{Policy: candidate(riskd.Allow), Inline: true})
	for i := range 1000 {
		b.decide(func(e *riskd.Event) { e.Session.ID = sessionID(i % 20) })
	}
	if r := b.report(t); len(r.Refused) > 0 || r.Sessions != 20 || r.Decisions != 1000 {
		t.Errorf("refused because %v: %+v", r.Refused, r)
	}
	b.now = b.now.Add(25 * time.Hour)
	b.decide(nil)
	if r := b.report(t); !r.Over || r.Decisions != 1000 {
		t.Errorf("after its end: over %v, %d decisions", r.Over, r.Decisions)
	}
}

// Those that are judged aside say nothing in the answer, and are counted.
func TestShadowAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t)
		c := candidate(riskd.StepUpNeeded)
		b.try(t, scoring.Candidate{Policy: c})
		for range 3 {
			if d := b.decide(nil); len(d.Shadow) > 0 {
				t.Errorf("the answer tells %+v", d.Shadow)
			}
		}
		synctest.Wait()
		if r := b.report(t); r.Matrix.At(riskd.Allow, riskd.StepUpNeeded) != 3 || r.Inline {
			t.Errorf("report %+v", r)
		}
		gate := make(chan struct{})
		slow := &stalling{policy: c, gate: gate}
		b.Shadows.Remove("next")
		b.try(t, scoring.Candidate{Policy: slow})
		for range 300 {
			b.decide(nil)
		}
		close(gate)
		synctest.Wait()
		r := b.report(t)
		if r.Dropped == 0 || r.Dropped+r.Decisions != 300 {
			t.Errorf("of 300 events %d were judged and %d dropped", r.Decisions, r.Dropped)
		}
	})
}

// stalling answers when its gate is open.
type stalling struct {
	*policy
	gate chan struct{}
}

func (s *stalling) Reasons(context.Context, *riskd.Case) ([]riskd.Reason, error) {
	<-s.gate
	return nil, nil
}

// late answers when its time is over.
type late struct{ *policy }

func (l late) Reasons(ctx context.Context, _ *riskd.Case) ([]riskd.Reason, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// However many candidates are slow, an answer waits a millisecond for all of them,
// and only until it is known of each.
func TestSlowShadowsGoAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := engine(t)
		for i := range 4 {
			b.try(t, scoring.Candidate{Name: fmt.Sprint("slow", i), Policy: late{candidate(riskd.Allow)}, Inline: true})
		}
		var waited time.Duration
		for range 20 {
			started := time.Now()
			b.decide(nil)
			took := time.Since(started)
			if took > time.Millisecond {
				t.Fatalf("a decision took %s", took)
			}
			waited += took
		}
		if waited > 12*time.Millisecond {
			t.Errorf("20 decisions waited %s for candidates that are known to be slow", waited)
		}
		for range 3 {
			<-time.After(time.Hour) // until it has been judged aside
			b.decide(nil)
		}
		if r := b.Shadows.Reports(b.now)[0]; r.Inline {
			t.Errorf("%s is still asked before the answer", r.Name)
		}
	})
}

func TestShadowsSampleSessions(t *testing.T) { synctest.Test(t, shadowsSampleSessions) } // no machine is too slow

func shadowsSampleSessions(t *testing.T) {
	b := engine(t)
	c := candidate(riskd.Allow)
	b.try(t, scoring.Candidate{Policy: c, Inline: true, Rate: 0.25})
	in := 0
	for i := range 800 {
		n := 0
		for range 2 {
			d := b.decide(func(e *riskd.Event) { e.Session.ID = sessionID(i) })
			n += len(d.Shadow)
		}
		if n == 1 {
			t.Fatal("a session is in for one event, and out for another")
		}
		in += n / 2
	}
	if in < 145 || in > 255 { // 4.5 standard deviations
		t.Errorf("%d of 800 sessions are sampled at a rate of 0.25", in)
	}
}

func TestCandidatesAreChecked(t *testing.T) {
	b := engine(t)
	good := scoring.Candidate{Name: "next", Policy: b.policy, Rate: 1, Expires: b.now.Add(time.Hour)}
	for want, change := range map[string]func(*scoring.Candidate){
		"name: must be 1 to 64 letters, digits, dots, hyphens and underscores": func(c *scoring.Candidate) { c.Name = "a b" },
		"pack: is required":                            func(c *scoring.Candidate) { c.Policy = nil },
		"sample_rate: must be above 0, up to 1":        func(c *scoring.Candidate) { c.Rate = 1.1 },
		"disagreement_budget: must be 0 to below 1":    func(c *scoring.Candidate) { c.Budget = 1 },
		"expires: must be ahead of now":                func(c *scoring.Candidate) { c.Expires = b.now },
		"a candidate of that name is on trial already": func(*scoring.Candidate) {},
	} {
		s := scoring.NewShadows(scoring.ShadowOptions{})
		defer s.Close()
		if err := s.Add(good, b.now); err != nil {
			t.Fatal(err)
		}
		bad := good
		if bad.Name = "other"; strings.HasPrefix(want, "a candidate") {
			bad.Name = "next"
		}
		change(&bad)
		if err := s.Add(bad, b.now); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	s := scoring.NewShadows(scoring.ShadowOptions{})
	defer s.Close()
	for i := range scoring.MaxShadows + 1 {
		good.Name = fmt.Sprint("c", i)
		if err := s.Add(good, b.now); i == scoring.MaxShadows != errors.Is(err, riskd.ErrTooManyShadows) {
			t.Errorf("candidate %d: %v", i, err)
		}
	}
	if s.Remove("nobody") || !s.Remove("c0") || len(s.Reports(b.now)) != scoring.MaxShadows-1 {
		t.Error("removing")
	}
}

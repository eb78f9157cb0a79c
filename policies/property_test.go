package policies_test

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
	"pgregory.net/rapid"
)

// Whatever comes, a pack answers or says with one of its codes why it doesn't;
// an answer is always an outcome, reasons are in order, bounded and explained.
func TestAnyCase(t *testing.T) {
	t.Parallel()
	catalogue := signals.Descriptions()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: catalogue})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t, len(catalogue))
		reasons, err := pack.Reasons(t.Context(), c)
		if err != nil {
			wantOneOfOurs(t, err)
		}
		if !slices.IsSortedFunc(reasons, func(a, b riskd.Reason) int { return compareCodes(a.Code, b.Code) }) {
			t.Fatalf("reasons aren't in order: %v", reasons)
		}
		for _, r := range reasons {
			if r.Rule == nil || math.IsNaN(r.Nats) || math.Abs(r.Nats) > 1000 || r.Invariant && r.Nats != 0 {
				t.Fatalf("reason %+v", r)
			}
		}
		c.Reasons = append(c.Reasons, reasons...)
		judgement, err := pack.Judge(t.Context(), c)
		switch {
		case err != nil:
			wantOneOfOurs(t, err)
			if judgement.Outcome != riskd.NoOutcome {
				t.Fatalf("an error and %+v", judgement)
			}
		case judgement.Outcome == riskd.NoOutcome:
			t.Fatal("no error and no outcome")
		case judgement.Outcome == riskd.Allow && !(c.Score < riskd.StepUpScore):
			t.Fatalf("a score of %v is allowed", c.Score)
		}
	})
}

func compareCodes(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func wantOneOfOurs(t *rapid.T, err error) {
	var e *policies.Error
	codes := []string{
		policies.CodeUndefined, policies.CodeConflict, policies.CodeError,
		policies.CodeTimeout, policies.CodeBusy, policies.CodeInvalid,
	}
	if !errors.As(err, &e) || !slices.Contains(codes, e.Code) {
		t.Fatalf("error %v", err)
	}
}

func anyCase(t *rapid.T, readings int) *riskd.Case {
	word := rapid.OneOf(rapid.SampledFrom([]string{"", "user", "admin", "mfa", "FR", "dpop"}), rapid.StringN(0, 40, 200))
	words := rapid.SliceOfN(word, 0, 6)
	num := rapid.OneOf(rapid.SampledFrom([]float64{0, 1, -1, 60, 85, math.NaN(), math.Inf(1), math.Inf(-1)}), rapid.Float64())
	now := time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(t, "now"), 0)
	at := func(name string) time.Time {
		if rapid.Bool().Draw(t, name+" known") {
			return now.Add(time.Duration(rapid.Int64().Draw(t, name)))
		}
		return time.Time{}
	}
	c := &riskd.Case{
		Now: now,
		Event: &riskd.Event{
			ID: word.Draw(t, "id"), Tenant: word.Draw(t, "tenant"),
			Session:    riskd.EventSession{AuthTime: at("auth"), ACR: word.Draw(t, "acr"), AMR: words.Draw(t, "amr")},
			User:       riskd.User{ID: word.Draw(t, "user"), Roles: words.Draw(t, "roles")},
			Attributes: rapid.MapOfN(word, word, 0, 4).Draw(t, "own attributes"),
			Device:     riskd.Device{ID: word.Draw(t, "device"), Attributes: rapid.MapOfN(word, word, 0, 4).Draw(t, "attributes")},
			Client:     riskd.Client{IP: netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "ip")}), UserAgent: word.Draw(t, "agent")},
			Privilege:  riskd.Privilege{Level: rapid.IntRange(0, 10).Draw(t, "privilege")},
			Place:      riskd.Place{Country: word.Draw(t, "country"), Network: riskd.NetworkKind(rapid.IntRange(0, 8).Draw(t, "network"))},
			Request:    riskd.Request{Class: riskd.Class(rapid.IntRange(0, 3).Draw(t, "class")), Route: word.Draw(t, "route")},
		},
		Session:    &riskd.Session{Start: at("start"), BeforeLogin: rapid.Bool().Draw(t, "before login")},
		Readings:   make([]riskd.Reading, readings),
		Score:      num.Draw(t, "score"),
		Invariants: words.Draw(t, "invariants"),
	}
	if rapid.Bool().Draw(t, "profile") {
		c.Profile = &riskd.Profile{Sessions: rapid.Uint32().Draw(t, "sessions")}
	}
	for i := range c.Readings {
		r := riskd.Reading{State: riskd.State(rapid.IntRange(0, 2).Draw(t, "state")), Missing: word.Draw(t, "missing")}
		r.Value, r.Nats = num.Draw(t, "value"), num.Draw(t, "nats")
		for j := range r.Details {
			r.Details[j] = riskd.DetailValue{Number: num.Draw(t, "number"), Text: word.Draw(t, "text")}
		}
		c.Readings[i] = r
	}
	return c
}

// On a route where harm can be done, trust in a device takes away no reason and
// no nats, and changes no judgement for the better.
func TestTrustNeverHelpsWhatIsSensitive(t *testing.T) {
	t.Parallel()
	catalogue := signals.Descriptions()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: catalogue})
	if err != nil {
		t.Fatal(err)
	}
	trust := slices.IndexFunc(catalogue, func(s riskd.Signal) bool { return s.Name == "device_trust" })
	rapid.Check(t, func(t *rapid.T) {
		c := anyCase(t, len(catalogue))
		c.Event.Request.Class = rapid.SampledFrom([]riskd.Class{riskd.ClassSensitive, riskd.ClassAdmin}).Draw(t, "high class")
		c.Event.Device.ID, c.Profile = "device", &riskd.Profile{}
		for i := range c.Readings { // as signals measure: never infinite
			c.Readings[i].Nats = float64(rapid.IntRange(-7, 14).Draw(t, "nats"))
		}
		answer := func(value, excused float64) (map[string]float64, riskd.Outcome) {
			c.Readings[trust] = riskd.Reading{State: riskd.Measured, Value: value, Nats: -2 * value, Details: [8]riskd.DetailValue{{Number: excused}}}
			reasons, err := pack.Reasons(t.Context(), c)
			if err != nil {
				t.Skip("the pack has no answer")
			}
			c.Reasons = reasons
			judgement, err := pack.Judge(t.Context(), c)
			if err != nil {
				t.Skip("the pack has no answer")
			}
			nats := map[string]float64{}
			for _, r := range reasons {
				nats[r.Code] = r.Nats
			}
			return nats, judgement.Outcome
		}
		without, unhelped := answer(0, 0)
		c.Profile.Trust[0] = riskd.DeviceTrust{Device: riskd.MarkOf(&c.Event.Device).ID, Until: c.Now.Add(time.Hour)}
		with, helped := answer(1, float64(rapid.IntRange(0, 1).Draw(t, "excused")))
		for code, nats := range without {
			if got, ok := with[code]; !ok || got < nats {
				t.Fatalf("%s: %v nats without trust, %v with it", code, nats, got)
			}
		}
		for code, nats := range with {
			if nats < min(0, without[code]) {
				t.Fatalf("%s: %v nats with trust, %v without", code, nats, without[code])
			}
		}
		if helped < unhelped {
			t.Fatalf("%s without trust, %s with it", unhelped, helped)
		}
	})
}

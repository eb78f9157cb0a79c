package scoring

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/riskd/riskd"
)

func TestScore(t *testing.T) {
	tests := map[string]struct{ nats, want float64 }{
		"nothing":               {0, 0},
		"evidence for him":      {-3, 0},
		"half way":              {5, 30},
		"just under step-up":    {9.999, 59.994},
		"step-up":               {10, 60},
		"between":               {12, 72.5},
		"revoke":                {14, 85},
		"six nats past revoke":  {20, 100},
		"far beyond":            {1e9, 100},
		"three nats past it":    {17, 92.5},
		"a little":              {0.5, 3},
		"the smallest positive": {math.SmallestNonzeroFloat64, 0},
	}
	for name, test := range tests {
		if got := Score(test.nats, 10, 14); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %g nats score %g, want %g", name, test.nats, got, test.want)
		}
	}
}

func TestScoreRisesWithNats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h1 := rapid.Float64Range(0.5, 20).Draw(t, "step_up")
		h2 := h1 + rapid.Float64Range(0.5, 20).Draw(t, "further")
		a := rapid.Float64Range(-10, 60).Draw(t, "a")
		b := a + rapid.Float64Range(0, 10).Draw(t, "more")
		if sa, sb := Score(a, h1, h2), Score(b, h1, h2); sa > sb || sa < 0 || sb > 100 {
			t.Fatalf("%g nats score %g, %g score %g", a, sa, b, sb)
		}
	})
}

func reason(code string, nats float64, g riskd.Group, c riskd.Channel) riskd.Reason {
	return riskd.Reason{Code: code, Nats: nats, Group: g, Channel: c}
}

func drawReasons(t *rapid.T) []riskd.Reason {
	codes := []string{"a", "b", "c", "d", "e", "f"}
	n := rapid.IntRange(0, len(codes)).Draw(t, "reasons")
	var out []riskd.Reason
	for _, code := range codes[:n] {
		out = append(out, reason(code, rapid.Float64Range(-10, 20).Draw(t, code),
			riskd.Group(rapid.IntRange(0, int(riskd.Groups)-1).Draw(t, code+" group")), riskd.Channel(rapid.IntRange(0, 1).Draw(t, code+" channel"))))
	}
	return out
}

var testCaps = [riskd.Groups]riskd.Bounds{
	{Min: -2, Max: 7}, {Min: -2.5, Max: 7}, {Min: 0, Max: 14}, {Min: -1, Max: 5}, {Min: -0.5, Max: 1.5},
}

func TestGroupsAreCapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := drawReasons(t)
		after := append([]riskd.Reason(nil), before...)
		capGroups(after, &testCaps)
		var was, is [riskd.Groups]float64
		for i := range after {
			if before[i].Nats*after[i].Nats < 0 || math.Abs(after[i].Nats) > math.Abs(before[i].Nats)+1e-9 {
				t.Fatalf("the cap turned %g into %g", before[i].Nats, after[i].Nats)
			}
			was[before[i].Group] += before[i].Nats
			is[after[i].Group] += after[i].Nats
		}
		for g, b := range testCaps {
			want := min(max(was[g], b.Min), b.Max)
			if math.Abs(is[g]-want) > 1e-9 {
				t.Fatalf("group %s sums to %g, want %g clamped to %g", riskd.Group(g), is[g], was[g], want)
			}
		}
	})
}

// Whatever comes in, a sum stays within 0 and its cap, and its open reasons are
// positive; time only takes from it; order doesn't matter.
func TestSums(t *testing.T) {
	const limit = 25
	rapid.Check(t, func(t *rapid.T) {
		var s, reversed riskd.Sum
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for step := range rapid.IntRange(1, 12).Draw(t, "steps") {
			before := s.Nats()
			now = now.Add(time.Duration(rapid.IntRange(-60, 3600).Draw(t, "gap")) * time.Second)
			decay(&s, now, time.Hour)
			decay(&reversed, now, time.Hour)
			if s.Nats() > before+1e-9 {
				t.Fatalf("step %d: time raised the sum from %g to %g", step, before, s.Nats())
			}
			reasons := drawReasons(t)
			add(&s, reasons, riskd.ChannelIdentity, limit, time.Time{})
			for i, j := 0, len(reasons)-1; i < j; i, j = i+1, j-1 {
				reasons[i], reasons[j] = reasons[j], reasons[i]
			}
			add(&reversed, reasons, riskd.ChannelIdentity, limit, time.Time{})
			if n := s.Nats(); n < 0 || n > limit+1e-9 {
				t.Fatalf("step %d: the sum is %g", step, n)
			}
			if math.Abs(s.Nats()-reversed.Nats()) > 0.1 { // faded reasons may go at different steps
				t.Fatalf("step %d: the order of reasons matters: %g and %g", step, s.Nats(), reversed.Nats())
			}
			for _, o := range s.Open {
				if o.Nats <= 0 {
					t.Fatalf("step %d: reason %s is open with %g nats", step, o.Code, o.Nats)
				}
			}
		}
	})
}

func TestDecayHalvesPerHalfLife(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := riskd.Sum{At: now}
	add(&s, []riskd.Reason{reason("a", 6, 0, 0), reason("b", 2, 0, 0)}, 0, 25, time.Time{})
	decay(&s, now.Add(4*time.Hour), 4*time.Hour)
	if s.Nats() != 4 || s.Open[0].Nats != 3 {
		t.Fatalf("after a half-life: %+v", s)
	}
	decay(&s, now, 4*time.Hour)
	if s.Nats() != 4 || !s.At.Equal(now.Add(4*time.Hour)) {
		t.Fatalf("a late event changed the sum: %+v", s)
	}
}

func TestDischargeClearsOnlyWhatTheProofClears(t *testing.T) {
	s := riskd.Sum{Open: []riskd.Evidence{
		{Code: "new_country", Nats: 7, ClearsWith: []string{"mfa"}}, {Code: "replay", Nats: 3},
	}}
	discharge(&s, "mfa")
	if len(s.Open) != 1 || s.Open[0].Code != "replay" {
		t.Fatalf("left open: %+v", s.Open)
	}
}

func TestPointsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reasons := drawReasons(t)
		positive := false
		for i := range reasons {
			reasons[i].Nats = math.Abs(reasons[i].Nats)
			positive = positive || reasons[i].Nats > 0
		}
		score := rapid.IntRange(0, 100).Draw(t, "score")
		givePoints(reasons, score, false)
		sum := 0
		for _, r := range reasons {
			sum += r.Points
		}
		if positive && sum != score {
			t.Fatalf("points add up to %d, the score is %d: %+v", sum, score, reasons)
		}
	})
}

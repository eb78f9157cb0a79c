package signals_test

import (
	"math"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestPaceChange(t *testing.T) {
	t.Parallel()
	// Smoothed with 20 pauses of the population's: a median of 19.47 s, σ² = (500 + 20·1.44)/520.
	mean, deviation := (500*math.Log(20)+20*math.Log(10))/520, math.Sqrt((500+20*1.44)/520)
	ratio := func(seconds float64) float64 { return seconds / math.Exp(mean) }
	lambda := func(seconds float64) float64 {
		x := math.Log(seconds)
		a, u := (x-math.Log(4))/0.7, (x-mean)/deviation
		return -a*a/2 - math.Log(0.7) + u*u/2 + math.Log(deviation)
	}
	if l := lambda(8); l < 0.01 || l > 0.34 {
		t.Fatalf("eight seconds are worth %g, which tests no formula", l)
	}
	for name, c := range map[string]struct {
		gap         float64
		value, nats float64
	}{
		"a hurry":              {4, ratio(4), 0.35},
		"rather quick":         {8, ratio(8), lambda(8)},
		"as usual":             {20, ratio(20), 0},
		"slow":                 {300, ratio(300), 0},
		"a call of one page":   {0.5, 0, 0},
		"back from lunch":      {3600, 0, 0},
		"at the same time":     {0, 0, 0},
		"a second is one more": {1, ratio(1), 0.35},
	} {
		w := reader(t).after(time.Duration(c.gap * float64(time.Second)))
		f := w.read("pace_change")
		if f.State != riskd.Measured || !near(f.Value, c.value) || !near(f.Nats, c.nats) {
			t.Errorf("%s: value %g, %.4f nats; want %g, %.4f", name, f.Value, f.Nats, c.value, c.nats)
		}
	}
	w := reader(t).after(4 * time.Second)
	w.Event.Request.Activity = riskd.Background
	want(t, w.read("pace_change"), 0, 0)
	w.Profile.Pace.N = 19
	wantMissing(t, w.read("pace_change"), "history")
}

func TestAHurryAddsUpAndIsTakenBack(t *testing.T) {
	t.Parallel()
	w, sum := reader(t), 0.0
	at := func(gap time.Duration) {
		w.after(gap)
		sum += w.read("pace_change").Nats
		w.goOn(gap)
	}
	for range 30 {
		at(3 * time.Second)
	}
	if sum < 3 || sum > 3.7 { // what fades in between is given again
		t.Errorf("a minute and a half in a hurry comes to %g nats", sum)
	}
	before := sum
	for range 3 {
		at(30 * time.Second)
	}
	if taken := before - sum; taken < 0.8 || taken > 1.21 {
		t.Errorf("three slow requests take back %g nats", taken)
	}
}

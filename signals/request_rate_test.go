package signals_test

import (
	"math"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

const (
	stepUpNats        = 10.0 // of the default pack
	behaviourHalfLife = 8 * time.Minute
)

// pace plays requests, each so long after the last, and adds their nats up as
// the engine does: a sum that loses half in eight minutes.
func pace(w *walk, gaps func(yield func(time.Duration) bool)) (most float64) {
	sum := 0.0
	for gap := range gaps {
		w.Now, w.Gap = w.Now.Add(gap), gap
		sum = sum*math.Exp2(-gap.Seconds()/behaviourHalfLife.Seconds()) + w.read("request_rate").Nats
		most = max(most, sum)
	}
	return most
}

func steady(perSecond int, over time.Duration) func(func(time.Duration) bool) {
	return func(yield func(time.Duration) bool) {
		gap := time.Second / time.Duration(perSecond)
		for t := time.Duration(0); t < over; t += gap {
			if !yield(gap) {
				return
			}
		}
	}
}

func pages(every time.Duration, calls int, within, over time.Duration) func(func(time.Duration) bool) {
	return func(yield func(time.Duration) bool) {
		gap := within / time.Duration(calls)
		for t := time.Duration(0); t < over; t += every {
			for i := range calls {
				if i == 0 && !yield(every-gap*time.Duration(calls-1)) || i > 0 && !yield(gap) {
					return
				}
			}
		}
	}
}

func TestScriptsReachAStepUp(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []int{5, 7, 10, 20, 50, 200} {
		if got := pace(newWalk(t), steady(perSecond, time.Minute)); got < stepUpNats {
			t.Errorf("%d requests a second for a minute come to %.1f nats, want %v", perSecond, got, stepUpNats)
		}
	}
}

func TestPagesDoNotReachAStepUp(t *testing.T) {
	t.Parallel()
	for name, gaps := range map[string]func(func(time.Duration) bool){
		"50 calls at once, once":             pages(time.Minute, 50, 0, time.Minute),
		"50 calls at once, every 10 s":       pages(10*time.Second, 50, 0, time.Hour),
		"50 calls in 2 s, every 10 s":        pages(10*time.Second, 50, 2*time.Second, time.Hour),
		"five pages of 50 calls in 25 s":     pages(5*time.Second, 50, time.Second, 25*time.Second),
		"20 calls in 4 s, every 20 s":        pages(20*time.Second, 20, 4*time.Second, time.Hour),
		"a request a second, for an hour":    steady(1, time.Hour),
		"two requests a second, for an hour": steady(2, time.Hour),
	} {
		if got := pace(newWalk(t), gaps); got >= 1 {
			t.Errorf("%s: %.2f nats, want less than 1", name, got)
		}
	}
}

func TestRequestRateCounts(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	f := w.read("request_rate")
	if f.numbers["rate_per_min"] != 1 || f.numbers["habit_per_min"] != 60 || f.numbers["gap_s"] != 0 || !near(f.Value, 1.0/60) {
		t.Errorf("first: %v, %v", f.Value, f.numbers)
	}
	w.goOn(time.Minute)
	if f = w.read("request_rate"); !near(f.numbers["rate_per_min"], 1+math.Exp(-1)) || f.numbers["gap_s"] != 60 {
		t.Errorf("a minute later: %v", f.numbers)
	}
	w.goOn(50 * time.Millisecond) // a quarter of the clump's gap
	if f = w.read("request_rate"); !near(f.numbers["rate_per_min"], 1.6167) {
		t.Errorf("a call of the same page: %v", f.numbers)
	}
	before := f.numbers["rate_per_min"]
	w.goOn(-time.Hour) // late: neither decays nor resets
	if f = w.read("request_rate"); !near(f.numbers["rate_per_min"], before+0.25) || f.numbers["gap_s"] != 0 {
		t.Errorf("a late event: %v", f.numbers)
	}
}

// A single request is worth 0.35 nats at most, and less near twice the habit.
func TestRequestRateNats(t *testing.T) {
	t.Parallel()
	w, between := newWalk(t), 0
	for range 3000 {
		f := w.read("request_rate")
		nats := 0.35 * min(max(math.Log(f.numbers["rate_per_min"]/f.numbers["habit_per_min"]/2), 0), 1)
		want(t, f, f.numbers["rate_per_min"]/f.numbers["habit_per_min"], nats)
		if f.Nats > 0 && f.Nats < 0.35 {
			between++
		}
		w.goOn(20 * time.Millisecond)
	}
	if last := w.read("request_rate"); last.Nats != 0.35 || between < 100 {
		t.Errorf("%v nats at %v times the habit, %d values between", last.Nats, last.Value, between)
	}
}

func TestRequestRateIgnoresAssetsAndPolling(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	for range 1000 {
		w.Event.Request = riskd.Request{Class: riskd.ClassOpen}
		want(t, w.read("request_rate"), 0, 0)
		w.Event.Request = riskd.Request{Activity: riskd.Background}
		want(t, w.read("request_rate"), 0, 0)
		w.goOn(time.Millisecond)
	}
}

// The habit follows what is usual, and not a burst.
func TestHabitIsLearned(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	pace(w, steady(2, 4*time.Hour)) // rests at 120 a minute
	habit := w.read("request_rate").numbers["habit_per_min"]
	if habit < 110 || habit > 121 {
		t.Errorf("the habit of two requests a second is %v a minute", habit)
	}
	pace(w, steady(50, 10*time.Minute))
	if got := w.read("request_rate").numbers["habit_per_min"]; got > habit*1.02 {
		t.Errorf("a burst has moved the habit from %v to %v", habit, got)
	}
}

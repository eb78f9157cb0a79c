package scoring_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
)

// workshop evaluates when it is told to, or for a time, on so many benches; it
// counts.
type workshop struct {
	proceed chan struct{} // an evaluation ends with each, unless it is nil
	takes   func() time.Duration
	benches chan struct{} // nil: as many as come
	panics  bool

	mu    sync.Mutex
	order []string // the routes of events that came in

	inside, evaluated, shed, worst atomic.Int64
}

func (w *workshop) Decide(_ context.Context, e *riskd.Event, _ time.Time) riskd.Decision {
	if e.Request.Route != "" {
		w.mu.Lock()
		w.order = append(w.order, e.Request.Route)
		w.mu.Unlock()
	}
	w.worst.Store(max(w.worst.Load(), w.inside.Add(1)))
	defer w.inside.Add(-1)
	if w.panics {
		panic("evaluator")
	}
	if w.benches != nil {
		w.benches <- struct{}{}
		defer func() { <-w.benches }()
	}
	if w.proceed != nil {
		<-w.proceed
	}
	if w.takes != nil {
		time.Sleep(w.takes())
	}
	w.evaluated.Add(1)
	return riskd.Decision{Outcome: riskd.Allow}
}

func (w *workshop) Shed(*riskd.Event, time.Time, string) riskd.Decision {
	w.shed.Add(1)
	return riskd.Decision{Outcome: riskd.StepUpNeeded}
}

func admission(t testing.TB, w scoring.Evaluator) *scoring.Admission {
	t.Helper()
	a, err := scoring.NewAdmission(scoring.AdmissionOptions{Engine: w})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func enter(a *scoring.Admission, c riskd.Class) riskd.Outcome {
	return a.Decide(context.Background(), &riskd.Event{Request: riskd.Request{Class: c}}, time.Time{}).Outcome
}

// fill lets events in that stay.
func fill(a *scoring.Admission, c riskd.Class, n int) {
	for range n {
		go enter(a, c)
	}
	synctest.Wait()
}

func TestAdmissionNeedsAnEngine(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]scoring.AdmissionOptions{
		"Engine":   {},
		"Deadline": {Engine: &workshop{}, Deadline: -1},
		"MaxWait":  {Engine: &workshop{}, MaxWait: -1},
	} {
		if _, err := scoring.NewAdmission(o); err == nil || !strings.HasPrefix(err.Error(), "scoring.AdmissionOptions."+field+":") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// Each class has its share of the limit, and those below leave room for those
// above.
func TestClassesHaveShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{proceed: make(chan struct{})}
		a := admission(t, w)
		limit := a.Stats().Limit
		for _, step := range []struct {
			class  riskd.Class
			inside int // when more than enough have come
		}{
			{riskd.ClassOpen, limit / 2},
			{riskd.ClassStandard, limit * 3 / 4},
			{riskd.ClassSensitive, limit},
		} {
			fill(a, step.class, limit)
			time.Sleep(time.Second) // for those who wait to give up
			if s := a.Stats(); s.InFlight != step.inside || s.Queued != 0 || int(w.inside.Load()) != step.inside {
				t.Errorf("%s: %d of %d are in and %d wait; want %d", step.class, s.InFlight, limit, s.Queued, step.inside)
			}
		}
		s := a.Stats()
		if s.Shed[riskd.ClassOpen] != uint64(limit/2) || s.Shed[riskd.ClassStandard] != uint64(limit*3/4) || s.Shed[riskd.ClassSensitive] != uint64(limit*3/4) {
			t.Errorf("shed are %v of %d each", s.Shed, limit)
		}
		if enter(a, riskd.ClassAdmin); a.Stats().Shed[riskd.ClassAdmin] != 1 {
			t.Error("one more was let in")
		}
		close(w.proceed)
	})
}

// Whoever waits is let in when somebody leaves: the highest class first, and of
// that the newest.
func TestTheNewestOfTheHighestClassGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{proceed: make(chan struct{})}
		a := admission(t, w)
		fill(a, riskd.ClassSensitive, a.Stats().Limit)
		for i, c := range []riskd.Class{riskd.ClassStandard, riskd.ClassSensitive, riskd.ClassOpen, riskd.ClassSensitive, riskd.ClassAdmin} {
			e := &riskd.Event{Request: riskd.Request{Class: c, Route: fmt.Sprint(c, i)}}
			go a.Decide(context.Background(), e, time.Time{})
			synctest.Wait()
		}
		if s := a.Stats(); s.Queued != 5 {
			t.Fatalf("%d wait", s.Queued)
		}
		for range a.Stats().Limit { // leave, one after the other
			w.proceed <- struct{}{}
			synctest.Wait()
		}
		close(w.proceed)
		w.mu.Lock()
		defer w.mu.Unlock()
		if want := []string{"admin 4", "sensitive 3", "sensitive 1", "standard 0", "open 2"}; !slices.Equal(w.order, want) {
			t.Errorf("let in are %v, want %v", w.order, want)
		}
	})
}

// The queue is bounded, and the oldest of the lowest class gives way.
func TestTheQueueIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{proceed: make(chan struct{})}
		a := admission(t, w)
		limit := a.Stats().Limit
		fill(a, riskd.ClassSensitive, limit)
		fill(a, riskd.ClassOpen, 2*limit)
		if s := a.Stats(); s.Queued != 2*limit || s.Shed != [4]uint64{} {
			t.Fatalf("%d wait, shed are %v", s.Queued, s.Shed)
		}
		fill(a, riskd.ClassStandard, limit)
		if s := a.Stats(); s.Queued != 2*limit || s.Shed[riskd.ClassOpen] != uint64(limit) || s.Shed[riskd.ClassStandard] != 0 {
			t.Errorf("%d wait, shed are %v", s.Queued, s.Shed)
		}
		fill(a, riskd.ClassAdmin, 2*limit)
		enter(a, riskd.ClassOpen) // at once
		if s := a.Stats(); s.Queued != 2*limit || s.Shed[riskd.ClassOpen] != uint64(2*limit+1) || s.Shed[riskd.ClassStandard] != uint64(limit) || s.Shed[riskd.ClassAdmin] != 0 {
			t.Errorf("%d wait, shed are %v", s.Queued, s.Shed)
		}
		began := time.Now()
		enter(a, riskd.ClassSensitive)
		if waited := time.Since(began); waited != scoring.DefaultMaxWait {
			t.Errorf("waited %s", waited)
		}
		close(w.proceed)
	})
}

// Whoever hangs up while he waits, and whoever comes too late, takes no room.
func TestNobodyWaitsInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &workshop{proceed: make(chan struct{})}
		a := admission(t, w)
		late, cancel := context.WithDeadline(context.Background(), time.Now())
		defer cancel()
		a.Decide(late, &riskd.Event{}, time.Time{})
		if w.shed.Load() != 1 || a.Stats().InFlight != 0 {
			t.Error("an event was evaluated after its deadline")
		}
		fill(a, riskd.ClassSensitive, a.Stats().Limit)
		gone, hangUp := context.WithCancel(context.Background())
		go a.Decide(gone, &riskd.Event{}, time.Time{})
		synctest.Wait()
		hangUp()
		synctest.Wait()
		if s := a.Stats(); s.Queued != 0 || w.shed.Load() != 2 {
			t.Errorf("%d still wait", s.Queued)
		}
		close(w.proceed)
	})
}

func TestAPanicLeavesItsRoom(t *testing.T) {
	t.Parallel()
	w := &workshop{panics: true}
	a := admission(t, w)
	for range 2 * a.Stats().Limit {
		func() {
			defer func() { _ = recover() }()
			enter(a, riskd.ClassStandard)
		}()
	}
	if s := a.Stats(); s.InFlight != 0 || s.Shed != [4]uint64{} {
		t.Errorf("%+v", s)
	}
}

// The limit finds how many evaluations at once keep the median at its target, from
// above and from below, and leaves a slow but idle machine alone.
func TestTheLimitFollowsTheTimeTaken(t *testing.T) {
	t.Parallel()
	const target = scoring.DefaultDeadline / 4
	tests := map[string]struct {
		benches, callers int
		takes, lasts     time.Duration
		least, most      int
	}{
		// With 4 benches of 500 µs, 40 at once take the target.
		"too much work":        {4, 100, 500 * time.Microsecond, 2 * time.Second, 30, 60},
		"room for many":        {1000, 400, 2 * time.Millisecond, time.Second / 2, 380, 1000},
		"hopeless":             {2, 100, 50 * time.Millisecond, 2 * time.Minute, 4, 16},
		"slow, and not loaded": {1000, 4, 15 * time.Millisecond, time.Minute, 16, 4096},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &workshop{benches: make(chan struct{}, test.benches), takes: func() time.Duration { return test.takes }}
				a := admission(t, w)
				first := a.Stats().Limit
				until := time.Now().Add(test.lasts)
				var all sync.WaitGroup
				for range test.callers {
					all.Go(func() {
						for time.Now().Before(until) {
							if enter(a, riskd.ClassSensitive) != riskd.Allow {
								time.Sleep(50 * time.Millisecond)
							}
						}
					})
				}
				all.Wait()
				if test.callers == 4 {
					test.least, test.most = first, first
				}
				if got := a.Stats().Limit; got < test.least || got > test.most {
					t.Errorf("the limit is %d; want %d to %d for a target of %s", got, test.least, test.most, target)
				}
			})
		})
	}
}

// Under five times the load that it can take, as much is evaluated as without, and
// what is sensitive isn't shed although it alone is half of what it can take.
func TestGoodputUnderOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const benches, takes, seconds = 4, 500 * time.Microsecond, 3
		const capacity = benches * int(time.Second/takes) // a second
		w := &workshop{benches: make(chan struct{}, benches), takes: func() time.Duration { return takes }}
		a := admission(t, w)
		every := time.Second / time.Duration(5*capacity)
		var all sync.WaitGroup
		for i := range 5 * capacity * seconds {
			c := riskd.ClassOpen
			switch i % 10 {
			case 0:
				c = riskd.ClassSensitive
			case 1, 2, 3:
				c = riskd.ClassStandard
			}
			all.Go(func() { enter(a, c) })
			time.Sleep(every)
		}
		all.Wait()
		s := a.Stats()
		share := float64(w.evaluated.Load()) / float64(capacity*seconds)
		t.Logf("goodput %.1f %% of capacity, limit %d, shed %v, %d at once at most", 100*share, s.Limit, s.Shed, w.worst.Load())
		if share < 0.9 {
			t.Errorf("goodput is %.2f of the capacity", share)
		}
		if s.Shed[riskd.ClassSensitive] > 0 || s.Shed[riskd.ClassOpen] < s.Shed[riskd.ClassStandard] {
			t.Errorf("shed are %v", s.Shed)
		}
	})
}

// Whatever happens, everybody gets one answer, and in the end nobody is in.
func TestAdmissionUnderStress(t *testing.T) {
	t.Parallel()
	w := &workshop{benches: make(chan struct{}, 1), takes: func() time.Duration { return 0 }}
	a := admission(t, w)
	const callers, each = 400, 200
	var all sync.WaitGroup
	var answers atomic.Int64
	for i := range callers {
		all.Go(func() {
			for k := range each {
				ctx, cancel := context.WithCancel(context.Background())
				if (i+k)%5 == 0 {
					cancel()
				}
				a.Decide(ctx, &riskd.Event{Request: riskd.Request{Class: riskd.Class((i + k) % 4)}}, time.Time{})
				answers.Add(1)
				cancel()
			}
		})
	}
	all.Wait()
	s := a.Stats()
	var shed uint64
	for _, n := range s.Shed {
		shed += n
	}
	if answers.Load() != callers*each || s.InFlight != 0 || s.Queued != 0 || shed+uint64(w.evaluated.Load()) != callers*each {
		t.Errorf("%d answers, %d evaluated, %+v", answers.Load(), w.evaluated.Load(), s)
	}
}

// nothing is an evaluator that costs nothing.
type nothing struct{}

func (nothing) Decide(context.Context, *riskd.Event, time.Time) riskd.Decision {
	return riskd.Decision{}
}

func (nothing) Shed(*riskd.Event, time.Time, string) riskd.Decision { return riskd.Decision{} }

// What admission costs where there is room.
func BenchmarkAdmission(b *testing.B) {
	a := admission(b, nothing{})
	e := &riskd.Event{}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			a.Decide(context.Background(), e, time.Time{})
		}
	})
	b.Run("on all cores", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				a.Decide(context.Background(), e, time.Time{})
			}
		})
	})
	b.Run("without", func(b *testing.B) {
		var x scoring.Evaluator = nothing{}
		b.ReportAllocs()
		for b.Loop() {
			x.Decide(context.Background(), e, time.Time{})
		}
	})
}

package sessionstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// revokeIsSeen: once Revoke has returned, nobody is told otherwise, however many
// others are asking and revoking.
func revokeIsSeen(t *testing.T, s tested) {
	const n = 3000
	targetOf := func(i int) riskd.Target {
		switch i % 3 {
		case 0:
			return session(i)
		case 1:
			return user(fmt.Sprint("u", i))
		default:
			return device(fmt.Sprint("d", i))
		}
	}
	eventOf := func(i int) *riskd.Event {
		return event(i, with{user: fmt.Sprint("u", i), device: fmt.Sprint("d", i), started: noon})
	}
	var done atomic.Int64 // all below are revoked
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 0))
			for done.Load() < n {
				if below := int(done.Load()); below > 0 {
					for range 10 {
						i := random.IntN(below)
						if _, over := s.Revoked(eventOf(i)); !over {
							t.Errorf("%d goes on although its revocation had returned", i)
							return
						}
					}
				}
				see(s, after(-time.Minute), eventOf(random.IntN(n)))
			}
		})
	}
	for i := range n {
		revoke(s, targetOf(i), after(time.Minute))
		done.Store(int64(i + 1))
	}
	all.Wait()
}

// allAtOnce does everything at the same time, to some sessions that all have and
// to more than the store may hold.
func allAtOnce(t *testing.T, s tested) {
	const workers, rounds, common = 6, 4000, 40
	var made sync.Map // of the revocations
	last := make([]uint32, common)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for round := range rounds {
				n := random.IntN(common)
				now := after(time.Duration(round) * time.Second)
				switch k := random.IntN(100); {
				case k < 50:
					s.Update(event(n, with{user: fmt.Sprint("u", n%7)}), now, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
						// Forgotten sessions begin again; others lose nothing. last is
						// written by one at a time, because the session is.
						if in.Requests != 0 && in.Requests != last[n] {
							t.Errorf("session %d: %d requests after %d", n, in.Requests, last[n])
						}
						observe(in, event(n, with{user: fmt.Sprint("u", n%7)}), now)
						last[n] = in.Requests
						return riskd.Lesson{Learn: true}
					})
				case k < 80:
					see(s, now, event(common+worker*rounds+round, with{}))
				case k < 85:
					from, to := 200_000+random.IntN(common), 200_000+random.IntN(common)
					see(s, now, event(to, with{previous: from}))
				case k < 88:
					revoke(s, session(300_000+n), now)
					made.Store(event(300_000+n, with{}), true)
				case k < 90:
					revoke(s, user(fmt.Sprint("v", n)), now)
					made.Store(event(n, with{user: fmt.Sprint("v", n), started: noon.Add(-1)}), true)
				case k < 91:
					if _, _, err := s.List(Filter{Limit: 10}); err != nil {
						t.Error(err)
					}
				case k < 92:
					s.Sweep(now)
				case k < 93:
					s.Revocations(0, 10)
				case k < 94:
					s.Expire(now)
				case k < 95:
					_, _ = s.Extend(id(n), now)
				case k < 97:
					s.Session(id(n))
				default:
					s.Revoked(event(n, with{}))
				}
			}
		})
	}
	all.Wait()
	made.Range(func(e, _ any) bool {
		wantRevoked(t, s, e.(*riskd.Event), true)
		return true
	})
	if n := s.Stats().Sessions; n > MaxSessions {
		t.Errorf("%d sessions, the bound is %d", n, MaxSessions)
	}
}

// extendWaits: an extension that comes while a decision is being taken knows
// what the decision was.
func extendWaits(t *testing.T, s tested) {
	for n := range 200 {
		limit(s, n, riskd.Limits{})
		var other sync.WaitGroup
		write(s, n, noon, func(in *riskd.Session) {
			coming := make(chan bool)
			other.Go(func() {
				close(coming)
				if _, err := s.Extend(id(n), after(time.Minute)); !errors.Is(err, riskd.ErrStepUpPending) {
					t.Errorf("extended during a decision: %v", err)
				}
			})
			<-coming
			runtime.Gosched()
			in.Status = riskd.StatusStepUp
		})
		other.Wait()
	}
}

// sweepsAmongDecisions: no session ends before its time, none ends twice, and a
// decision loses nothing to a sweep.
func sweepsAmongDecisions(t *testing.T, s tested) {
	const workers, rounds, common, idle = 4, 3000, 60, 40 * time.Millisecond
	var clock atomic.Int64 // in milliseconds
	var expired atomic.Int64
	for n := range common {
		limit(s, n, riskd.Limits{Idle: idle})
	}
	var deciding, sweeping sync.WaitGroup
	for worker := range workers {
		deciding.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 2))
			for range rounds {
				now := after(time.Duration(clock.Add(1)) * time.Millisecond)
				// The later ones are seldom seen.
				write(s, random.IntN(1+random.IntN(common)), now, func(in *riskd.Session) {
					latest := after(time.Duration(clock.Load()) * time.Millisecond)
					if in.Status == riskd.StatusExpired && latest.Before(in.ActiveAt.Add(idle)) {
						t.Errorf("expired before %v, active at %v", latest, in.ActiveAt)
					}
					if decide(in, now) {
						expired.Add(1)
					}
				})
			}
		})
	}
	done := make(chan bool)
	sweeping.Go(func() {
		for {
			expired.Add(int64(s.Expire(after(time.Duration(clock.Load()) * time.Millisecond))))
			select {
			case <-done:
				return
			default:
			}
		}
	})
	deciding.Wait()
	close(done)
	sweeping.Wait()
	over := riskd.StatusExpired
	if page, _, _ := s.List(Filter{Status: &over, Limit: common}); len(page) != int(expired.Load()) {
		t.Errorf("%d expired, %d were counted", len(page), expired.Load())
	}
	if expired.Load() == 0 {
		t.Error("nothing expired at all")
	}
}

func extensionsAmongDecisions(t *testing.T, s tested) {
	const workers, rounds = 4, 1000
	limit(s, 1, riskd.Limits{Idle: time.Hour})
	var clock atomic.Int64
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				now := after(time.Duration(clock.Add(1)) * time.Millisecond)
				if given, err := s.Extend(id(1), now); err != nil || given.ActiveAt.Before(now) {
					t.Errorf("extended at %v: %v, active at %v", now, err, given.ActiveAt)
				}
			}
		})
		all.Go(func() {
			for range rounds {
				now := after(time.Duration(clock.Add(1)) * time.Millisecond)
				write(s, 1, now, func(in *riskd.Session) {
					decide(in, now)
					in.Requests++
				})
			}
		})
	}
	all.Wait()
	last := after(time.Duration(clock.Load()) * time.Millisecond)
	if in := find(t, s, 1); in.Requests != workers*rounds || !in.ActiveAt.Equal(last) {
		t.Errorf("%d requests, active at %v; want %d, %v", in.Requests, in.ActiveAt, workers*rounds, last)
	}
}

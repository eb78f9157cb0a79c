package sessionstest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// revokeIsSeen: once Revoke has returned, nobody is told otherwise, however many
// others are asking and revoking.
func revokeIsSeen(t *testing.T, s Store) {
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
func allAtOnce(t *testing.T, s Store) {
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
					s.Update(event(n, with{user: fmt.Sprint("u", n%7)}), now, func(in *riskd.Session, _ *riskd.Profile) bool {
						// Forgotten sessions begin again; others lose nothing. last is
						// written by one at a time, because the session is.
						if in.Requests != 0 && in.Requests != last[n] {
							t.Errorf("session %d: %d requests after %d", n, in.Requests, last[n])
						}
						observe(in, event(n, with{user: fmt.Sprint("u", n%7)}), now)
						last[n] = in.Requests
						return true
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
				case k < 94:
					s.Revocations(0, 10)
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

package sessions_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

// heard is a store with all that it has told.
type heard struct {
	*sessions.Store
	mu      sync.Mutex
	notices []riskd.Notice
}

func hearing(t *testing.T, o sessions.Options) *heard {
	t.Helper()
	h := &heard{}
	o.Notify = func(n riskd.Notice) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.notices = append(h.notices, n)
	}
	var err error
	if h.Store, err = sessions.New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

// take gives what was told since it was last asked.
func (h *heard) take() []riskd.Notice {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.notices
	h.notices = nil
	return all
}

var leaseNoon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// leased gives a session on which somebody holds a lease.
func (h *heard) leased(id byte, change func(*riskd.Event)) {
	h.update(id, change, func(s *riskd.Session) { s.Leased = true })
}

func (h *heard) update(id byte, change func(*riskd.Event), fn func(*riskd.Session)) {
	e := &riskd.Event{Session: riskd.EventSession{ID: riskd.SessionID{id}}, User: riskd.User{ID: "ada"}, Device: riskd.Device{ID: "d1"}}
	if change != nil {
		change(e)
	}
	h.Update(e, leaseNoon, func(s *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		s.User, s.DeviceID = e.User.ID, e.Device.ID
		s.ActiveAt = leaseNoon
		if fn != nil {
			fn(s)
		}
		return riskd.Lesson{}
	})
}

// What turns a session into another than leases were given to is told, once, and
// what doesn't, isn't.
func TestTurnedSessionsAreTold(t *testing.T) {
	t.Parallel()
	limits := func(idle time.Duration) func(*riskd.Session) {
		return func(s *riskd.Session) { s.Limits.Idle = idle }
	}
	cases := map[string]struct {
		before, after func(*riskd.Session)
		event         func(*riskd.Event)
		unleased      bool
		told          int
		status        riskd.Status
	}{
		"nothing":              {},
		"a step-up":            {after: func(s *riskd.Session) { s.Status = riskd.StatusStepUp }, told: 1, status: riskd.StatusStepUp},
		"expired":              {after: func(s *riskd.Session) { s.Status = riskd.StatusExpired }, told: 1, status: riskd.StatusExpired},
		"revoked: an order is": {after: func(s *riskd.Session) { s.Status = riskd.StatusRevoked }},
		"another device":       {event: func(e *riskd.Event) { e.Device.ID = "d2" }, told: 1},
		"ends earlier":         {before: limits(time.Hour), after: limits(time.Minute), told: 1},
		"ends later":           {before: limits(time.Minute), after: limits(time.Hour)},
		"nobody has a lease":   {after: func(s *riskd.Session) { s.Status = riskd.StatusStepUp }, unleased: true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hearing(t, sessions.Options{})
			h.update(1, nil, c.before)
			if !c.unleased {
				h.leased(1, nil)
			}
			for range 2 {
				h.update(1, c.event, c.after)
			}
			got := h.take()
			if len(got) != c.told {
				t.Fatalf("told %+v", got)
			}
			if c.told > 0 && (got[0].Kind != riskd.NoticeSession || got[0].Status != c.status || got[0].Number != h.LastNumber() ||
				!slices.Equal(got[0].Sessions, []riskd.SessionID{{1}})) {
				t.Errorf("told %+v; the last number is %d", got[0], h.LastNumber())
			}
		})
	}
}

func TestRotationIsTold(t *testing.T) {
	t.Parallel()
	h := hearing(t, sessions.Options{})
	h.leased(1, nil)
	h.update(2, func(e *riskd.Event) { e.Session.PreviousID = riskd.SessionID{1} }, nil)
	got := h.take()
	if len(got) != 1 || !slices.Equal(got[0].Sessions, []riskd.SessionID{{1}, {2}}) {
		t.Fatalf("told %+v", got)
	}
	for _, id := range []byte{1, 2} { // whichever of the two it names
		done, err := h.Impose(context.Background(), "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{id}}, At: leaseNoon.Add(time.Duration(id))})
		if err != nil {
			t.Fatal(err)
		}
		got = h.take()
		if len(got) != 1 || got[0].Kind != riskd.NoticeOrder || got[0].Number != done.Epochs[0].Number || len(got[0].Sessions) != 2 {
			t.Fatalf("told %+v", got)
		}
	}
}

// Orders are told once, with numbers that go up; what isn't news isn't told. An
// erased user's name is in none of it.
func TestOrdersAreTold(t *testing.T) {
	t.Parallel()
	h := hearing(t, sessions.Options{Pseudonym: func(_, id string) string { return "p_" + id[:1] }})
	user := riskd.Target{Kind: riskd.TargetUser, ID: "ada"}
	order := riskd.Epoch{Target: user, At: leaseNoon}
	ctx := context.Background()
	first, _ := h.Impose(ctx, "", order, riskd.Epoch{Effect: riskd.EffectDistrust, Target: user, At: leaseNoon})
	if got := h.take(); len(got) != 2 || got[0].Number != 1 || got[1].Number != 2 || h.LastNumber() != 2 {
		t.Fatalf("told %+v", got)
	}
	if _, err := h.Impose(ctx, "", order); err != nil || len(h.take()) != 0 {
		t.Error("what was in force before is told again")
	}
	if _, err := h.Lift(ctx, first.Epochs[0].Number); err != nil {
		t.Fatal(err)
	}
	if got := h.take(); len(got) != 1 || got[0].Kind != riskd.NoticeLifted || got[0].Order.Number != 1 || got[0].Number != 3 {
		t.Errorf("of the lift it told %+v", got)
	}
	h.EndLeases()
	if got := h.take(); len(got) != 1 || got[0].Kind != riskd.NoticeAll || got[0].Number != 4 {
		t.Errorf("of the end of all leases it told %+v", got)
	}
	h.leased(1, nil)
	if _, err := h.Erase(ctx, "", "ada", leaseNoon.Add(time.Second), "ops"); err != nil {
		t.Fatal(err)
	}
	for _, n := range append(h.take(), h.InForce()...) {
		if n.Order.Target.ID != "" {
			t.Errorf("the erased one is named: %+v", n)
		}
	}
}

// Whoever reads a number sees what it stands for: the order of that number, or
// one before it, is in force before LastNumber gives it.
func TestNumbersComeAfterTheirOrders(t *testing.T) {
	t.Parallel()
	h := hearing(t, sessions.Options{})
	const many = 2000
	var all sync.WaitGroup
	all.Go(func() {
		for i := range many {
			id := riskd.SessionID{byte(i), byte(i >> 8), 1}
			if _, err := h.Impose(context.Background(), "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetSession, Session: id}, At: leaseNoon}); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		all.Go(func() {
			for last := uint64(0); last < many; {
				last = h.LastNumber()
				if last == 0 {
					continue
				}
				i := last - 1
				e := &riskd.Event{Session: riskd.EventSession{ID: riskd.SessionID{byte(i), byte(i >> 8), 1}}}
				if _, over := h.Revoked(e); !over {
					t.Errorf("number %d is known, and its order isn't in force", last)
					return
				}
			}
		})
	}
	all.Wait()
	for i, n := range h.take() {
		if n.Number != uint64(i+1) {
			t.Fatalf("notice %d has the number %d", i, n.Number)
		}
	}
}

// A session that becomes over by naming a revoked one before it is told of.
func TestInheritedRevocationIsTold(t *testing.T) {
	t.Parallel()
	h := hearing(t, sessions.Options{})
	h.leased(2, nil)
	if _, err := h.Impose(context.Background(), "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{1}}, At: leaseNoon}); err != nil {
		t.Fatal(err)
	}
	h.take()
	e := &riskd.Event{Session: riskd.EventSession{ID: riskd.SessionID{2}, PreviousID: riskd.SessionID{1}}}
	if _, over := h.Revoked(e); !over {
		t.Fatal("it goes on")
	}
	if got := h.take(); len(got) != 1 || got[0].Status != riskd.StatusRevoked || got[0].Sessions[0] != (riskd.SessionID{2}) {
		t.Errorf("told %+v", got)
	}
}

//go:build linux

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

// crashStore is what the world does to a store.
type crashStore interface {
	imposer
	Lift(ctx context.Context, number uint64) (riskd.Epoch, error)
	Revoked(e *riskd.Event) (riskd.Epoch, bool)
	Orders(before uint64, limit int) []riskd.Epoch
	Update(e *riskd.Event, now time.Time, fn func(*riskd.Session, *riskd.Profile) riskd.Lesson)
	Session(id riskd.SessionID) (riskd.Session, bool)
	List(f sessions.Filter) ([]riskd.Session, string, error)
	Preview(t riskd.Target) (int, []riskd.Session)
	Sweep(ctx context.Context, now time.Time) (int, error)
}

const (
	// crashSessions are the sessions that are updated.
	crashSessions = 64
	// crashOrders is about how many orders are in force at a time.
	crashOrders = 50
	forEver     = 200 * 365 * 24 * time.Hour
)

// promises are what has to be there after a crash: orders by what they name.
type promises struct {
	acked  map[int]bool // said to be on disk, and not lifted since
	lifted map[int]bool // said to be lifted for good
	groups map[int]int  // given together with which, all or none
	writes [crashSessions]int
}

// world is what somebody knows who uses a store that crashes.
type world struct {
	crashes, acks, lifts, rewrites, updates, found int

	sweeping bool // in the latest life
	mu       sync.Mutex
	next     int
	known    promises
	numbers  map[int]uint64 // of orders in force
	day      int            // of the sweeps
}

// begin begins with an empty folder.
func (w *world) begin() {
	w.numbers, w.day = map[int]uint64{}, 0
	w.known = promises{acked: map[int]bool{}, lifted: map[int]bool{}, groups: map[int]int{}}
}

// counts fails if too little was done to prove anything.
func (w *world) counts() error {
	n := w.crashes
	if n == 0 || w.acks < 5*n || w.lifts < n || w.rewrites < n/20 || w.updates < 20*n || w.found < 10*n {
		return fmt.Errorf("the run doesn't count: too little was done between the crashes")
	}
	return nil
}

// promises copies what was promised up to now.
func (w *world) promises() *promises {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &promises{maps.Clone(w.known.acked), maps.Clone(w.known.lifted), maps.Clone(w.known.groups), w.known.writes}
}

// fall takes the world back to the crash: what was promised later, to somebody
// who lived on on the old disk, doesn't count.
func (w *world) fall(to *promises) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to.groups = w.known.groups // of those that were never promised, too
	w.known = *to
}

// act does something that the store may crash in.
func (w *world) act(ctx context.Context, s crashStore, random *rand.Rand) {
	switch p := random.IntN(20); {
	case p < 4:
		w.impose(ctx, s, 1)
	case p < 5:
		w.impose(ctx, s, 2+random.IntN(3))
	case p < 6:
		w.lift(ctx, s)
	case p < 7:
		_, _, _ = s.List(sessions.Filter{Limit: 1}) // brings the archive up to date
	default:
		w.update(s, random.IntN(crashSessions))
	}
}

// impose gives orders, all of them or none.
func (w *world) impose(ctx context.Context, s crashStore, n int) {
	w.mu.Lock()
	first := w.next
	w.next += n
	orders := make([]riskd.Epoch, n)
	for i := range orders {
		orders[i] = riskd.Epoch{Target: targetOf(first + i), At: noon, Reason: "crash"}
		w.known.groups[first+i] = first
	}
	w.mu.Unlock()
	done, err := s.Impose(ctx, fmt.Sprint("key-", first), orders...)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks += n
	for i := range orders {
		w.known.acked[first+i] = true
		if i < len(done.Epochs) { // a store that is spoiled may not tell
			w.numbers[first+i] = done.Epochs[i].Number
		}
	}
}

// lift lifts an order. Until that is acknowledged nobody may say that it is in
// force, nor that it isn't.
func (w *world) lift(ctx context.Context, s crashStore) {
	w.mu.Lock()
	if len(w.known.acked) < crashOrders {
		w.mu.Unlock()
		return
	}
	var name int
	for name = range w.known.acked {
		break
	}
	number := w.numbers[name]
	if number == 0 {
		w.mu.Unlock()
		return
	}
	delete(w.known.acked, name)
	delete(w.known.groups, name)
	w.mu.Unlock()
	if _, err := s.Lift(ctx, number); err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lifts++
	w.known.lifted[name] = true
	delete(w.numbers, name)
}

// update writes into a session the same number everywhere.
func (w *world) update(s crashStore, i int) {
	w.mu.Lock()
	w.updates++
	w.mu.Unlock()
	s.Update(crashEvent(i), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		w.mu.Lock()
		w.known.writes[i]++
		n := w.known.writes[i]
		w.mu.Unlock()
		in.User, in.SeenAt, in.ActiveAt = fmt.Sprint("user-", i), noon, noon
		in.Requests, in.Score, in.ACR, in.Failures = uint32(n), float64(n), fmt.Sprint(n), n
		in.AMR = []string{fmt.Sprint(n), fmt.Sprint(2 * n)}
		in.DeviceID = fmt.Sprint("device-", n%3)
		in.StepUp = &riskd.StepUp{ID: fmt.Sprint("su_", n)}
		return riskd.Lesson{}
	})
}

// sweep lets the store write its ledger anew, as it does once a day.
func (w *world) sweep(ctx context.Context, s crashStore) {
	w.mu.Lock()
	w.day++
	day := w.day
	w.mu.Unlock()
	if _, err := s.Sweep(ctx, noon.Add(time.Duration(day)*25*time.Hour)); err == nil {
		w.mu.Lock()
		w.rewrites++
		w.mu.Unlock()
	}
	select { // not all the time
	case <-ctx.Done():
	case <-time.After(5 * time.Millisecond):
	}
}

// examine looks at a store after a crash. What is there then stays.
func (w *world) examine(s crashStore) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.known.acked {
		if _, over := s.Revoked(eventOf(name)); !over {
			return fmt.Errorf("order %d was acknowledged and is lost", name)
		}
	}
	for name := range w.known.lifted {
		if _, over := s.Revoked(eventOf(name)); over {
			return fmt.Errorf("order %d was lifted and has come back", name)
		}
	}
	if err := w.wholeGroups(s); err != nil && !w.sweeping {
		return err
	}
	w.restart(s)
	return w.examineSessions(s)
}

// wholeGroups fails if of orders that were given together only some are there.
// The caller holds the world.
func (w *world) wholeGroups(s crashStore) error {
	there := map[int]bool{}
	for name, first := range w.known.groups {
		_, over := s.Revoked(eventOf(name))
		if before, met := there[first]; met && before != over {
			return fmt.Errorf("of orders %d and those given with it some are in force and some aren't", first)
		}
		there[first] = over
	}
	return nil
}

// restart takes what is there for what was promised. The caller holds the world.
func (w *world) restart(s crashStore) {
	clear(w.known.acked)
	clear(w.known.groups)
	clear(w.numbers)
	for before := uint64(0); ; {
		page := s.Orders(before, sessions.MaxPage)
		for i := range page {
			name := nameOf(&page[i].Target)
			w.known.acked[name], w.numbers[name] = true, page[i].Number
			before = page[i].Number
		}
		if len(page) < sessions.MaxPage {
			break
		}
	}
}

// examineSessions fails if a session is half written, newer than it can be, or not
// found by its user. The caller holds the world.
func (w *world) examineSessions(s crashStore) error {
	for i := range crashSessions {
		in, known := s.Session(crashEvent(i).Session.ID)
		matched, _ := s.Preview(riskd.Target{Kind: riskd.TargetUser, Tenant: "acme", ID: fmt.Sprint("user-", i)})
		if known != (matched == 1) || matched > 1 {
			return fmt.Errorf("session %d: known %v, but its user has %d", i, known, matched)
		}
		if !known {
			w.known.writes[i] = 0
			continue
		}
		w.found++
		n := int(in.Requests)
		want := fmt.Sprint(uint32(n), float64(n), n, []int{n, 2 * n}, "device-", n%3, "su_", n)
		got := fmt.Sprint(in.Requests, in.Score, in.Failures, in.AMR, in.DeviceID[:7], in.DeviceID[7:], in.StepUp.ID[:3], in.StepUp.ID[3:])
		if got != want || in.ACR != fmt.Sprint(n) || n > w.known.writes[i] {
			return errors.Join(fmt.Errorf("session %d is half written, or newer than write %d", i, w.known.writes[i]), fmt.Errorf("%s, want %s", got, want))
		}
		w.known.writes[i] = n
	}
	return nil
}

// targetOf is what the order of a name is over: each one over its own.
func targetOf(name int) riskd.Target {
	t := riskd.Target{Tenant: "acme", ID: fmt.Sprint("name-", name)}
	switch name % 3 {
	case 0:
		t.Kind, t.ID, t.Session = riskd.TargetSession, "", crashID(1, name)
	case 1:
		t.Kind = riskd.TargetUser
	default:
		t.Kind = riskd.TargetDevice
	}
	return t
}

func nameOf(t *riskd.Target) (name int) {
	if t.Kind == riskd.TargetSession {
		return int(binary.BigEndian.Uint64(t.Session[8:]))
	}
	_, _ = fmt.Sscanf(t.ID, "name-%d", &name)
	return name
}

// eventOf is what the order of a name meets.
func eventOf(name int) *riskd.Event {
	t := targetOf(name)
	e := &riskd.Event{Tenant: t.Tenant, Session: riskd.EventSession{ID: crashID(2, name), StartedAt: noon.Add(-time.Hour)}}
	switch t.Kind {
	case riskd.TargetSession:
		e.Session.ID = t.Session
	case riskd.TargetUser:
		e.User.ID = t.ID
	default:
		e.Device.ID = t.ID
	}
	return e
}

// crashEvent is one of a session that is updated.
func crashEvent(i int) *riskd.Event {
	return &riskd.Event{Tenant: "acme", Session: riskd.EventSession{ID: crashID(3, i), StartedAt: noon}}
}

func crashID(kind byte, i int) riskd.SessionID {
	id := riskd.SessionID{kind}
	binary.BigEndian.PutUint64(id[8:], uint64(i))
	return id
}

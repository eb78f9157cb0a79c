package sessions

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func sessionID(n int) (id riskd.SessionID) {
	binary.BigEndian.PutUint64(id[:], uint64(n)+1)
	return id
}

func eventOf(n int) *riskd.Event {
	return &riskd.Event{Session: riskd.EventSession{ID: sessionID(n)}}
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func newStore(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whoever knows the code can't fill one shard: neither with ids that a common
// unseeded hash would send there, nor with ids that look alike.
func TestShardsCannotBeAimedAt(t *testing.T) {
	t.Parallel()
	const n = 20_000
	for name, aimed := range map[string]func(id riskd.SessionID) bool{
		"by FNV": func(id riskd.SessionID) bool {
			h := fnv.New64a()
			h.Write(id[:])
			return h.Sum64()%tableShards == 0
		},
		"by their last byte": func(id riskd.SessionID) bool { return id[7] == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, Options{})
			for i, found := 0, 0; found < n; i++ {
				if id := sessionID(i); aimed(id) {
					found++
					s.Update(eventOf(i), noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson { return riskd.Lesson{} })
				}
			}
			fullest := 0
			for i := range s.sessions.shards {
				fullest = max(fullest, len(s.sessions.shards[i].rows))
			}
			if fullest > 2*n/tableShards {
				t.Errorf("the fullest shard has %d sessions, the mean is %d", fullest, n/tableShards)
			}
		})
	}
}

// With fewer places than sessions at work, rows are evicted between any two
// events; still there is one event at a time per session, and none is lost.
func TestEvictionDoesntGetBetweenEvents(t *testing.T) {
	t.Parallel()
	for _, places := range []int{1, 2, 3, 5} {
		const workers, rounds, ids = 6, 2000, 6
		s := newStore(t, Options{MaxSessions: places, MaxProfiles: 1})
		var inside [ids]atomic.Int32
		var last [ids]uint32
		var lost atomic.Int32
		var all sync.WaitGroup
		for worker := range workers {
			all.Go(func() {
				random := rand.New(rand.NewPCG(uint64(worker), 0))
				for range rounds {
					n := random.IntN(ids)
					e := eventOf(n)
					e.User.ID = "ada"
					if random.IntN(4) == 0 {
						e.Session.PreviousID = sessionID(ids + random.IntN(2))
					}
					s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
						if inside[n].Add(1) != 1 || in.ID != e.Session.ID || in.Requests != 0 && in.Requests != last[n] {
							lost.Add(1)
						}
						in.Requests++
						last[n] = in.Requests
						if got := s.Stats(); got.Sessions > places || got.Profiles > 1 {
							lost.Add(1)
						}
						inside[n].Add(-1)
						return riskd.Lesson{Learn: true}
					})
				}
			})
		}
		all.Wait()
		if n := lost.Load(); n != 0 {
			t.Errorf("%d places: %d events met others, an old state or too many rows", places, n)
		}
		checkTable(t, &s.sessions)
	}
}

// checkTable fails if a table's lists and counts don't agree, or a row is still
// pinned.
func checkTable[K comparable, V any](t *testing.T, table *table[K, V]) {
	t.Helper()
	rows := 0
	for i := range table.shards {
		sh := &table.shards[i]
		listed := 0
		for as, list := range sh.list {
			listed += len(list)
			for slot, r := range list {
				if r.pins != 0 || r.rank != rank(as) || int(r.slot) != slot || sh.rows[r.key] != r || r.home != sh {
					t.Fatalf("row %v: %d pins, rank %d in list %d, slot %d at %d", r.key, r.pins, r.rank, as, r.slot, slot)
				}
			}
		}
		if listed != len(sh.rows) {
			t.Fatalf("%d rows, %d listed", len(sh.rows), listed)
		}
		rows += listed
	}
	if n := table.rows.Load(); int(n) != rows || n > table.max {
		t.Fatalf("%d rows counted, %d there, %d allowed", n, rows, table.max)
	}
}

// An event that has come, but not got hold of its session yet, is before a sweep.
func TestSweepLeavesWhatIsWorkedOn(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{})
	s.Update(eventOf(1), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.ActiveAt, in.Limits = noon, riskd.Limits{Idle: time.Minute}
		return riskd.Lesson{}
	})
	r := s.sessions.pin(sessionID(1))
	if n := s.Expire(noon.Add(time.Hour)); n != 0 {
		t.Errorf("%d expired while an event is at work", n)
	}
	r.value.mu.Lock()
	s.leave(r)
	r.value.mu.Lock() // as a query does
	if n := s.Expire(noon.Add(time.Hour)); n != 0 {
		t.Errorf("%d expired while a query is at work", n)
	}
	r.value.mu.Unlock()
	if n := s.Expire(noon.Add(time.Hour)); n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	checkTable(t, &s.sessions)
}

func TestNewSessionWaitsWhileAllAreInUse(t *testing.T) {
	t.Parallel()
	s := newStore(t, Options{MaxSessions: 1})
	entered, other := make(chan bool), make(chan bool)
	var all sync.WaitGroup
	all.Go(func() {
		s.Update(eventOf(1), noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson {
			close(entered)
			<-other
			return riskd.Lesson{}
		})
	})
	<-entered
	all.Go(func() {
		close(other)
		s.Update(eventOf(2), noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson { return riskd.Lesson{} })
	})
	all.Wait()
	if _, ok := s.Session(sessionID(2)); !ok || s.Stats().EvictedSessions != 1 {
		t.Errorf("the new session is there: %v; %+v", ok, s.Stats())
	}
	checkTable(t, &s.sessions)
}

// The steps of a draw come to every row of a list of any length, so that a draw
// finds a row if one is free.
func TestDrawFindsTheOnlyRow(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 40; n++ {
		var h shard[int, struct{}]
		for i := range n {
			h.enlist(&row[int, struct{}]{key: i, pins: 1}, clean)
		}
		if r := h.oldest(clean, false); r != nil {
			t.Fatalf("%d rows: drew %d, which is in use", n, r.key)
		}
		for i := range n {
			h.list[clean][i].pins = 0
			if r := h.oldest(clean, false); r == nil || r.key != i {
				t.Fatalf("%d rows: row %d is free and was not drawn", n, i)
			}
			h.list[clean][i].pins = 1
		}
	}
}

// A load that has become stale makes none stale that begins later, however long
// its readers take.
func TestLoadsGoStaleAlone(t *testing.T) {
	t.Parallel()
	var rows table[int, struct{}]
	rows.init(1, 0)
	_, slow := rows.seek(1)
	_, quick := rows.seek(1)
	r, _ := rows.add(&row[int, struct{}]{key: 1}, clean, quick)
	r.home.unpin(r)
	other, _ := rows.add(&row[int, struct{}]{key: 2}, clean, nil) // takes its place
	other.home.unpin(other)
	_, later := rows.seek(1)
	if again, added := rows.add(&row[int, struct{}]{key: 1}, clean, later); again == nil || !added {
		t.Fatal("what was read after the row had gone is taken for stale")
	} else {
		again.home.unpin(again)
	}
	third, _ := rows.add(&row[int, struct{}]{key: 3}, clean, nil)
	third.home.unpin(third)
	if stale, _ := rows.add(&row[int, struct{}]{key: 1}, clean, slow); stale != nil {
		t.Error("what was read before the row was there is taken for good")
	}
	for i := range rows.shards {
		if n := len(rows.shards[i].loads); n > 0 {
			t.Errorf("%d loads are left", n)
		}
	}
}

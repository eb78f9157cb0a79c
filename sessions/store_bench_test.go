package sessions_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func eventOf(n int) *riskd.Event {
	e := &riskd.Event{User: riskd.User{ID: fmt.Sprint("user-", n)}, Device: riskd.Device{ID: fmt.Sprint("device-", n)}}
	binary.BigEndian.PutUint64(e.Session.ID[:], uint64(n)+1)
	e.Session.StartedAt = noon
	return e
}

// observe keeps of an event what the engine does, as far as it takes memory.
func observe(in *riskd.Session, e *riskd.Event) {
	in.User, in.DeviceID, in.SeenAt = e.User.ID, e.Device.ID, noon
	if in.Cells == nil {
		in.Cells = make([]riskd.Cell, 9)
	}
}

// world gives a store n sessions and their users, and events of theirs.
func world(s *sessions.Store, n int) []*riskd.Event {
	events := make([]*riskd.Event, n)
	for i := range events {
		events[i] = eventOf(i)
		s.Update(events[i], noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			observe(in, events[i])
			return riskd.Lesson{Learn: true}
		})
	}
	return events
}

func revoke(t testing.TB, s *sessions.Store, target riskd.Target, at time.Time) {
	t.Helper()
	if _, err := s.Impose(context.Background(), "", riskd.Epoch{Target: target, At: at}); err != nil {
		t.Fatal(err)
	}
}

func nothing(*riskd.Session, *riskd.Profile) riskd.Lesson { return riskd.Lesson{} }

func BenchmarkUpdate(b *testing.B) {
	s := open(b, sessions.Options{})
	events := world(s, 1<<16)
	b.Run("one", func(b *testing.B) { // everything in the processor's cache
		b.ReportAllocs()
		for b.Loop() {
			s.Update(events[0], noon, nothing)
		}
	})
	b.Run("known", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			s.Update(events[i&(1<<16-1)], noon, nothing)
			i++
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		var from atomic.Int64
		b.RunParallel(func(p *testing.PB) {
			for i := int(from.Add(1 << 12)); p.Next(); i++ {
				s.Update(events[i&(1<<16-1)], noon, nothing)
			}
		})
	})
	b.Run("learning", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			s.Update(events[i&(1<<16-1)], noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson { return riskd.Lesson{Learn: true} })
			i++
		}
	})
}

// BenchmarkUpdateAtTheBound makes a session that is new for one that goes.
func BenchmarkUpdateAtTheBound(b *testing.B) {
	s := open(b, sessions.Options{MaxSessions: 1 << 16})
	e := eventOf(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		binary.BigEndian.PutUint64(e.Session.ID[:], uint64(i))
		s.Update(e, noon, nothing)
	}
}

func BenchmarkRevoked(b *testing.B) {
	for _, epochs := range []int{0, 1, 100_000} {
		s := open(b, sessions.Options{})
		for i := range epochs {
			t := riskd.Target{Kind: riskd.TargetKind(1 + i%4), ID: fmt.Sprint("other-", i)}
			if t.Kind == riskd.TargetTenant {
				t.Tenant = t.ID
			}
			binary.BigEndian.PutUint64(t.Session[:], uint64(1<<32+i))
			revoke(b, s, t, noon)
		}
		events := world(s, 1<<16)
		b.Run(fmt.Sprintf("epochs=%d", epochs), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, over := s.Revoked(events[i&(1<<16-1)]); over {
					b.Fatal("revoked")
				}
			}
		})
		b.Run(fmt.Sprintf("epochs=%d/parallel", epochs), func(b *testing.B) {
			b.ReportAllocs()
			var from atomic.Int64
			b.RunParallel(func(p *testing.PB) {
				for i := int(from.Add(1 << 12)); p.Next(); i++ {
					if _, over := s.Revoked(events[i&(1<<16-1)]); over {
						b.Error("revoked")
						return
					}
				}
			})
		})
	}
}

func BenchmarkRevoke(b *testing.B) {
	s := open(b, sessions.Options{})
	world(s, 1<<16)
	for i := range 100_000 {
		revoke(b, s, riskd.Target{Kind: riskd.TargetSession, Session: eventOf(1<<20 + i).Session.ID}, noon)
	}
	b.Run("session", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			t := riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{0: 1}}
			binary.BigEndian.PutUint64(t.Session[8:], uint64(i)+1)
			revoke(b, s, t, noon)
		}
	})
	b.Run("user/sessions=65536", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			revoke(b, s, riskd.Target{Kind: riskd.TargetUser, ID: "nobody"}, noon.Add(time.Duration(i)))
		}
	})
}

// BenchmarkExpire finds nothing that is due, as a sweep does as a rule.
func BenchmarkExpire(b *testing.B) {
	const n = 200_000
	s := open(b, sessions.Options{})
	for _, e := range world(s, n) {
		s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.ActiveAt, in.Limits = noon, riskd.Limits{Idle: time.Hour}
			return riskd.Lesson{}
		})
	}
	b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got := s.Expire(noon); got != 0 {
				b.Fatal(got)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	const n = 200_000
	s := open(b, sessions.Options{})
	world(s, n)
	for _, limit := range []int{100, 1000} {
		b.Run(fmt.Sprintf("sessions=%d/limit=%d", n, limit), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if page, _, err := s.List(sessions.Filter{Limit: limit}); err != nil || len(page) != limit {
					b.Fatal(len(page), err)
				}
			}
		})
	}
}

// BenchmarkMemory measures what a session and a profile take, with their strings
// and the tables around them.
func BenchmarkMemory(b *testing.B) {
	const n = 200_000
	for name, learns := range map[string]bool{"session": false, "session and profile": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				before := heap()
				s := open(b, sessions.Options{})
				for i := range n {
					e := eventOf(i)
					s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
						observe(in, e)
						return riskd.Lesson{Learn: learns}
					})
				}
				b.ReportMetric((heap()-before)/n, "B/session")
				runtime.KeepAlive(s)
			}
		})
	}
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// BenchmarkUpdateDurable is BenchmarkUpdate/known with a folder, what is written
// behind it included.
func BenchmarkUpdateDurable(b *testing.B) {
	s := openIn(b, nil, sessions.Options{Dir: b.TempDir()})
	events := world(s, 1<<16)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Update(events[i*7919&(1<<16-1)], noon, nothing)
	}
}

package sessionstest

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"pgregory.net/rapid"
)

type revocation struct {
	target riskd.Target
	at     time.Time
}

func drawRevocation(r *rapid.T) revocation {
	g := revocation{riskd.Target{Kind: riskd.TargetKind(rapid.IntRange(1, 4).Draw(r, "kind"))}, drawTime(r, "at")}
	switch g.target.Kind {
	case riskd.TargetSession:
		g.target.Session = id(rapid.IntRange(1, modelSessions).Draw(r, "session"))
	case riskd.TargetDevice, riskd.TargetUser:
		g.target.ID = rapid.SampledFrom([]string{"x", "y"}).Draw(r, "id")
		fallthrough
	default:
		g.target.Tenant = rapid.SampledFrom(modelTenants).Draw(r, "tenant")
	}
	return g
}

func drawTime(r *rapid.T, what string) time.Time {
	return after(time.Duration(rapid.IntRange(0, 6).Draw(r, what)) * time.Minute)
}

// orderDoesntMatter: an epoch is a max-register, so that the same ones are in
// force in whatever order and however often revocations arrive.
func orderDoesntMatter(t *testing.T, open func() tested) {
	rapid.Check(t, func(r *rapid.T) {
		given := rapid.SliceOfN(rapid.Custom(drawRevocation), 1, 12).Draw(r, "revocations")
		again := rapid.SliceOfN(rapid.SampledFrom(given), 0, 6).Draw(r, "again")
		other := rapid.Permutation(append(again, given...)).Draw(r, "in another order")
		want := map[riskd.Target]time.Time{}
		for _, g := range given {
			if at, ok := want[g.target]; !ok || g.at.After(at) {
				want[g.target] = g.at
			}
		}
		for _, order := range [][]revocation{given, other} {
			s := open()
			for _, g := range order {
				revoke(s, g.target, g.at)
			}
			got := map[riskd.Target]time.Time{}
			for _, e := range s.Revocations(0, 0) {
				got[e.Target] = e.At
			}
			if !maps.EqualFunc(got, want, time.Time.Equal) {
				r.Fatalf("%v\nput into force %v\nwant the latest of each: %v", order, got, want)
			}
		}
	})
}

// The model's world: sessions 1 to 8, of two tenants by turns, and two ids, 9
// and 10, that are only ever heard of as those before a rotation.
const modelSessions = 8

var modelTenants = []string{"even", "odd"}

func modelTenant(n int) string { return modelTenants[n%2] }

// model plays a store and the reference against each other.
func model(t *testing.T, open func() tested) {
	rapid.Check(t, func(r *rapid.T) {
		s := open()
		m := reference{map[int]*remembered{}, map[riskd.Target]time.Time{}, map[int]bool{0: false}, 0}
		r.Repeat(map[string]func(*rapid.T){
			"event":  func(r *rapid.T) { m.playEvent(r, s) },
			"revoke": func(r *rapid.T) { m.playRevocation(r, s) },
			"extend": func(r *rapid.T) { m.playExtension(r, s) },
			"expire": func(r *rapid.T) { m.playSweep(r, s) },
			"":       func(r *rapid.T) { m.compare(r, s) },
		})
	})
}

// playEvent does as the engine does: who is revoked gets no further.
func (m *reference) playEvent(r *rapid.T, s tested) {
	n := rapid.IntRange(1, modelSessions).Draw(r, "session")
	w := with{
		tenant:   modelTenant(n),
		previous: m.drawPrevious(r, n),
		user:     rapid.SampledFrom([]string{"", "x", "y"}).Draw(r, "user"),
		device:   rapid.SampledFrom([]string{"", "x", "y"}).Draw(r, "device"),
	}
	if rapid.Bool().Draw(r, "says its start") {
		w.started = drawTime(r, "start")
	}
	if rapid.Bool().Draw(r, "says its login") {
		w.auth = drawTime(r, "login")
	}
	l := rapid.SampledFrom([]riskd.Limits{{}, {}, {Idle: 2 * time.Minute}, {Absolute: 4 * time.Minute}}).Draw(r, "limits")
	now := drawTime(r, "now")
	_, over := s.Revoked(event(n, w))
	if want := m.revokedEvent(n, w.previous, w); over != want {
		r.Fatalf("revoked %v, want %v", over, want)
	}
	if over {
		return
	}
	m.update(n, w.previous, w, l, now)
	s.Update(event(n, w), now, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		observe(in, event(n, w), now)
		in.Limits = in.Limits.Strictest(l)
		if w.auth.After(in.AuthTime) {
			in.AuthTime = w.auth
		}
		if in.Status == riskd.StatusExpired {
			in.Status = riskd.StatusActive // which shall be of no use
		} else {
			decide(in, now)
		}
		return riskd.Lesson{}
	})
}

func (m *reference) playExtension(r *rapid.T, s tested) {
	n, now := rapid.IntRange(1, modelSessions).Draw(r, "session"), drawTime(r, "now")
	var want error
	switch in := m.sessions[n]; {
	case in == nil:
		want = riskd.ErrUnknownSession
	case m.revokedSession(n) || in.expired:
		want = riskd.ErrSessionOver
	case in.due(now):
		want = riskd.ErrSessionOver
		in.expire(now)
	case now.After(in.active):
		in.active = now
	}
	if given, err := s.Extend(id(n), now); !errors.Is(err, want) {
		r.Fatalf("extending session %d: %v, want %v", n, err, want)
	} else if err == nil {
		m.compareSession(r, n, &given)
	}
}

func (m *reference) playSweep(r *rapid.T, s tested) {
	now := drawTime(r, "now")
	want := 0
	for n, in := range m.sessions {
		if !in.expired && !m.revokedSession(n) && in.due(now) {
			in.expire(now)
			want++
		}
	}
	if got := s.Expire(now); got != want {
		r.Fatalf("%d expired, want %d", got, want)
	}
}

// drawPrevious draws an id that is known or never will be: rotations that are
// seen in the wrong order link only what is seen.
func (m *reference) drawPrevious(r *rapid.T, n int) int {
	choices := []int{0, 9 + n%2}
	for k := 1; k <= modelSessions; k++ {
		if m.sessions[k] != nil && k%2 == n%2 {
			choices = append(choices, k)
		}
	}
	return rapid.SampledFrom(choices).Draw(r, "previous")
}

func (m *reference) playRevocation(r *rapid.T, s tested) {
	g := drawRevocation(r)
	epoch, matched := s.Revoke(g.target, g.at, "", "")
	at, want := m.revoke(g)
	if !epoch.At.Equal(at) || epoch.Number > m.number || matched != want {
		r.Fatalf("%+v matched %d; want %v and %d", epoch, matched, at, want)
	}
}

func (m *reference) compare(r *rapid.T, s tested) {
	over := riskd.StatusRevoked
	all, _, _ := s.List(Filter{})
	ended, _, _ := s.List(Filter{Status: &over})
	want := 0
	for n := 1; n <= modelSessions; n++ {
		in, ok := s.Session(id(n))
		if known := m.sessions[n]; ok != (known != nil) {
			r.Fatalf("session %d: there %v", n, ok)
		} else if ok {
			m.compareSession(r, n, &in)
			if m.revokedSession(n) {
				want++
			}
		}
	}
	if len(all) != len(m.sessions) || len(ended) != want || s.Stats().Sessions != len(m.sessions) {
		r.Fatalf("%d sessions, %d revoked; want %d, %d", len(all), len(ended), len(m.sessions), want)
	}
	if epochs := s.Revocations(0, 0); len(epochs) != len(m.epochs) || len(epochs) > 0 && epochs[0].Number != m.number {
		r.Fatalf("in force: %+v; want %v, %d in all", epochs, m.epochs, m.number)
	}
}

func (m *reference) compareSession(r *rapid.T, n int, in *riskd.Session) {
	known := m.sessions[n]
	if in.User != known.user || in.DeviceID != known.device || !in.Start.Equal(known.start) || in.Requests != known.requests {
		r.Fatalf("session %d: %+v, want %+v", n, in, known)
	}
	if in.Previous != modelID(known.previous) || in.Next != modelID(known.next) {
		r.Fatalf("session %d: between %v and %v, want %d and %d", n, in.Previous, in.Next, known.previous, known.next)
	}
	want := riskd.StatusActive
	if m.revokedSession(n) {
		want = riskd.StatusRevoked
	} else if known.expired {
		want = riskd.StatusExpired
	}
	if in.Status != want || !in.ActiveAt.Equal(known.active) {
		r.Fatalf("session %d is %s, active at %v; want %s, %v", n, in.Status, in.ActiveAt, want, known.active)
	}
}

func modelID(n int) riskd.SessionID {
	if n == 0 {
		return riskd.SessionID{}
	}
	return id(n)
}

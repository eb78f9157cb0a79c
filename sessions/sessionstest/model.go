package sessionstest

import (
	"maps"
	"slices"
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
func orderDoesntMatter(t *testing.T, open func() Store) {
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

// reference is what a store has to be like, without a thought for speed, memory
// or company.
type reference struct {
	sessions map[int]*remembered
	epochs   map[riskd.Target]time.Time
	over     map[int]bool // session ids that are over for good
	number   uint64
}

type remembered struct {
	user, device           string
	start                  time.Time
	requests               uint32
	family, previous, next int
	ended                  bool // hit by a revocation while it was there
}

// revoked says whether an epoch ends a session that began at start.
func (m *reference) revoked(n int, start time.Time, users, devices []string) bool {
	targets := []riskd.Target{{Kind: riskd.TargetTenant}}
	for _, u := range users {
		targets = append(targets, riskd.Target{Kind: riskd.TargetUser, ID: u})
	}
	for _, d := range devices {
		targets = append(targets, riskd.Target{Kind: riskd.TargetDevice, ID: d})
	}
	return slices.ContainsFunc(targets, func(target riskd.Target) bool {
		target.Tenant = modelTenant(n)
		at, ok := m.epochs[target]
		return ok && start.Before(at)
	})
}

func (m *reference) revokedEvent(n, previous int, w with) bool {
	start := w.started
	users, devices := []string{w.user}, []string{w.device}
	over := m.over[n] || m.over[previous]
	for _, k := range []int{n, previous} {
		if in := m.sessions[k]; in != nil {
			over = over || m.over[in.family]
			users, devices = append(users, in.user), append(devices, in.device)
			if start.IsZero() || in.start.Before(start) {
				start = in.start
			}
		}
	}
	over = over || m.revoked(n, start, users, devices)
	if over && previous != 0 {
		m.over[n] = true
	}
	return over
}

// revokedSession says whether one that is remembered counts as revoked.
func (m *reference) revokedSession(n int) bool {
	in := m.sessions[n]
	return in.ended || m.over[n] || m.over[in.family] || m.revoked(n, in.start, []string{in.user}, []string{in.device})
}

func (m *reference) update(n, previous int, w with, now time.Time) {
	in := m.sessions[n]
	if in == nil {
		in = &remembered{start: now, family: previous, previous: previous}
		if old := m.sessions[previous]; old != nil {
			*in = *old
			in.previous, in.next = previous, 0
			if in.family == 0 {
				in.family = previous
			}
			old.next = n
		}
		m.sessions[n] = in
	}
	if !w.started.IsZero() && w.started.Before(in.start) {
		in.start = w.started
	}
	if in.user == "" {
		in.user = w.user
	}
	if w.device != "" {
		in.device = w.device
	}
	in.requests++
}

func (m *reference) revoke(g revocation) (inForce time.Time, matched int) {
	if at, ok := m.epochs[g.target]; ok && !g.at.After(at) {
		g.at = at
	} else {
		m.epochs[g.target] = g.at
		m.number++
	}
	relatives := map[int]bool{}
	if g.target.Kind == riskd.TargetSession {
		m.end(int(g.target.Session[7])-1, relatives)
	}
	for n, in := range m.sessions {
		if !in.ended && (relatives[n] || in.hitBy(g, modelTenant(n))) {
			in.ended = true
			matched++
		}
	}
	return g.at, matched
}

func (in *remembered) hitBy(g revocation, tenant string) bool {
	if g.target.Tenant != tenant || !in.start.Before(g.at) {
		return false
	}
	switch g.target.Kind {
	case riskd.TargetDevice:
		return in.device == g.target.ID
	case riskd.TargetUser:
		return in.user == g.target.ID
	default:
		return g.target.Kind == riskd.TargetTenant
	}
}

// end takes the sessions that are linked to one, and it, as over for good.
func (m *reference) end(n int, met map[int]bool) {
	if n == 0 || met[n] {
		return
	}
	met[n], m.over[n] = true, true
	if in := m.sessions[n]; in != nil {
		m.end(in.family, met)
		m.end(in.previous, met)
		m.end(in.next, met)
	}
}

// model plays a store and the reference against each other.
func model(t *testing.T, open func() Store) {
	rapid.Check(t, func(r *rapid.T) {
		s := open()
		m := reference{map[int]*remembered{}, map[riskd.Target]time.Time{}, map[int]bool{0: false}, 0}
		r.Repeat(map[string]func(*rapid.T){
			"event":  func(r *rapid.T) { m.playEvent(r, s) },
			"revoke": func(r *rapid.T) { m.playRevocation(r, s) },
			"":       func(r *rapid.T) { m.compare(r, s) },
		})
	})
}

// playEvent does as the engine does: who is revoked gets no further.
func (m *reference) playEvent(r *rapid.T, s Store) {
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
	now := drawTime(r, "now")
	_, over := s.Revoked(event(n, w))
	if want := m.revokedEvent(n, w.previous, w); over != want {
		r.Fatalf("revoked %v, want %v", over, want)
	}
	if over {
		return
	}
	m.update(n, w.previous, w, now)
	if found := see(s, now, event(n, w)); found.Requests+1 != m.sessions[n].requests {
		r.Fatalf("found after %d requests, want %d", found.Requests, m.sessions[n].requests-1)
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

func (m *reference) playRevocation(r *rapid.T, s Store) {
	g := drawRevocation(r)
	epoch, matched := s.Revoke(g.target, g.at, "", "")
	at, want := m.revoke(g)
	if !epoch.At.Equal(at) || epoch.Number > m.number || matched != want {
		r.Fatalf("%+v matched %d; want %v and %d", epoch, matched, at, want)
	}
}

func (m *reference) compare(r *rapid.T, s Store) {
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
	if (in.Status == riskd.StatusRevoked) != m.revokedSession(n) {
		r.Fatalf("session %d is %s", n, in.Status)
	}
}

func modelID(n int) riskd.SessionID {
	if n == 0 {
		return riskd.SessionID{}
	}
	return id(n)
}

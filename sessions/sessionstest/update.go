package sessionstest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func newSession(t *testing.T, s tested) {
	found := see(s, noon, event(1, with{tenant: "acme", user: "ada", device: "laptop"}))
	if found.ID != id(1) || found.Tenant != "acme" || !found.Start.Equal(noon) {
		t.Errorf("identity: %v %q %v", found.ID, found.Tenant, found.Start)
	}
	if found.Requests != 0 || found.User != "" || !found.SeenAt.IsZero() || found.Status != riskd.StatusActive {
		t.Errorf("holds what is the engine's to write: %+v", found)
	}
	if n := s.Stats().Sessions; n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
	if _, ok := s.Session(id(2)); ok {
		t.Error("a session is there that was never seen")
	}
}

func earliestStart(t *testing.T, s tested) {
	hour := time.Hour
	tests := map[string]struct {
		first, then time.Time // started_at of two events, seen at noon and after
		want        time.Time
	}{
		"not said":         {time.Time{}, time.Time{}, noon},
		"said":             {after(-hour), after(-hour), after(-hour)},
		"in the future":    {after(hour), after(hour), noon},
		"said afterwards":  {time.Time{}, after(-hour), after(-hour)},
		"earlier than now": {after(-hour), after(-2 * hour), after(-2 * hour)},
		"later than now":   {after(-2 * hour), after(-hour), after(-2 * hour)},
	}
	n := 0
	for name, test := range tests {
		n++
		see(s, noon, event(n, with{started: test.first}))
		see(s, after(time.Minute), event(n, with{started: test.then}))
		if got := find(t, s, n).Start; !got.Equal(test.want) {
			t.Errorf("%s: start %v, want %v", name, got, test.want)
		}
	}
}

func sessionGoesOn(t *testing.T, s tested) {
	for i := range 5 {
		found := see(s, after(time.Duration(i)*time.Second), event(1, with{user: "ada"}))
		if int(found.Requests) != i {
			t.Fatalf("event %d found %d before it", i, found.Requests)
		}
	}
	if n := s.Stats().Sessions; n != 1 {
		t.Errorf("%d sessions, want 1", n)
	}
}

// profileOf is the profile that an event is decided with.
func profileOf(s tested, e *riskd.Event) (p riskd.Profile) {
	s.Update(e, noon, func(_ *riskd.Session, given *riskd.Profile) riskd.Lesson {
		p = *given
		return riskd.Lesson{}
	})
	return p
}

func learn(s tested, e *riskd.Event, now time.Time) {
	s.Update(e, now, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.Agent = riskd.Agent{Family: "Firefox", OS: "Linux"}
		return riskd.Lesson{Learn: true}
	})
}

func profilesAreCopies(t *testing.T, s tested) {
	e := event(1, with{user: "ada", device: "laptop"})
	learn(s, e, noon)
	before := profileOf(s, e)
	s.Update(e, noon, func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson {
		*p = riskd.Profile{Sessions: 99}
		return riskd.Lesson{}
	})
	if got := profileOf(s, e); got != before {
		t.Errorf("what a decision writes into its copy went into the profile: %+v", got)
	}
}

func profilesLearn(t *testing.T, s tested) {
	first := event(1, with{user: "ada", device: "laptop"})
	if p := profileOf(s, first); p != (riskd.Profile{User: "ada"}) {
		t.Errorf("unknown user: %+v", p)
	}
	if n := s.Stats().Profiles; n != 0 {
		t.Errorf("%d profiles before anything was learned", n)
	}
	learn(s, first, noon)
	learn(s, first, after(time.Minute))
	learn(s, event(2, with{user: "ada"}), after(time.Hour))
	p := profileOf(s, first)
	if p.Sessions != 2 || p.Requests != 3 || !p.FirstAt.Equal(noon) || !p.LastAt.Equal(after(time.Hour)) {
		t.Errorf("learned %d sessions, %d requests, %v to %v; want 2, 3, noon to one", p.Sessions, p.Requests, p.FirstAt, p.LastAt)
	}
	agent := riskd.Agent{Family: "Firefox", OS: "Linux"}
	if device, _, known := p.HasDevice(riskd.MarkOf(&first.Device), agent, noon); !device || !known {
		t.Error("device or agent of the session not learned")
	}
	if !find(t, s, 1).Learned {
		t.Error("the session doesn't say that it was learned from")
	}
	if n := s.Stats().Profiles; n != 1 {
		t.Errorf("%d profiles, want 1", n)
	}
}

func whoseProfile(t *testing.T, s tested) {
	learn(s, event(9, with{user: "ada"}), noon)
	see(s, noon, event(1, with{user: "ada"}))
	tests := map[string]struct {
		event *riskd.Event
		want  riskd.Profile // what of it is compared: user and sessions
	}{
		"the event's user":     {event(2, with{user: "ada"}), riskd.Profile{User: "ada", Sessions: 1}},
		"the session's user":   {event(1, with{}), riskd.Profile{User: "ada", Sessions: 1}},
		"the event's is first": {event(1, with{user: "bob"}), riskd.Profile{User: "bob"}},
		"nobody's":             {event(3, with{}), riskd.Profile{}},
	}
	for name, test := range tests {
		if p := profileOf(s, test.event); p.User != test.want.User || p.Sessions != test.want.Sessions {
			t.Errorf("%s: %q with %d sessions, want %q with %d", name, p.User, p.Sessions, test.want.User, test.want.Sessions)
		}
	}
	learn(s, event(3, with{}), noon)
	if n := s.Stats().Profiles; n != 1 || find(t, s, 3).Learned {
		t.Error("learned from an event without a user")
	}
}

func tenantsAreApart(t *testing.T, s tested) {
	learn(s, event(1, with{tenant: "acme", user: "ada"}), noon)
	if p := profileOf(s, event(2, with{tenant: "umbrella", user: "ada"})); p.Sessions != 0 || p.Tenant != "umbrella" {
		t.Errorf("one tenant's profile at another: %+v", p)
	}
	for _, kind := range []riskd.TargetKind{riskd.TargetUser, riskd.TargetDevice, riskd.TargetTenant} {
		s.Revoke(riskd.Target{Kind: kind, Tenant: "acme", ID: "ada"}, after(time.Hour), "", "")
	}
	wantRevoked(t, s, event(1, with{tenant: "acme", user: "ada"}), true)
	wantRevoked(t, s, event(2, with{tenant: "umbrella", user: "ada", device: "ada"}), false)
	wantRevoked(t, s, event(2, with{user: "ada", started: noon}), false)
	// Nor do names run into each other.
	s.Revoke(riskd.Target{Kind: riskd.TargetUser, Tenant: "ab", ID: "c"}, after(time.Hour), "", "")
	wantRevoked(t, s, event(3, with{tenant: "a", user: "bc", started: noon}), false)
}

func oneAtATime(t *testing.T, s tested) {
	const workers, events = 8, 200
	var inside atomic.Int32
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range events {
				s.Update(event(1, with{user: "ada"}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
					if inside.Add(1) != 1 {
						t.Error("two at a time")
					}
					in.Requests++
					inside.Add(-1)
					return riskd.Lesson{Learn: true}
				})
			}
		})
	}
	all.Wait()
	if n := find(t, s, 1).Requests; n != workers*events {
		t.Errorf("%d requests, want %d", n, workers*events)
	}
	if p := profileOf(s, event(1, with{user: "ada"})); p.Contexts[0].Count != workers*events || p.Sessions != 1 {
		t.Errorf("profile has %d requests of %d sessions, want %d of 1", p.Contexts[0].Count, p.Sessions, workers*events)
	}
}

// othersDontWait would never end if it failed.
func othersDontWait(t *testing.T, s tested) {
	see(s, noon, event(2, with{user: "ada"}))
	s.Update(event(1, with{user: "ada", device: "laptop"}), noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson {
		var others sync.WaitGroup
		others.Go(func() {
			for n := 2; n < 2000; n++ { // every part of the store
				see(s, noon, event(n, with{user: "bob", started: noon}))
			}
			revoke(s, user("ada"), after(time.Hour))
			revoke(s, session(1), noon)
			wantRevoked(t, s, event(1, with{}), true)
			wantRevoked(t, s, event(2, with{}), true)
			wantRevoked(t, s, event(3, with{}), false)
			s.Revocations(0, 0)
			s.Sweep(noon)
			s.Stats()
		})
		others.Wait()
		return riskd.Lesson{}
	})
}

func usersSessionsDontWait(t *testing.T, s tested) {
	s.Update(event(1, with{user: "ada"}), noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson {
		var other sync.WaitGroup
		other.Go(func() { learn(s, event(2, with{user: "ada"}), noon) })
		other.Wait()
		return riskd.Lesson{Learn: true}
	})
	if p := profileOf(s, event(1, with{user: "ada"})); p.Sessions != 2 {
		t.Errorf("learned from %d sessions, want 2", p.Sessions)
	}
}

func panicReleases(t *testing.T, s tested) {
	panicThrice(t, s)
	if n := see(s, noon, event(1, with{user: "ada"})).Requests; n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
}

// A session that has panicked doesn't hold on to its place.
func panickedIsForgotten(t *testing.T, s tested) {
	panicThrice(t, s)
	for n := 2; n < 2*MaxSessions; n++ {
		see(s, after(time.Hour), event(n, with{}))
	}
	if _, ok := s.Session(id(1)); ok {
		t.Error("the session can't be forgotten any more")
	}
}

func panicThrice(t *testing.T, s tested) {
	for range 3 {
		func() {
			defer func() {
				if got := recover(); got != "broken signal" {
					t.Errorf("the panic became %v", got)
				}
			}()
			s.Update(event(1, with{user: "ada"}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
				in.Requests++
				panic("broken signal")
			})
		}()
	}
}

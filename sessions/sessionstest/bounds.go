package sessionstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// boundsHold floods the store with ids that nobody will see again.
func boundsHold(t *testing.T, s tested) {
	const flood, planted = 200_000, 1000
	suspect := func(n int) *riskd.Event {
		return event(n, with{user: fmt.Sprint("victim", n), device: fmt.Sprint("victim's", n)})
	}
	for n := range planted {
		see(s, noon, suspect(n))
		switch n % 3 {
		case 0:
			revoke(s, session(n), after(time.Hour))
		case 1:
			revoke(s, user(fmt.Sprint("victim", n)), after(time.Hour))
		case 2:
			revoke(s, device(fmt.Sprint("victim's", n)), after(time.Hour))
		}
	}
	see(s, noon, event(planted, with{}))
	for n := planted + 1; n < flood; n++ {
		see(s, after(time.Minute+time.Duration(n)*time.Millisecond), event(n, with{}))
		if n%1000 == 0 {
			if got := s.Stats().Sessions; got > MaxSessions {
				t.Fatalf("%d sessions, the bound is %d", got, MaxSessions)
			}
		}
	}
	stats := s.Stats()
	if stats.Sessions != MaxSessions || stats.EvictedSessions != flood-MaxSessions {
		t.Errorf("%d sessions left and %d gone, want %d and %d", stats.Sessions, stats.EvictedSessions, MaxSessions, flood-MaxSessions)
	}
	for n := range planted {
		if _, over := s.Revoked(suspect(n)); !over {
			t.Fatalf("the revocation of session %d is lost", n)
		}
	}
	if _, ok := s.Session(id(planted)); ok {
		t.Fatal("the oldest of all is still there")
	}
	found := see(s, after(24*time.Hour), event(planted, with{}))
	if found.Requests != 0 || !found.Start.Equal(after(24*time.Hour)) || found.Learned {
		t.Errorf("a forgotten session comes back as %+v", found)
	}
}

func oldestGoFirst(t *testing.T, s tested) {
	const half = MaxSessions / 2
	for n := range MaxSessions {
		see(s, noon, event(n, with{}))
	}
	for n := range half {
		see(s, after(time.Hour), event(n, with{}))
	}
	for n := range half / 2 {
		see(s, after(2*time.Hour), event(MaxSessions+n, with{}))
	}
	gone := 0
	for n := range half {
		if _, ok := s.Session(id(n)); !ok {
			gone++
		}
	}
	// Nobody promises the very oldest; a random choice would take half of them.
	if gone > half/2/5 {
		t.Errorf("%d of %d forgotten were not among the older half", gone, half/2)
	}
}

func suspectsStay(t *testing.T, s tested) {
	suspicions := []func(*riskd.Session){
		func(in *riskd.Session) { in.StepUp = &riskd.StepUp{ID: "su_1"} },
		func(in *riskd.Session) { in.Status = riskd.StatusStepUp },
		func(in *riskd.Session) { in.Score = riskd.StepUpScore },
	}
	suspect := func(n int) {
		s.Update(event(n, with{}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.SeenAt = noon
			suspicions[n%len(suspicions)](in)
			return riskd.Lesson{}
		})
	}
	const suspects = 300
	for n := range suspects {
		suspect(n)
	}
	// A suspect that was revoked needs no place: the revocation has one.
	for n := range 4 * len(suspicions) {
		suspect(4*MaxSessions + n)
		switch e := event(4*MaxSessions+n, with{}); n / len(suspicions) {
		case 0:
			revoke(s, session(4*MaxSessions+n), noon)
		case 1:
			s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
				in.User = "ada"
				return riskd.Lesson{}
			})
			revoke(s, user("ada"), after(time.Hour))
		case 2:
			s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
				in.Status = riskd.StatusRevoked
				return riskd.Lesson{}
			})
		case 3:
			s.Update(e, noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson {
				revoke(s, session(4*MaxSessions+n), noon)
				return riskd.Lesson{}
			})
		}
	}
	for n := suspects; n < 3*MaxSessions; n++ {
		see(s, after(time.Hour), event(n, with{}))
	}
	for n := range suspects {
		find(t, s, n)
	}
	for n := range 4 * len(suspicions) {
		if _, ok := s.Session(id(4*MaxSessions + n)); ok {
			t.Errorf("revoked suspect %d is still there", n)
		}
	}
	// With nothing but suspects the bound holds too.
	for n := range 2 * MaxSessions {
		suspect(n)
	}
	if n := s.Stats().Sessions; n != MaxSessions {
		t.Errorf("%d sessions, want %d", n, MaxSessions)
	}
	// One that was cleared is like any other.
	page, _, _ := s.List(Filter{Limit: 1})
	n := int(page[0].ID[6])<<8 + int(page[0].ID[7]) - 1
	s.Update(event(n, with{}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.StepUp, in.Status, in.Score = nil, riskd.StatusActive, 0
		return riskd.Lesson{}
	})
	suspect(5 * MaxSessions)
	if _, ok := s.Session(id(n)); ok {
		t.Error("a suspect went for one that was none any more")
	}
}

func profilesAreBounded(t *testing.T, s tested) {
	regular := event(2, with{user: "regular"})
	learn(s, regular, noon)
	for n := range 2 * MaxProfiles {
		now := after(time.Duration(n) * time.Second)
		learn(s, event(1, with{user: fmt.Sprint("u", n)}), now)
		see(s, now, regular)
	}
	if stats := s.Stats(); stats.Profiles != MaxProfiles || stats.EvictedProfiles != MaxProfiles+1 {
		t.Errorf("%d profiles, %d gone; want %d and %d", stats.Profiles, stats.EvictedProfiles, MaxProfiles, MaxProfiles+1)
	}
	if p := profileOf(s, regular); p.Sessions != 1 {
		t.Error("a profile went that is in use all the time")
	}
	if p := profileOf(s, event(2, with{user: "u0"})); p != (riskd.Profile{User: "u0"}) {
		t.Errorf("a forgotten user comes back as %+v", p)
	}
}

// forgottenStaysRevoked: what a revocation hit by something that only the store
// knew must not get off when the store forgets it.
func forgottenStaysRevoked(t *testing.T, s tested) {
	see(s, noon, event(1, with{user: "ada", device: "laptop"}))
	see(s, noon, event(2, with{previous: 1}))
	see(s, noon, event(3, with{previous: 1}))
	see(s, noon, event(4, with{user: "bob", device: "phone"}))
	see(s, noon, event(5, with{tenant: "acme"}))
	revoke(s, session(2), noon)
	revoke(s, user("bob"), after(time.Hour))
	s.Revoke(riskd.Target{Kind: riskd.TargetTenant, Tenant: "acme"}, after(time.Hour), "", "")
	see(s, noon, event(6, with{previous: 3}))
	for n := range 3 * MaxSessions {
		see(s, after(time.Hour), event(100+n, with{tenant: "others"}))
	}
	for n := 1; n <= 6; n++ {
		if _, ok := s.Session(id(n)); ok {
			t.Fatalf("session %d is still there", n)
		}
		e := event(n, with{started: after(2 * time.Hour)})
		if n == 5 {
			e.Tenant = "acme"
		}
		wantRevoked(t, s, e, true)
	}
	if n := len(s.Revocations(0, 0)); n != 3 {
		t.Errorf("%d revocations listed, want the 3 that were made", n)
	}
}

// brokenFamily: a session is linked to those it came from even when the store
// has forgotten one between them.
func brokenFamily(t *testing.T, s tested) {
	see(s, noon, event(1, with{}))
	for n := 2; n <= 4; n++ {
		see(s, noon, event(n, with{previous: n - 1}))
	}
	for _, n := range []int{1, 4} {
		s.Update(event(n, with{}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.Score = riskd.StepUpScore // so that it stays
			return riskd.Lesson{}
		})
	}
	for n := range 3 * MaxSessions {
		see(s, after(time.Hour), event(100+n, with{}))
	}
	if _, ok := s.Session(id(3)); ok {
		t.Fatal("session 3 is still there")
	}
	revoke(s, session(4), noon)
	for _, n := range []int{1, 3, 4} {
		wantRevoked(t, s, event(n, with{started: noon}), true)
	}
}

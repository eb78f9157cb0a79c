package sessionstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func nothingRevoked(t *testing.T, s tested) {
	see(s, noon, event(1, with{user: "ada", device: "laptop"}))
	wantRevoked(t, s, event(1, with{user: "ada", device: "laptop"}), false)
	wantRevoked(t, s, event(2, with{}), false)
	if list := s.Revocations(0, 0); len(list) != 0 {
		t.Errorf("revocations in force: %+v", list)
	}
}

func whatARevocationEnds(t *testing.T, s tested) {
	n := 0
	for _, kind := range []riskd.TargetKind{riskd.TargetDevice, riskd.TargetUser, riskd.TargetTenant} {
		for offset, want := range map[time.Duration]bool{-1: false, 0: false, 1: true} {
			n++
			// A tenant of its own keeps the case apart from the others.
			tenant := fmt.Sprint(kind, offset)
			w := with{tenant: tenant, user: "x", device: "x"}
			see(s, noon, event(n, w))
			epoch, _ := s.Revoke(riskd.Target{Kind: kind, Tenant: tenant, ID: "x"}, after(offset), "stolen", "ops")
			got, over := s.Revoked(event(n, w))
			if over != want || over && got != epoch {
				t.Errorf("%s revoked %v after the start: %v by %+v, want %v by %+v", kind, offset, over, got, want, epoch)
			}
			wantRevoked(t, s, event(1000+n, with{tenant: tenant, user: "y", device: "y", started: noon}), want && kind == riskd.TargetTenant)
			wantRevoked(t, s, event(2000+n, with{tenant: tenant + "y", user: "x", device: "x", started: noon}), false)
		}
	}
	see(s, noon, event(5000, with{}))
	epoch, _ := s.Revoke(session(5000), after(-time.Hour), "stolen", "ops")
	if got, over := s.Revoked(event(5000, with{})); !over || got != epoch {
		t.Errorf("session: %v by %+v, want %+v", over, got, epoch)
	}
	wantRevoked(t, s, event(5001, with{}), false)
}

func leavingOut(t *testing.T, s tested) {
	see(s, noon, event(1, with{user: "ada", device: "laptop"}))
	see(s, noon, event(2, with{user: "bob", device: "phone"}))
	revoke(s, user("ada"), after(time.Hour))
	revoke(s, device("phone"), after(time.Hour))
	for name, w := range map[string]with{
		"nothing": {}, "another user": {user: "eve"}, "another device": {device: "tablet"},
		"a later start": {started: after(2 * time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			wantRevoked(t, s, event(1, w), true)
			wantRevoked(t, s, event(2, w), true)
		})
	}
	// The event's own names count as well.
	see(s, noon, event(3, with{user: "eve", device: "tablet"}))
	wantRevoked(t, s, event(3, with{user: "ada"}), true)
	wantRevoked(t, s, event(3, with{device: "phone"}), true)
	wantRevoked(t, s, event(3, with{}), false)
}

func unknownStart(t *testing.T, s tested) {
	revoke(s, user("ada"), noon)
	wantRevoked(t, s, event(1, with{user: "ada"}), true)
	wantRevoked(t, s, event(1, with{user: "ada", started: after(-1)}), true)
	wantRevoked(t, s, event(1, with{user: "ada", started: noon}), false)
	wantRevoked(t, s, event(1, with{user: "ada", started: after(1)}), false)
	wantRevoked(t, s, event(1, with{}), false)
}

func revokedIsAbsolute(t *testing.T, s tested) {
	revoke(s, session(1), noon) // never seen
	see(s, noon, event(2, with{user: "ada"}))
	revoke(s, session(2), noon)
	for _, n := range []int{1, 2} {
		for _, w := range []with{{}, {started: after(time.Hour)}, {user: "bob"}, {previous: 9}} {
			wantRevoked(t, s, event(n, w), true)
			see(s, after(time.Hour), event(n, w)) // as if nobody had asked
			wantRevoked(t, s, event(n, w), true)
		}
	}
}

func rotationDoesntEscape(t *testing.T, s tested) {
	later := with{started: after(2 * time.Hour)}
	// A revoked id that is rotated takes the new id along, though the store gets
	// to see only one event that has both.
	revoke(s, session(1), noon)
	wantRevoked(t, s, event(2, with{previous: 1, started: later.started}), true)
	wantRevoked(t, s, event(2, later), true)
	// So does the session of a revoked user, device or tenant.
	see(s, noon, event(11, with{user: "ada"}))
	revoke(s, user("ada"), after(time.Hour))
	wantRevoked(t, s, event(12, with{previous: 11, started: later.started}), true)
	wantRevoked(t, s, event(12, later), true)
	// And a session that went on under a new id before the revocation is as old as
	// it was under the first.
	see(s, noon, event(21, with{user: "bob"}))
	see(s, noon, event(22, with{previous: 21, started: later.started}))
	revoke(s, user("bob"), after(time.Hour))
	wantRevoked(t, s, event(22, later), true)
	// A decision for the new id that was under way sees it too.
	see(s, noon, event(23, with{user: "eve"}))
	revoke(s, session(23), noon)
	if found := see(s, noon, event(24, with{previous: 23})); found.Status != riskd.StatusRevoked {
		t.Errorf("the session after a revoked one is %s", found.Status)
	}
	// An id that was known without its past.
	see(s, noon, event(31, with{}))
	wantRevoked(t, s, event(31, with{previous: 1}), true)
	wantRevoked(t, s, event(31, with{}), true)
}

func familiesEndTogether(t *testing.T, s tested) {
	for name, test := range map[string]struct {
		rotations [][2]int // from, to
		members   int
	}{
		"a chain":                  {[][2]int{{1, 2}, {2, 3}, {3, 4}}, 4},
		"two went on from one":     {[][2]int{{1, 2}, {1, 3}, {3, 4}}, 4},
		"nobody saw the beginning": {[][2]int{{1, 2}, {2, 3}}, 3},
	} {
		for revoked := 1; revoked <= test.members; revoked++ {
			base := find10(s)
			if name != "nobody saw the beginning" {
				see(s, noon, event(base+1, with{}))
			}
			for _, r := range test.rotations {
				see(s, noon, event(base+r[1], with{previous: base + r[0]}))
			}
			revoke(s, session(base+revoked), noon)
			for n := 1; n <= test.members; n++ {
				if _, over := s.Revoked(event(base+n, with{})); !over {
					t.Errorf("%s: %d goes on after %d was revoked", name, n, revoked)
				}
				// One that follows later has no chance either.
				see(s, noon, event(base+10+n, with{previous: base + n}))
				wantRevoked(t, s, event(base+10+n, with{}), true)
			}
		}
	}
}

// find10 gives the beginning of a range of ids that no case has used.
func find10(s tested) int { return 100 * (1 + s.Stats().Sessions) }

func matchedCounts(t *testing.T, s tested) {
	for n := range 30 {
		see(s, after(time.Duration(n)*time.Minute), event(n, with{user: fmt.Sprint("u", n%3), device: fmt.Sprint("d", n%2)}))
	}
	see(s, noon, event(30, with{tenant: "other", user: "u0"}))
	s.Update(event(32, with{}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.User, in.Status = "u0", riskd.StatusRevoked // by the policy
		return riskd.Lesson{}
	})
	see(s, after(time.Hour), event(31, with{previous: 1}))
	late := after(2 * time.Hour)
	for _, step := range []struct {
		target riskd.Target
		at     time.Time
		want   int
	}{
		{user("nobody"), late, 0},
		{user("u0"), noon, 0},
		{user("u0"), after(4 * time.Minute), 2}, // sessions 0 and 3
		{user("u0"), late, 8},
		{user("u0"), late, 0},
		{session(31), noon, 2}, // with session 1
		{device("d0"), late, 10},
		{session(500), noon, 0},
		{riskd.Target{Kind: riskd.TargetTenant}, late, 9},
		{riskd.Target{Kind: riskd.TargetTenant, Tenant: "other"}, late, 1},
	} {
		if got := revoke(s, step.target, step.at); got != step.want {
			t.Errorf("%+v before %v: matched %d, want %d", step.target, step.at, got, step.want)
		}
	}
	for n := range 32 {
		if status := find(t, s, n).Status; status != riskd.StatusRevoked {
			t.Errorf("session %d is %s", n, status)
		}
		if found := see(s, late, event(n, with{})); found.Status != riskd.StatusRevoked {
			t.Errorf("session %d is %s to a decision", n, found.Status)
		}
	}
}

func latestStands(t *testing.T, s tested) {
	first, _ := s.Revoke(user("ada"), after(time.Hour), "first", "ops")
	for name, at := range map[string]time.Time{"earlier": noon, "the same": after(time.Hour)} {
		if got, _ := s.Revoke(user("ada"), at, name, "ops"); got != first {
			t.Errorf("%s: %+v is in force, want %+v", name, got, first)
		}
	}
	wantRevoked(t, s, event(1, with{user: "ada", started: after(59 * time.Minute)}), true)
	second, _ := s.Revoke(user("ada"), after(2*time.Hour), "second", "soc")
	want := riskd.Epoch{Target: user("ada"), At: after(2 * time.Hour), Number: first.Number + 1, Reason: "second", Actor: "soc"}
	if second != want {
		t.Errorf("%+v, want %+v", second, want)
	}
	if list := s.Revocations(0, 0); len(list) != 1 || list[0] != want {
		t.Errorf("in force: %+v", list)
	}
}

func invalidTargets(t *testing.T, s tested) {
	see(s, noon, event(1, with{}))
	for _, target := range []riskd.Target{{}, {Kind: riskd.TargetSession}, {Kind: riskd.TargetUser}, {Kind: riskd.TargetDevice}, {Kind: 99}} {
		if epoch, matched := s.Revoke(target, after(time.Hour), "", ""); epoch != (riskd.Epoch{}) || matched != 0 {
			t.Errorf("%+v: %+v matched %d", target, epoch, matched)
		}
	}
	wantRevoked(t, s, event(1, with{}), false)
}

func inFlight(t *testing.T, s tested) {
	for n, target := range []riskd.Target{session(0), user("ada"), device("laptop"), {Kind: riskd.TargetTenant}} {
		e := event(n, with{user: "ada", device: "laptop"})
		see(s, noon, e)
		s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			revoke(s, target, after(time.Duration(n+1)*time.Hour))
			wantRevoked(t, s, e, true)
			in.Status = riskd.StatusActive
			return riskd.Lesson{}
		})
		wantRevoked(t, s, event(n, with{}), true)
		if status := find(t, s, n).Status; status != riskd.StatusRevoked {
			t.Errorf("%s: the session is %s", target.Kind, status)
		}
		if found := see(s, noon, e); found.Status != riskd.StatusRevoked {
			t.Errorf("%s: the next decision finds it %s", target.Kind, found.Status)
		}
	}
}

func revocationsAreListed(t *testing.T, s tested) {
	const n = 250
	for i := range n {
		epoch, _ := s.Revoke(user(fmt.Sprint("u", i%200)), after(time.Duration(i)), "", "")
		if epoch.Number != uint64(i+1) {
			t.Fatalf("number %d, want %d", epoch.Number, i+1)
		}
	}
	if page := s.Revocations(0, 0); len(page) != 100 {
		t.Errorf("%d on a page that nobody set, want 100", len(page))
	}
	var got []riskd.Epoch
	before := uint64(0)
	for {
		page := s.Revocations(before, 30)
		got = append(got, page...)
		if len(page) < 30 {
			break
		}
		before = page[29].Number
		s.Revoke(device(fmt.Sprint(before)), noon, "", "") // newer than the pages that follow
	}
	if len(got) != 200 {
		t.Fatalf("%d in force, want 200", len(got))
	}
	for i, e := range got {
		if e.Number != uint64(n-i) {
			t.Fatalf("place %d has number %d", i, e.Number)
		}
	}
}

func revocationsExpire(t *testing.T, s tested) {
	e := event(1, with{user: "ada"})
	revoke(s, user("ada"), after(-time.Hour))
	revoke(s, user("ada"), noon)
	revoke(s, session(2), after(-10*EpochRetention)) // its own time doesn't matter
	revoke(s, device("laptop"), after(EpochRetention))
	for _, now := range []time.Duration{0, -time.Hour, EpochRetention / 2, -1000 * time.Hour, EpochRetention} {
		if n := s.Sweep(after(now)); n != 0 {
			t.Fatalf("%d expired %v after the first sweep", n, now)
		}
	}
	wantRevoked(t, s, e, true)
	wantRevoked(t, s, event(2, with{}), true)
	if n := s.Sweep(after(EpochRetention + 1)); n != 2 {
		t.Errorf("%d expired, want 2", n)
	}
	wantRevoked(t, s, e, false)
	wantRevoked(t, s, event(2, with{}), false)
	wantRevoked(t, s, event(3, with{device: "laptop"}), true)
	if n := s.Sweep(after(2*EpochRetention + 1)); n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
	if n := s.Stats().Epochs; n != 0 || len(s.Revocations(0, 0)) != 0 {
		t.Errorf("%d epochs left", n)
	}
}

package sessionstest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// write lets a decision at now do with a session as it likes.
func write(s tested, n int, now time.Time, fn func(*riskd.Session)) {
	s.Update(event(n, with{}), now, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		fn(in)
		return riskd.Lesson{}
	})
}

// limit takes in a session's first event, at noon, under the limits.
func limit(s tested, n int, l riskd.Limits) {
	write(s, n, noon, func(in *riskd.Session) { in.SeenAt, in.ActiveAt, in.Limits = noon, noon, l })
}

// decide is the engine's part in timeouts: it ends a session whose time is up and
// begins its idle clock anew otherwise. It reports whether it ended the session.
func decide(in *riskd.Session, now time.Time) (expired bool) {
	if in.Status.Over() {
		return false
	}
	idle, absolute := in.Ends(in.Limits)
	for _, end := range []time.Time{idle, absolute} {
		expired = expired || !end.IsZero() && !now.Before(end)
	}
	if expired {
		in.Status = riskd.StatusExpired
	} else if now.After(in.ActiveAt) {
		in.ActiveAt = now
	}
	return expired
}

func wantStatus(t *testing.T, s tested, n int, want riskd.Status) {
	t.Helper()
	if got := find(t, s, n).Status; got != want {
		t.Errorf("session %d is %s, want %s", n, got, want)
	}
	if page, _, err := s.List(Filter{Status: &want}); err != nil || !contains(page, n) {
		t.Errorf("session %d is not listed among those %s (%v)", n, want, err)
	}
}

func contains(page []riskd.Session, n int) bool {
	for _, in := range page {
		if in.ID == id(n) {
			return true
		}
	}
	return false
}

func expireMarks(t *testing.T, s tested) {
	const each = 100
	idle := riskd.Limits{Idle: 10 * time.Minute}
	kinds := []struct {
		limits riskd.Limits
		make   func(*riskd.Session)
		want   riskd.Status
	}{
		{idle, func(*riskd.Session) {}, riskd.StatusExpired},
		{riskd.Limits{Absolute: 20 * time.Minute}, func(in *riskd.Session) { in.StepUp = &riskd.StepUp{} }, riskd.StatusExpired},
		{riskd.Limits{Idle: time.Hour, Absolute: time.Hour / 2}, func(in *riskd.Session) { in.Score = 99 }, riskd.StatusExpired},
		{riskd.Limits{}, func(*riskd.Session) {}, riskd.StatusActive},
		{idle, func(in *riskd.Session) { in.User = "ada" }, riskd.StatusRevoked},
		{idle, func(in *riskd.Session) { in.User = "early" }, riskd.StatusRevoked},
		{idle, func(in *riskd.Session) { in.Status = riskd.StatusRevoked }, riskd.StatusRevoked},
		{idle, func(in *riskd.Session) { in.Status = riskd.StatusExpired }, riskd.StatusExpired},
	}
	revoke(s, user("early"), after(time.Hour))
	for n := range each * len(kinds) {
		limit(s, n, kinds[n%len(kinds)].limits)
		write(s, n, noon, kinds[n%len(kinds)].make)
	}
	revoke(s, user("ada"), after(time.Hour))
	for _, step := range []struct {
		now  time.Duration
		want int
	}{
		{10*time.Minute - 1, 0},
		{10 * time.Minute, each},
		{10 * time.Minute, 0},
		{0, 0},
		{time.Hour, 2 * each},
		{1000 * time.Hour, 0},
	} {
		if got := s.Expire(after(step.now)); got != step.want {
			t.Errorf("at %v %d expired, want %d", step.now, got, step.want)
		}
	}
	for n := range each * len(kinds) {
		if in, want := find(t, s, n), kinds[n%len(kinds)].want; in.Status != want || in.StepUp != nil {
			t.Fatalf("session %d is %s, want %s; step-up %v", n, in.Status, want, in.StepUp)
		}
	}
}

// decisionsWin would never end if the sweep waited for a decision.
func decisionsWin(t *testing.T, s tested) {
	l := riskd.Limits{Idle: 10 * time.Minute}
	limit(s, 1, l)
	limit(s, 2, l)
	write(s, 1, after(9*time.Minute), func(in *riskd.Session) {
		if n := s.Expire(after(10 * time.Minute)); n != 1 {
			t.Errorf("%d expired, want session 2 alone", n)
		}
		in.ActiveAt = after(9 * time.Minute)
	})
	wantStatus(t, s, 1, riskd.StatusActive)
	wantStatus(t, s, 2, riskd.StatusExpired)
	if n := s.Expire(after(19*time.Minute - 1)); n != 0 {
		t.Errorf("%d expired before their time", n)
	}
	if n := s.Expire(after(19 * time.Minute)); n != 1 {
		t.Errorf("%d expired, want 1", n)
	}
}

// expirations are the ways in which a session under a limit of ten minutes comes
// to be expired at ten minutes past noon.
func expirations(s tested) map[string]func(n int) {
	up := after(10 * time.Minute)
	return map[string]func(n int){
		"by a decision":   func(n int) { write(s, n, up, func(in *riskd.Session) { decide(in, up) }) },
		"by an extension": func(n int) { _, _ = s.Extend(id(n), up) },
		"by the sweep":    func(int) { s.Expire(up) },
	}
}

func expiredIsFinal(t *testing.T, s tested) {
	n := 0
	for name, expire := range expirations(s) {
		for _, status := range []riskd.Status{riskd.StatusActive, riskd.StatusStepUp, riskd.StatusExpired} {
			n++
			limit(s, n, riskd.Limits{Idle: 10 * time.Minute})
			expire(n)
			for range 2 {
				write(s, n, noon, func(in *riskd.Session) {
					if in.Status != riskd.StatusExpired {
						t.Errorf("%s: a decision finds it %s", name, in.Status)
					}
					in.Status, in.Limits, in.ActiveAt = status, riskd.Limits{}, after(time.Hour)
				})
				wantStatus(t, s, n, riskd.StatusExpired)
			}
			if _, err := s.Extend(id(n), noon); !errors.Is(err, riskd.ErrSessionOver) {
				t.Errorf("%s: extended: %v", name, err)
			}
			func() {
				defer func() { _ = recover() }()
				write(s, n, noon, func(in *riskd.Session) {
					in.Status = status
					panic("broken signal")
				})
			}()
			wantStatus(t, s, n, riskd.StatusExpired)
		}
	}
	// But it can be revoked, by the policy or by anybody, and that is what shows.
	write(s, 1, noon, func(in *riskd.Session) { in.Status = riskd.StatusRevoked })
	wantStatus(t, s, 1, riskd.StatusRevoked)
	write(s, 1, noon, func(in *riskd.Session) { in.Status = riskd.StatusActive })
	wantStatus(t, s, 1, riskd.StatusExpired)
	if matched := revoke(s, session(2), noon); matched != 1 {
		t.Errorf("revoking an expired session matched %d", matched)
	}
	write(s, 2, noon, func(in *riskd.Session) {
		if in.Status != riskd.StatusRevoked {
			t.Errorf("a decision finds a revoked session %s", in.Status)
		}
		in.Status = riskd.StatusExpired
	})
	wantStatus(t, s, 2, riskd.StatusRevoked)
}

func rotationFromExpired(t *testing.T, s tested) {
	signedIn := after(-time.Hour)
	n := 0
	for how, expire := range expirations(s) {
		for name, test := range map[string]struct {
			auth  time.Time
			fresh bool
		}{
			"no login":               {time.Time{}, false},
			"the same login":         {signedIn, false},
			"a login before its end": {after(10*time.Minute - 1), false},
			"a login at its end":     {after(10 * time.Minute), false},
			"a login after its end":  {after(10*time.Minute + 1), true},
			"a login just now":       {after(time.Hour), true},
		} {
			n += 2
			limit(s, n, riskd.Limits{Idle: 10 * time.Minute})
			write(s, n, noon, func(in *riskd.Session) { in.AuthTime, in.Requests = signedIn, 7 })
			expire(n)
			found := see(s, after(time.Hour), event(n+1, with{previous: n, auth: test.auth}))
			if test.fresh {
				wantFresh(t, s, how+", "+name, n, found)
				continue
			}
			if found.Status != riskd.StatusExpired || found.Requests != 7 || found.Previous != id(n) || find(t, s, n).Next != id(n+1) {
				t.Errorf("%s, %s: %+v", how, name, found)
			}
			write(s, n+1, noon, func(in *riskd.Session) { in.Status = riskd.StatusActive })
			wantStatus(t, s, n+1, riskd.StatusExpired)
		}
	}
}

// wantFresh fails unless the session after n has nothing to do with it.
func wantFresh(t *testing.T, s tested, name string, n int, found riskd.Session) {
	t.Helper()
	if found.Status != riskd.StatusActive || found.Requests != 0 || !found.Previous.IsZero() || !found.Start.Equal(after(time.Hour)) {
		t.Errorf("%s: %+v", name, found)
	}
	if old := find(t, s, n); !old.Next.IsZero() {
		t.Errorf("%s: the expired session goes on", name)
	}
	revoke(s, session(n), noon)
	wantRevoked(t, s, event(n+1, with{}), false)
	wantStatus(t, s, n+1, riskd.StatusActive)
}

// loginAfterExpiry: when a session expired is what counts, whichever way it did.
func loginAfterExpiry(t *testing.T, s tested) {
	minute := time.Minute
	for name, test := range map[string]struct {
		n       int
		make    func(n int)
		auth    time.Duration
		fresh   bool
		revoked bool
	}{
		// Nobody has looked since.
		"not marked": {10, func(int) {}, 10*minute + 1, true, false},
		// By a limit that is none of the session's own.
		"earlier than by its limits": {20, func(n int) {
			write(s, n, after(5*minute), func(in *riskd.Session) { in.Status = riskd.StatusExpired })
		}, 5*minute + 1, true, false},
		"not later than that": {30, func(n int) {
			write(s, n, after(5*minute), func(in *riskd.Session) { in.Status = riskd.StatusExpired })
		}, 5 * minute, false, false},
		// A login before the session was found to be over is no less a login.
		"marked late": {40, func(n int) {
			write(s, n, after(50*minute), func(in *riskd.Session) { decide(in, after(50*minute)) })
		}, 11 * minute, true, false},
		// The old id has brought that login along already.
		"a login that was known": {90, func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.AuthTime = after(20 * minute) })
		}, 20 * minute, false, false},
		"revoked too": {50, func(n int) {
			write(s, n, after(50*minute), func(in *riskd.Session) { decide(in, after(50*minute)) })
			revoke(s, session(n), noon)
		}, 55 * minute, false, true},
		"revoked with its user": {60, func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.User = "early" })
		}, 55 * minute, false, true},
		"revoked by the policy": {70, func(n int) {
			write(s, n, noon, func(in *riskd.Session) { in.Status = riskd.StatusRevoked })
		}, 55 * minute, false, true},
	} {
		revoke(s, user("early"), after(time.Hour))
		limit(s, test.n, riskd.Limits{Idle: 10 * minute})
		test.make(test.n)
		found := see(s, after(time.Hour), event(test.n+1, with{previous: test.n, auth: after(test.auth)}))
		if test.fresh {
			wantFresh(t, s, name, test.n, found)
		} else if found.Previous != id(test.n) || find(t, s, test.n).Next != id(test.n+1) {
			t.Errorf("%s: not linked", name)
		}
		if got := find(t, s, test.n+1).Status == riskd.StatusRevoked; got != test.revoked {
			t.Errorf("%s: revoked %v, want %v", name, got, test.revoked)
		}
	}
	// The session of a login may still be in time.
	limit(s, 80, riskd.Limits{Idle: 2 * time.Hour})
	if found := see(s, after(time.Hour), event(81, with{previous: 80, auth: after(time.Hour)})); found.Previous != id(80) {
		t.Error("a session in time doesn't go on")
	}
}

func expiredGoFirst(t *testing.T, s tested) {
	n := 0
	for _, expire := range expirations(s) {
		for range 10 {
			n++
			limit(s, n, riskd.Limits{Idle: 10 * time.Minute})
			write(s, n, noon, func(in *riskd.Session) { in.Score = riskd.StepUpScore })
			expire(n)
			if n%2 == 0 {
				write(s, n, noon, func(in *riskd.Session) { in.Status = riskd.StatusStepUp })
			}
		}
	}
	regular := n + 1
	limit(s, regular, riskd.Limits{})
	for k := 1; k < 3*MaxSessions; k++ {
		now := after(time.Hour + time.Duration(k)*time.Second)
		see(s, now, event(regular+k, with{user: fmt.Sprint("u", k)}))
		if _, err := s.Extend(id(regular), now); err != nil {
			t.Fatalf("a session that is extended all the time: %v after %d others", err, k)
		}
	}
	for k := 1; k <= n; k++ {
		if _, ok := s.Session(id(k)); ok {
			t.Errorf("expired suspect %d is still there", k)
		}
	}
}

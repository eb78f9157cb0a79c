package sessions_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

func TestForget(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	s := open(t, sessions.Options{})
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	seen := func(id byte, at time.Time, then func(*riskd.Session)) riskd.SessionID {
		e := riskd.Event{Time: at, Session: riskd.EventSession{ID: riskd.SessionID{id}}, Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7")}}
		s.Update(&e, at, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.SeenAt, in.ActiveAt = at, at
			then(in)
			return riskd.Lesson{}
		})
		return e.Session.ID
	}
	limited := func(in *riskd.Session) { in.Limits.Idle = time.Hour }
	expired := seen(1, noon, limited)
	revoked := seen(2, noon, func(in *riskd.Session) { in.Status = riskd.StatusRevoked })
	free := seen(3, noon, func(*riskd.Session) {})
	alive := seen(4, noon.Add(10*day), limited)
	has := func(id riskd.SessionID) bool { _, ok := s.Session(id); return ok }
	if n := s.Forget(noon.Add(7 * day)); n != 0 || !has(expired) || !has(revoked) {
		t.Errorf("after a week less an hour %d are forgotten", n)
	}
	if n := s.Forget(noon.Add(7*day + 2*time.Hour)); n != 2 || has(expired) || has(revoked) || !has(free) {
		t.Errorf("after a week %d are forgotten", n)
	}
	if n := s.Forget(noon.Add(31 * day)); n != 2 || has(free) || has(alive) {
		t.Errorf("after a month %d are forgotten", n)
	}
	if got := s.Stats().Sessions; got != 0 {
		t.Errorf("%d sessions are left", got)
	}
}

// What ended a session holds for it after it is forgotten.
func TestForgottenStaysRevoked(t *testing.T) {
	t.Parallel()
	s := open(t, sessions.Options{})
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	e := riskd.Event{
		Time: noon, Session: riskd.EventSession{ID: riskd.SessionID{1}}, User: riskd.User{ID: "ann"}, Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7")},
	}
	s.Update(&e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.User, in.SeenAt = "ann", noon
		return riskd.Lesson{}
	})
	order := riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "ann"}, At: noon.Add(time.Minute), Effect: riskd.EffectRevoke}
	if _, err := s.Impose(t.Context(), "", order); err != nil {
		t.Fatal(err)
	}
	if n := s.Forget(noon.Add(8 * 24 * time.Hour)); n != 1 {
		t.Fatalf("%d are forgotten", n)
	}
	e.User.ID = "" // so that nothing but the session tells
	if _, over := s.Revoked(&e); !over {
		t.Error("a forgotten session is let in again")
	}
}

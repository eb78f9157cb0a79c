package sessionstest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// asn is an event of a session from a network.
func asn(n int, number uint32, role string) *riskd.Event {
	e := event(n, with{user: fmt.Sprint("u", n)})
	e.Place.ASN, e.Place.Country = number, "FR"
	e.User.Roles = []string{role}
	return e
}

// visitAt lets a session be seen as the engine would note it.
func visitAt(s tested, at time.Time, e *riskd.Event) {
	s.Update(e, at, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		observe(in, e, at)
		in.Roles = e.User.Roles
		if here := riskd.ContextOf(e); here != in.Here {
			in.Here = here
			in.Note(riskd.Moment{At: at, Kind: riskd.Moved, Context: here})
		}
		return riskd.Lesson{}
	})
}

func predicatesHit(t *testing.T, s tested) {
	// ASN 64500 and role admin between 14:02 and 14:20.
	at := func(minute int) time.Time { return after(2*time.Hour + time.Duration(minute)*time.Minute) }
	seen := func(n int, number uint32, role string, minutes ...int) {
		for _, m := range minutes {
			visitAt(s, at(m), asn(n, number, role))
		}
	}
	seen(1, 64500, "admin", 0, 10)  // within
	seen(2, 64500, "admin", 0, 30)  // before and after, and so in between
	seen(3, 64500, "admin", 21, 22) // too late
	seen(4, 64500, "admin", 0, 1)   // too early
	seen(5, 64501, "admin", 10)     // elsewhere
	seen(6, 64500, "user", 10)      // nobody
	seen(7, 64500, "admin", 5)      // within,
	seen(7, 64501, "admin", 25)     // and elsewhere since
	seen(8, 64500, "admin", 10)
	revoke(s, session(8), after(0)) // over already
	target := riskd.Target{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{ASN: 64500, Role: "admin", From: at(2), To: at(20)}}
	want := []riskd.SessionID{id(1), id(2), id(7)}

	matched, sample := s.Preview(target)
	var got []riskd.SessionID
	for _, in := range sample {
		got = append(got, in.ID)
	}
	slices.SortFunc(got, func(a, b riskd.SessionID) int { return slices.Compare(a[:], b[:]) })
	if matched != len(want) || !slices.Equal(got, want) {
		t.Errorf("previewed %d: %v, want %v", matched, got, want)
	}
	for n := 1; n < 8; n++ {
		wantRevoked(t, s, event(n, with{}), false)
	}
	done := impose(t, s, "", order(riskd.EffectRevoke, target, at(40)))
	if done.Matched != len(want) {
		t.Errorf("revoked %d", done.Matched)
	}
	for n := 1; n < 8; n++ {
		wantRevoked(t, s, event(n, with{}), slices.Contains(want, id(n)))
	}
	if n, _ := s.Preview(target); n != 0 {
		t.Errorf("%d are left to revoke", n)
	}
	if epoch, hit := s.Standing(asn(9, 64500, "admin"), riskd.Agent{}, at(10)); hit {
		t.Errorf("revoked once, and standing: %+v", epoch)
	}
	if _, err := s.Lift(context.Background(), done.Epochs[0].Number); err != nil {
		t.Error(err)
	}
	for n := 1; n < 8; n++ {
		wantRevoked(t, s, event(n, with{}), false)
	}
}

func predicatesStand(t *testing.T, s tested) {
	target := riskd.Target{Kind: riskd.TargetPredicate, Tenant: "acme", Predicate: &riskd.Predicate{ASN: 64500}}
	standing := order(riskd.EffectRevoke, target, noon)
	standing.Until = after(time.Hour)
	epoch := impose(t, s, "", standing).Epochs[0]
	hit := func(tenant string, number uint32, at time.Duration) bool {
		e := asn(1, number, "")
		e.Tenant = tenant
		found, ok := s.Standing(e, riskd.Agent{}, after(at))
		if ok && found.Number != epoch.Number {
			t.Errorf("hit by %+v", found)
		}
		return ok
	}
	for name, c := range map[string]struct {
		tenant string
		asn    uint32
		at     time.Duration
		want   bool
	}{
		"there": {"acme", 64500, time.Minute, true}, "elsewhere": {"acme", 64501, time.Minute, false},
		"another tenant": {"", 64500, time.Minute, false}, "at the end": {"acme", 64500, time.Hour, false},
	} {
		if got := hit(c.tenant, c.asn, c.at); got != c.want {
			t.Errorf("%s: hit %v", name, got)
		}
	}
	if list := s.Orders(0, 0); len(list) != 1 || list[0].Number != epoch.Number {
		t.Errorf("listed: %+v", list)
	}
	if _, err := s.Lift(context.Background(), epoch.Number); err != nil || hit("acme", 64500, time.Minute) {
		t.Errorf("lifted (%v), and it hits", err)
	}
}

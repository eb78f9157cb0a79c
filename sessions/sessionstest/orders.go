package sessionstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// impose gives orders under a key, and fails unless they're kept.
func impose(t *testing.T, s tested, key string, orders ...riskd.Epoch) riskd.Imposed {
	t.Helper()
	done, err := s.Impose(context.Background(), key, orders...)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func order(effect riskd.Effect, target riskd.Target, at time.Time) riskd.Epoch {
	return riskd.Epoch{Effect: effect, Target: target, At: at, Reason: "told to", Actor: "ops"}
}

// orders are those that an event finds its session under.
func orders(s tested, e *riskd.Event) (suspended, ordered *riskd.Epoch) {
	s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		suspended, ordered = in.Suspension, in.Ordered
		return riskd.Lesson{}
	})
	return suspended, ordered
}

func suspendAndResume(t *testing.T, s tested) {
	e := event(1, with{user: "ada", device: "laptop"})
	see(s, noon, e)
	for i, target := range []riskd.Target{session(1), device("laptop"), user("ada"), {Kind: riskd.TargetTenant}} {
		at := after(time.Duration(i+1) * time.Hour)
		impose(t, s, "", order(riskd.EffectSuspend, target, at))
		// A session that begins later is held up too, and leaving out the names doesn't help.
		for _, held := range []*riskd.Event{event(1, with{}), event(2+i, with{user: "ada", device: "laptop", started: after(100 * time.Hour)})} {
			if suspended, _ := orders(s, held); suspended == nil && (target.Kind != riskd.TargetSession || held.Session.ID == id(1)) {
				t.Errorf("%s suspended: session %x goes on", target.Kind, held.Session.ID[:8])
			}
		}
		if in := find(t, s, 1); in.Status != riskd.StatusSuspended || in.Suspension == nil {
			t.Errorf("%s suspended: session is %s", target.Kind, in.Status)
		}
		impose(t, s, "", order(riskd.EffectResume, target, at.Add(-1)))
		if suspended, _ := orders(s, e); suspended == nil {
			t.Errorf("%s: resumed by what came before", target.Kind)
		}
		impose(t, s, "", order(riskd.EffectResume, target, at))
		if suspended, _ := orders(s, e); suspended != nil {
			t.Errorf("%s resumed: held up by %+v", target.Kind, suspended)
		}
		impose(t, s, "", order(riskd.EffectSuspend, target, at))
		if suspended, _ := orders(s, e); suspended != nil {
			t.Errorf("%s: held up by what was resumed", target.Kind)
		}
	}
	if in := find(t, s, 1); in.Status != riskd.StatusActive || in.Suspension != nil {
		t.Errorf("in the end the session is %s", in.Status)
	}
}

func stepUpIsOrdered(t *testing.T, s tested) {
	e := event(1, with{user: "ada"})
	see(s, noon, e)
	if done := impose(t, s, "", order(riskd.EffectStepUp, user("ada"), after(time.Hour))); done.Matched != 1 {
		t.Errorf("met %d sessions", done.Matched)
	}
	if _, ordered := orders(s, event(1, with{})); ordered == nil {
		t.Fatal("nothing is asked for")
	}
	proofs := map[string]func(in *riskd.Session, at time.Time){
		"signed in": func(in *riskd.Session, at time.Time) { in.AuthTime = at },
		"proved":    func(in *riskd.Session, at time.Time) { in.ProvedAt = at },
	}
	for name, prove := range proofs {
		for at, want := range map[time.Duration]bool{time.Hour - 1: true, time.Hour: false, 2 * time.Hour: false} {
			s.Update(e, noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
				in.AuthTime, in.ProvedAt = time.Time{}, time.Time{}
				prove(in, after(at))
				return riskd.Lesson{}
			})
			if _, ordered := orders(s, e); (ordered != nil) != want {
				t.Errorf("%s at %v: asked for %v, want %v", name, at, ordered != nil, want)
			}
		}
	}
}

func profilesAreForgotten(t *testing.T, s tested) {
	learn := func(now time.Time) (found riskd.Profile) {
		s.Update(event(1, with{user: "ada"}), now, func(in *riskd.Session, p *riskd.Profile) riskd.Lesson {
			found = *p
			return riskd.Lesson{Learn: true}
		})
		return found
	}
	learn(noon)
	learn(noon)
	impose(t, s, "", order(riskd.EffectForget, user("ada"), after(time.Hour)))
	if p := learn(after(2 * time.Hour)); p.Requests != 0 || p.User != "ada" {
		t.Errorf("forgotten, and %d requests are known", p.Requests)
	}
	if p := learn(after(3 * time.Hour)); p.Requests != 1 {
		t.Errorf("learned since: %d requests", p.Requests)
	}
	impose(t, s, "", order(riskd.EffectForget, user("ada"), after(time.Hour)))
	if p := learn(after(3 * time.Hour)); p.Requests != 2 {
		t.Errorf("told again of what was forgotten: %d requests", p.Requests)
	}
}

func trustIsLearnedAndVoid(t *testing.T, s tested) {
	laptop := riskd.MarkOf(&riskd.Device{ID: "laptop"}).ID
	e := event(1, with{user: "ada", device: "laptop"})
	trusted := func() (found *riskd.DeviceTrust) {
		s.Update(e, noon, func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson {
			if at := p.Trusted(laptop, noon); at != nil {
				c := *at
				found = &c
			}
			return riskd.Lesson{}
		})
		return found
	}
	found := func(auth time.Time) {
		s.Update(e, noon, func(*riskd.Session, *riskd.Profile) riskd.Lesson {
			return riskd.Lesson{Trust: riskd.DeviceTrust{Device: laptop, AuthTime: auth, Until: after(time.Hour)}}
		})
	}
	if trusted() != nil {
		t.Error("trusted before anything")
	}
	// A session whose events name no user teaches its user's profile all the same.
	see(s, noon, e)
	found(noon)
	if trusted() == nil {
		t.Fatal("not trusted")
	}
	for i, target := range []riskd.Target{user("ada"), device("laptop"), {Kind: riskd.TargetTenant}} {
		at := after(time.Duration(i+1) * time.Minute)
		found(at.Add(-1))
		impose(t, s, "", order(riskd.EffectDistrust, target, at))
		if got := trusted(); got != nil {
			t.Errorf("%s distrusted: %+v", target.Kind, got)
		}
		found(at.Add(-1)) // an older proof that comes late
		if got := trusted(); got != nil {
			t.Errorf("%s distrusted, and trusted by an older proof", target.Kind)
		}
		found(at)
		if trusted() == nil {
			t.Errorf("%s: a later proof founds nothing", target.Kind)
		}
	}
}

func keysCountOnce(t *testing.T, s tested) {
	see(s, noon, event(1, with{user: "ada"}))
	first := impose(t, s, "event 1", order(riskd.EffectRevoke, user("ada"), after(time.Hour)))
	if first.Repeated || len(first.Epochs) != 1 || first.Matched != 1 {
		t.Fatalf("the first time: %+v", first)
	}
	if _, err := s.Lift(context.Background(), first.Epochs[0].Number); err != nil {
		t.Fatal(err)
	}
	if again := impose(t, s, "event 1", order(riskd.EffectRevoke, user("ada"), after(time.Hour))); !again.Repeated || len(again.Epochs) != 0 {
		t.Errorf("again: %+v", again)
	}
	wantRevoked(t, s, event(1, with{}), false)
	if other := impose(t, s, "event 2", order(riskd.EffectRevoke, user("ada"), after(time.Hour))); other.Repeated {
		t.Error("another key is taken for a repetition")
	}
	wantRevoked(t, s, event(1, with{}), true)
}

func allOrNone(t *testing.T, s tested) {
	good := order(riskd.EffectRevoke, user("ada"), after(time.Hour))
	for name, bad := range map[string]riskd.Epoch{
		"no target":              {},
		"a session's profile":    order(riskd.EffectForget, session(1), noon),
		"suspend by predicate":   order(riskd.EffectSuspend, riskd.Target{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{ASN: 1}}, noon),
		"a predicate of nothing": order(riskd.EffectRevoke, riskd.Target{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{}}, noon),
	} {
		if _, err := s.Impose(context.Background(), "k", good, bad); !errors.As(err, new(*riskd.FieldError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(s.Orders(0, 0)); n != 0 {
		t.Errorf("%d orders are in force", n)
	}
	if done := impose(t, s, "k", good); done.Repeated {
		t.Error("the key of orders that were refused is used up")
	}
}

func liftUndoes(t *testing.T, s tested) {
	if _, err := s.Lift(context.Background(), 77); !errors.Is(err, riskd.ErrUnknownEpoch) {
		t.Errorf("an order that was never given: %v", err)
	}
	see(s, noon, event(1, with{user: "ada", device: "laptop"}))
	see(s, noon, event(2, with{previous: 1}))
	for _, target := range []riskd.Target{session(1), device("laptop"), user("ada"), {Kind: riskd.TargetTenant}} {
		number := impose(t, s, "", order(riskd.EffectRevoke, target, after(time.Hour))).Epochs[0].Number
		for _, n := range []int{1, 2} {
			wantRevoked(t, s, event(n, with{}), true)
			see(s, noon, event(n, with{})) // a decision that was on its way
			if in := find(t, s, n); in.Status != riskd.StatusRevoked {
				t.Errorf("%s revoked: session %d is %s", target.Kind, n, in.Status)
			}
		}
		lifted, err := s.Lift(context.Background(), number)
		if err != nil || lifted.Number != number || lifted.Target != target {
			t.Errorf("lifted %+v, %v", lifted, err)
		}
		for _, n := range []int{1, 2} {
			wantRevoked(t, s, event(n, with{}), false)
			if in := find(t, s, n); in.Status != riskd.StatusActive {
				t.Errorf("%s: lifted, and session %d is %s", target.Kind, n, in.Status)
			}
		}
		if _, err := s.Lift(context.Background(), number); !errors.Is(err, riskd.ErrUnknownEpoch) {
			t.Errorf("lifted twice: %v", err)
		}
	}
	// Lifting one leaves what another has ended.
	one := impose(t, s, "", order(riskd.EffectRevoke, user("ada"), after(time.Hour))).Epochs[0].Number
	revoke(s, device("laptop"), after(time.Hour))
	if _, err := s.Lift(context.Background(), one); err != nil {
		t.Error(err)
	}
	wantRevoked(t, s, event(1, with{}), true)
	if in := find(t, s, 1); in.Status != riskd.StatusRevoked {
		t.Errorf("revoked by two, one lifted: %s", in.Status)
	}
	if n := len(s.Orders(0, 0)); n != 1 {
		t.Errorf("%d orders are left", n)
	}
}

func erasedAndRevoked(t *testing.T, s tested) {
	learn := func(n int, user string) {
		s.Update(event(n, with{user: user, device: "d-" + user}), noon, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
			in.User, in.DeviceID = user, "d-"+user
			return riskd.Lesson{Learn: true}
		})
	}
	learn(1, "ada")
	learn(2, "ada")
	learn(3, "bob")
	revoke(s, session(2), after(0))
	revoke(s, user("ada"), after(-time.Hour))
	revoke(s, device("d-ada"), after(time.Minute))
	ended, err := s.Erase(context.Background(), "", "ada", after(time.Hour), "dpo")
	if err != nil || ended != 0 { // the device's revocation had ended both
		t.Fatalf("ended %d: %v", ended, err)
	}
	for _, n := range []int{1, 2} {
		if in, known := s.Session(id(n)); known {
			t.Errorf("session %d is remembered: %+v", n, in)
		}
		wantRevoked(t, s, event(n, with{}), true)
	}
	wantRevoked(t, s, event(8, with{user: "ada"}), true) // a start that nobody knows
	wantRevoked(t, s, event(9, with{user: "ada", started: after(2 * time.Hour)}), false)
	wantRevoked(t, s, event(10, with{device: "d-ada", started: noon}), true)
	wantRevoked(t, s, event(3, with{}), false)
	s.Update(event(11, with{user: "ada"}), after(3*time.Hour), func(_ *riskd.Session, p *riskd.Profile) riskd.Lesson {
		if p.Requests != 0 {
			t.Errorf("his profile knows %d requests", p.Requests)
		}
		return riskd.Lesson{}
	})
	for _, e := range s.Orders(0, 0) {
		if e.Target.ID == "ada" || e.Target.ID == "d-ada" {
			t.Errorf("an order names him: %+v", e)
		}
	}
}

// The state after orders doesn't depend on the order in which they came, nor on
// how often.
func ordersCommute(t *testing.T, open func() tested) {
	targets := []riskd.Target{session(1), device("laptop"), user("ada"), {Kind: riskd.TargetTenant}}
	var all []riskd.Epoch
	for i, target := range targets {
		for k, effect := range []riskd.Effect{riskd.EffectRevoke, riskd.EffectSuspend, riskd.EffectResume, riskd.EffectStepUp} {
			if (i+k)%3 > 0 {
				all = append(all, order(effect, target, after(time.Duration(7*i+3*k)*time.Minute)),
					order(effect, target, after(time.Duration(20-5*i+k)*time.Minute)))
			}
		}
	}
	state := func(list []riskd.Epoch) string {
		s := open()
		see(s, noon, event(1, with{user: "ada", device: "laptop"}))
		for _, e := range list {
			impose(t, s, "", e)
		}
		out := ""
		for start := range 30 {
			_, over := s.Revoked(event(2, with{user: "ada", device: "laptop", started: after(time.Duration(start) * time.Minute)}))
			suspended, ordered := orders(s, event(1, with{}))
			out += fmt.Sprint(over, suspended != nil, ordered != nil, ordered != nil && ordered.At.Equal(after(20*time.Minute)), ";")
		}
		return out
	}
	want := state(all)
	for turn := range 20 {
		shuffled := slices.Concat(all, all[:turn%len(all)])
		for i := range shuffled {
			k := (i*7 + turn*13) % len(shuffled)
			shuffled[i], shuffled[k] = shuffled[k], shuffled[i]
		}
		if got := state(shuffled); got != want {
			t.Fatalf("turn %d:\n%s\nwant\n%s", turn, got, want)
		}
	}
}

package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func (w *walk) told(kind string, ago time.Duration) *walk {
	w.Profile.Tell(kind, w.Now.Add(-ago))
	return w
}

func TestRecentIdentityEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w     *walk
		value float64
		nats  float64
		kind  string
	}{
		"nothing told":                  {newWalk(t).login(time.Hour), -1, 0, "none"},
		"password reset, then a login":  {newWalk(t).told("password_reset", 0).login(time.Hour), 0, 1.5, "password_reset"},
		"two hours later":               {newWalk(t).told("password_reset", 2*time.Hour).login(time.Hour), 7200, 0.75, "password_reset"},
		"two days later":                {newWalk(t).told("password_reset", 48*time.Hour).login(time.Hour), -1, 0, "none"},
		"all factors reset":             {newWalk(t).told("mfa_reset", 0).login(time.Hour), 0, 2, "mfa_reset"},
		"he signed out":                 {newWalk(t).told("global_logout", 0).login(time.Hour), -1, 0, "none"},
		"an ordinary request":           {newWalk(t).told("mfa_reset", 0), 0, 0, "mfa_reset"},
		"a sensitive one":               {newWalk(t).told("mfa_reset", 0).class(riskd.ClassSensitive), 0, 2, "mfa_reset"},
		"an admin's":                    {newWalk(t).told("role_change", time.Minute).class(riskd.ClassAdmin), 60, 0.4971, "role_change"},
		"the one that says most counts": {newWalk(t).told("mfa_reset", time.Hour).told("role_change", time.Minute).login(0), 60, 1.4142, "mfa_reset"},
		"told before it happened":       {newWalk(t).told("mfa_added", -time.Minute).login(0), 0, 1, "mfa_added"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.w.read("recent_identity_event")
			want(t, f, c.value, c.nats)
			if f.texts["type"] != c.kind {
				t.Errorf("type %q, want %q", f.texts["type"], c.kind)
			}
		})
	}
}

func (w *walk) class(c riskd.Class) *walk {
	w.Event.Request.Class = c
	return w
}

func TestRecentIdentityEventIsBounded(t *testing.T) {
	t.Parallel()
	w, sum := newWalk(t).told("password_reset", 0).login(time.Hour), 0.0
	for range 20 {
		sum += w.class(riskd.ClassSensitive).read("recent_identity_event").Nats
		w.goOn(time.Second)
	}
	if !near(sum, 2) {
		t.Errorf("%v nats", sum)
	}
	w = newWalk(t).told("mfa_reset", time.Hour).class(riskd.ClassSensitive)
	w.Session.ProvedAt = w.Now.Add(-time.Minute)
	f := w.read("recent_identity_event")
	want(t, f, 3600, 0)
	if f.numbers["proved"] != 1 {
		t.Error("not proved since")
	}
}

func TestMovedBeforeAChangeOfCredentials(t *testing.T) {
	t.Parallel()
	moved := func(w *walk) float64 { return w.read("recent_identity_event").numbers["moved_s"] }
	for name, c := range map[string]struct {
		w    *walk
		want float64
	}{
		"at home":                   {newWalk(t), -1},
		"with this request":         {newWalk(t).from(york), 0},
		"next door on a copy":       {newWalk(t).from(home.ip6("192.0.200.1")), 0},
		"onto the street":           {newWalk(t).from(street), 0},
		"home again on his machine": {newWalk(t).from(street).goOn(time.Minute).from(home), -1},
		"another machine at home":   {newWalk(t).device("new", "new"), 0},
		"at a login":                {newWalk(t).from(york).device("new", "new").login(time.Hour), -1},
		"a minute ago":              {newWalk(t).from(york).goOn(time.Minute), 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := moved(c.w); got != c.want {
				t.Errorf("%v s, want %v", got, c.want)
			}
		})
	}
	w := newWalk(t).device("new", "new")
	moved(w)
	if got := moved(w.goOn(time.Minute)); got != 60 {
		t.Errorf("another machine since %v s, want 60", got)
	}
	w.Session.ProvedAt = w.Now.Add(-time.Second)
	if got := moved(w); got != -1 {
		t.Errorf("%v s, though proved since", got)
	}
}

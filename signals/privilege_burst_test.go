package signals_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestPrivilegeBurst(t *testing.T) {
	t.Parallel()
	habit := func(kinds ...uint16) (k [riskd.RequestKinds]uint16) {
		copy(k[:], kinds)
		return k
	}
	reader := habit(360, 40)
	for name, c := range map[string]struct {
		habit   [riskd.RequestKinds]uint16
		method  string
		class   riskd.Class
		level   int
		kind    string
		nats    float64
		attack  float64
		ofLevel [2]uint32 // requests, privileged
	}{
		"a read":                          {reader, "GET", riskd.ClassStandard, 0, "read", 0, 0.74, [2]uint32{}},
		"a write needs no power":          {habit(400), "POST", riskd.ClassStandard, 0, "write", 0, 0.1, [2]uint32{}},
		"an export, by one who never":     {reader, "GET", riskd.ClassSensitive, 3, "sensitive_read", 1.6, 0.09, [2]uint32{}},
		"an export, by one who often":     {habit(360, 0, 40), "GET", riskd.ClassSensitive, 3, "sensitive_read", math.Log(0.09 / (40.34 / 440)), 0.09, [2]uint32{}},
		"administration, by one who":      {habit(376, 0, 0, 0, 12, 12), "GET", riskd.ClassAdmin, 5, "admin_read", 0, 0.015, [2]uint32{}},
		"a level that the class hides":    {reader, "POST", riskd.ClassStandard, 7, "write", 1.6, 0.1, [2]uint32{400, 0}},
		"a level of every day, so hidden": {reader, "POST", riskd.ClassStandard, 2, "write", math.Log(0.16 / (40.572 / 440)), 0.1, [2]uint32{400, 40}},
	} {
		w := newWalk(t)
		w.Profile.Kinds = c.habit
		if c.ofLevel[0] > 0 {
			w.Profile.Requests, w.Profile.Privileged = c.ofLevel[0], c.ofLevel[1]
		}
		w.Event.Request = riskd.Request{Method: c.method, Class: c.class}
		w.Event.Privilege.Level = c.level
		f := w.read("privilege_burst")
		if f.State != riskd.Measured || !near(f.Nats, max(c.nats, 0)) || f.texts["kind"] != c.kind || !near(f.numbers["attack_pct"], 100*c.attack) {
			t.Errorf("%s: %.4f nats, %v %v; want %.4f", name, f.Nats, f.texts, f.numbers, c.nats)
		}
	}
}

// A burst adds up, and ordinary requests take back what it said, and no more.
func TestABurstIsWashedDown(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Profile.Kinds[riskd.KindRead] = 400
	given := 0.0
	ask := func(class riskd.Class) fact {
		w.Event.Request = riskd.Request{Method: http.MethodGet, Class: class}
		f := w.read("privilege_burst")
		given += f.Nats
		w.goOn(0)
		return f
	}
	for range 3 {
		ask(riskd.ClassSensitive)
	}
	if !near(given, 4.8) {
		t.Errorf("three exports give %g nats, want 4.8", given)
	}
	for range 100 {
		ask(riskd.ClassStandard)
	}
	if f := ask(riskd.ClassStandard); !near(given, 0) || f.Nats != 0 || f.Value != 0 {
		t.Errorf("a hundred pages later %g nats are left, and the next says %g", given, f.Nats)
	}
}

// What has faded isn't taken back as well.
func TestABurstFades(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Profile.Kinds[riskd.KindRead] = 400
	w.Event.Request = riskd.Request{Method: http.MethodGet, Class: riskd.ClassSensitive}
	w.read("privilege_burst")
	w.goOn(8 * time.Minute)
	w.Event.Request.Class = riskd.ClassOpen
	if f := w.read("privilege_burst"); f.Value > 0.8 || f.Value < 0.5 {
		t.Errorf("of 1.6 nats %g are there after eight minutes and a page", f.Value)
	}
	w.goOn(24 * time.Hour)
	if f := w.read("privilege_burst"); f.Value != 0 || f.Nats < -1e-3 {
		t.Errorf("a day later: %g, says %g", f.Value, f.Nats)
	}
}

// Who administers in every request is expected to go on: the evidence of each grows,
// up to a bound.
func TestAdministrationInARow(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Profile.Kinds = [riskd.RequestKinds]uint16{riskd.KindRead: 370, riskd.KindAdminRead: 15, riskd.KindAdminWrite: 15}
	w.Event.Request = riskd.Request{Method: http.MethodGet, Class: riskd.ClassAdmin}
	last := -1.0
	for range 30 {
		f := w.read("privilege_burst")
		if f.Nats < last-1e-9 || f.numbers["attack_pct"] > 4.5+1e-9 {
			t.Fatalf("%g nats after %g, at an expected share of %g", f.Nats, last, f.numbers["attack_pct"])
		}
		last = f.Nats
		w.goOn(0)
		if w.Session.Requests > 12 {
			break // the sum is bounded after that
		}
	}
	if last < 0.2 {
		t.Errorf("in the end one says %g nats", last)
	}
}

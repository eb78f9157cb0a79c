package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// Nobody's places say anything of somebody whose address is unknown: signals that
// look at them are missing, or as they were, and none holds it against him.
func TestUnknownAddress(t *testing.T) {
	t.Parallel()
	nowhere := at("::", riskd.Place{})
	moves := map[string]func(w *walk){
		"within a session": func(*walk) {},
		"in a new session": func(w *walk) { w.login(time.Hour) },
		"after a new one":  func(w *walk) { w.login(time.Hour).from(nowhere).goOn(time.Minute) },
		"in between":       func(w *walk) { w.goOn(time.Minute).from(nowhere).goOn(time.Minute).goOn(time.Minute) },
		"signing in": func(w *walk) {
			w.login(time.Hour).from(nowhere).Event.User.ID = ""
			w.goOn(time.Minute).Event.User.ID = "ana"
		},
		"in a crowd": func(w *walk) {
			w.login(time.Hour)
			*w.Crowd = riskd.Crowd{Looked: true, Arrivals: 1000, Prefix: riskd.Popularity{Users: 400, Count: 400}, Browser: riskd.Popularity{Before: 9, Count: 900}}
		},
	}
	missing := map[string]string{"ip_change": "address", "token_replay": "address", "new_country": "place", "new_network": "network", "network_kind": "network", "concurrent_use": "network"}
	for name, move := range moves {
		for _, s := range signals.Descriptions() {
			w := newWalk(t)
			move(w)
			w.from(nowhere)
			if w.Arrival() != w.First && w.Session.User != "" {
				t.Errorf("%s: an arrival is %t", name, w.Arrival())
			}
			if m, moved := w.Move(); moved {
				t.Errorf("%s: moved by %d", name, m)
			}
			f := w.read(s.Name)
			if want := missing[s.Name]; want != "" && (f.State != riskd.NotEvaluable || f.Missing != want) {
				t.Errorf("%s, %s: state %d, missing %q; want %q", name, s.Name, f.State, f.Missing, want)
			}
			network := map[string]bool{"ip_change": true, "geo_velocity": true, "shared_address": true, "session_fixation": true, "session_count": true}
			if network[s.Name] && f.State == riskd.Measured && f.Nats > 0 {
				t.Errorf("%s, %s: speaks against him: %+v", name, s.Name, f.Reading)
			}
		}
	}
	w := newWalk(t)
	w.login(time.Hour)
	w.Crowd.Looked, w.Crowd.Arrivals = true, 1000
	wantMissing(t, w.from(nowhere).read("shared_address"), "address")
}

// Who was nowhere in between hasn't moved when he is back, and has when he is
// elsewhere; who has always been nowhere arrives for the first time.
func TestKnownAgainAfterAnUnknownAddress(t *testing.T) {
	t.Parallel()
	nowhere := at("::", riskd.Place{})
	back := newWalk(t).goOn(time.Minute).from(nowhere).goOn(time.Minute).from(home)
	want(t, back.read("ip_change"), 0, -0.04)
	want(t, back.read("token_replay"), 0, 0)
	strong := newWalk(t).goOn(time.Minute)
	strong.Event.Session = riskd.EventSession{AuthTime: strong.Now, ACR: "phr"}
	if f := strong.read("auth_strength"); f.Nats >= 0 {
		t.Errorf("proved at home: %+v", f.Reading)
	}
	strong.Session.Cells = make([]riskd.Cell, signals.Cells())
	want(t, strong.from(nowhere).read("auth_strength"), 3, 0)
	// A telephone that loses and finds its wifi, with a request from nowhere between.
	phone := newWalk(t).trusts("cookie", 30*24*time.Hour)
	phone.read("device_clone")
	phone.goOn(time.Minute).from(street.kind(riskd.NetworkMobile)).read("device_clone")
	phone.goOn(time.Minute).from(nowhere).read("device_clone")
	phone.goOn(time.Minute).from(home)
	want(t, phone.read("device_clone"), 1, 0)
	if back.Arrival() {
		t.Error("coming back is an arrival")
	}
	away := newWalk(t).goOn(time.Minute).from(nowhere).goOn(time.Minute).from(york)
	if f := away.read("new_country"); f.Value != 1 || f.Nats <= 0 {
		t.Errorf("another country: %+v", f.Reading)
	}
	if f := away.read("geo_velocity"); f.Nats <= 0 {
		t.Errorf("a long way: %+v", f.Reading)
	}
	first := newWalk(t).login(time.Hour).from(nowhere).goOn(time.Minute).from(york)
	wantMissing(t, first.read("ip_change"), "address")
	want(t, first.read("token_replay"), 0, 0)
	if !first.Arrival() {
		t.Error("the first known address is no arrival")
	}
	// Whoever began with the id nowhere may be anybody.
	fixed := newWalk(t).login(time.Hour).from(nowhere)
	fixed.Event.User.ID = ""
	fixed.read("session_fixation")
	fixed.goOn(time.Minute).from(york).Event.User.ID = "ana"
	wantMissing(t, fixed.read("session_fixation"), "network")
	still := newWalk(t).login(time.Hour).from(nowhere)
	still.Event.User.ID = ""
	still.read("session_fixation")
	still.goOn(time.Minute).Event.User.ID = "ana"
	wantMissing(t, still.read("session_fixation"), "network")
	// And an event from nowhere hides nobody.
	held := newWalk(t)
	held.Session.AuthTime = noon.Add(-time.Hour)
	held.read("session_fixation")
	held.goOn(time.Minute).from(nowhere).read("session_fixation")
	held.goOn(time.Minute).from(york).device("other", "other").agent(firefox).Event.Session.AuthTime = held.Now
	if f := held.read("session_fixation"); f.Value != 4 {
		t.Errorf("proved elsewhere: %+v", f.Reading)
	}
}

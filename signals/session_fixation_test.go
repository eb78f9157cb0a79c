package signals_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// fixed is a session that was opened at a spot before anybody signed in, and in
// which ana now signs in at home.
func fixed(t *testing.T, opened spot, device, agent string) *walk {
	w := newWalk(t).login(time.Hour).from(opened).device(device, "").agent(agent)
	w.Event.User.ID = ""
	w.Event.Session.ID = riskd.SessionID{1}
	want(t, w.read("session_fixation"), 0, 0)
	w.goOn(time.Minute)
	w.from(home).device("cookie", "print").agent(chrome145)
	w.Event.User.ID = "ana"
	return w
}

func TestSessionFixation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opened        spot
		device, agent string
		value, nats   float64
	}{
		"where he signs in":         {home, "cookie", chrome145, 3, 0},
		"same network":              {home.ip6("192.0.200.1"), "cookie", chrome145, 3, 0},
		"prefix renamed":            {home.moved("US"), "other", firefox, 3, 0},
		"other network":             {street, "cookie", chrome145, 1, 7},
		"other network, updated":    {street, "cookie", chrome146, 1, 7},
		"other network, no device":  {street, "", "", 1, 7},
		"other network and device":  {street, "other", chrome145, 2, 7},
		"other network and browser": {street, "", firefox, 2, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fixed(t, c.opened, c.device, c.agent)
			f := w.read("session_fixation")
			want(t, f, c.value, c.nats)
			if f.numbers["from"] != float64(c.opened.place.ASN) || f.numbers["to"] != 64500 {
				t.Errorf("details are %v", f.numbers)
			}
			want(t, w.goOn(time.Second).read("session_fixation"), 0, 0) // once
		})
	}
}

// The victim looks at the login page first; who opened the id still counts.
func TestSessionFixationRemembersTheFirst(t *testing.T) {
	t.Parallel()
	w := fixed(t, street, "other", firefox)
	w.Event.User.ID = ""
	want(t, w.read("session_fixation"), 0, 0)
	w.goOn(time.Second)
	w.Event.User.ID = "ana"
	want(t, w.read("session_fixation"), 2, 7)
}

func TestSessionFixationNeedsTheOldID(t *testing.T) {
	t.Parallel()
	w := fixed(t, street, "other", firefox)
	w.Event.Session.PreviousID, w.Event.Session.ID = w.Event.Session.ID, riskd.SessionID{2}
	want(t, w.read("session_fixation"), 0, 0)
}

func TestSessionFixationCannotTell(t *testing.T) {
	t.Parallel()
	nowhere := street
	nowhere.place.ASN = 0
	wantMissing(t, fixed(t, nowhere, "other", firefox).read("session_fixation"), "network")
}

func TestSignedInFromTheStart(t *testing.T) {
	t.Parallel()
	w := newWalk(t).login(time.Hour).from(street)
	want(t, w.read("session_fixation"), 0, 0)
	want(t, w.goOn(time.Second).from(home).device("other", "").read("session_fixation"), 0, 0)
}

// An authentication under way is held against the client of the last request
// before it or, where a step-up is pending, against the challenged one's.
func TestProofFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		from          spot
		device, agent string
		value, nats   float64
	}{
		"same client":               {home, "cookie", chrome145, 3, 0},
		"other network":             {street, "cookie", chrome145, 3, 0},
		"other device":              {home, "other", firefox, 3, 0},
		"other prefix":              {home.ip6("192.0.200.1"), "other", chrome145, 3, 0},
		"nothing told":              {street, "", "", 3, 0},
		"other network and device":  {street, "other", chrome145, 4, 7},
		"other network and browser": {street, "cookie", firefox, 4, 7},
	} {
		for _, pending := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, pending %v", name, pending), func(t *testing.T) {
				t.Parallel()
				w := newWalk(t)
				w.Event.Session.AuthTime = noon.Add(-time.Hour)
				want(t, w.read("session_fixation"), 0, 0)
				w.goOn(time.Minute)
				w.from(c.from).device(c.device, "").agent(c.agent)
				if pending { // what asks in between is not who was challenged
					w.Session.StepUp = &riskd.StepUp{}
					want(t, w.read("session_fixation"), 0, 0)
					w.goOn(time.Minute)
				}
				want(t, w.proves().read("session_fixation"), c.value, c.nats)
				w.goOn(time.Minute)
				// The client that is asked now can prove it.
				w.Session.StepUp = &riskd.StepUp{}
				w.goOn(time.Minute)
				want(t, w.proves().read("session_fixation"), 3, 0)
			})
		}
	}
}

// The thief's request is the one that is challenged; his victim's proof isn't his.
func TestProofOfTheChallenged(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Session.AuthTime = noon.Add(-time.Hour)
	w.read("session_fixation")
	w.goOn(time.Minute)
	w.from(street).device("thief", "").read("session_fixation")
	w.goOn(time.Minute)
	w.Session.StepUp = &riskd.StepUp{}
	w.from(home).device("cookie", "")
	want(t, w.proves().read("session_fixation"), 4, 7)
}

// A call that tells neither device nor browser takes nothing from what is known.
func TestProofAfterASilentCall(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Session.AuthTime = noon.Add(-time.Hour)
	w.read("session_fixation")
	w.goOn(time.Minute)
	w.device("", "").agent("").read("session_fixation")
	w.goOn(time.Minute)
	want(t, w.from(street).device("other", "").proves().read("session_fixation"), 4, 7)
	want(t, w.goOn(time.Minute).read("session_fixation"), 0, 0) // once
}

func TestProofUnderANewID(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Session.AuthTime = noon.Add(-time.Hour)
	w.read("session_fixation")
	w.goOn(time.Minute)
	w.Event.Session.PreviousID, w.Event.Session.ID = riskd.SessionID{1}, riskd.SessionID{2}
	want(t, w.from(street).device("other", "").proves().read("session_fixation"), 0, 0)
}

func TestProofWhereNetworksAreUnknown(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Session.AuthTime = noon.Add(-time.Hour)
	w.read("session_fixation")
	w.goOn(time.Minute)
	nowhere := street
	nowhere.place.ASN = 0
	wantMissing(t, w.from(nowhere).device("other", "").proves().read("session_fixation"), "network")
}

// A session whose authentication riskd has never been told of isn't stronger
// with the first.
func TestFirstKnownAuthentication(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.read("session_fixation")
	w.goOn(time.Minute)
	want(t, w.from(street).device("other", "").proves().read("session_fixation"), 0, 0)
}

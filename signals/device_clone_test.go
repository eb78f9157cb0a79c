package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestDeviceClone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		there, here spot
		gap         time.Duration
		change      func(w *walk)
		value, nats float64
	}{
		"two networks":        {lyon, home, time.Minute, nil, 2, 7},
		"two countries":       {york, home, time.Minute, nil, 2, 7},
		"one network":         {home.ip6("192.0.200.1"), home, time.Minute, nil, 0, 0},
		"not so soon":         {lyon, home, 10 * time.Minute, nil, 0, 0},
		"a third network":     {lyon, york, time.Minute, nil, 0, 0},
		"network unknown":     {dark, home, time.Minute, nil, 0, 0},
		"a telephone":         {street, home, time.Minute, nil, 1, 0},
		"another browser":     {street, home, time.Minute, func(w *walk) { w.agent(firefox) }, 2, 7},
		"another fingerprint": {street, home, time.Minute, func(w *walk) { w.device("cookie", "other") }, 2, 7},
		"another session":     {street, home, time.Minute, func(w *walk) { w.login(time.Minute) }, 2, 7},
		"not trusted":         {lyon, home, time.Minute, func(w *walk) { w.device("other", "print") }, 0, 0},
		"trust removed":       {lyon, home, time.Minute, func(w *walk) { w.Profile.Trust = [4]riskd.DeviceTrust{} }, 0, 0},
		"it came late":        {lyon, home, time.Minute, func(w *walk) { w.Now = w.Now.Add(-2 * time.Minute) }, 0, 0},
		"a telephone's proof": {street, home, time.Minute, func(w *walk) { w.proves() }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).trusts("cookie", 24*time.Hour)
			want(t, w.read("device_clone"), 0, 0)
			w.goOn(c.gap)
			want(t, w.from(c.there).read("device_clone"), 0, 0)
			w.goOn(c.gap).from(c.here)
			if c.change != nil {
				c.change(w)
			}
			f := w.read("device_clone")
			want(t, f, c.value, c.nats)
			if c.value > 0 && (f.numbers["from"] != float64(c.there.place.ASN) || f.numbers["to"] != 64500 || f.numbers["away_s"] != (2*c.gap).Seconds()) {
				t.Errorf("details are %v", f.numbers)
			}
		})
	}
}

// The owner's session and a thief's: it shows in the third event, whichever
// session that is in, and no more once trust is founded anew.
func TestDeviceCloneAcrossSessions(t *testing.T) {
	t.Parallel()
	w := newWalk(t).trusts("cookie", time.Hour)
	w.read("device_clone")
	w.goOn(time.Minute)
	ana, thief := w.Session, newWalk(t).login(time.Minute).Session
	w.Session = thief
	want(t, w.from(street).read("device_clone"), 0, 0)
	w.goOn(time.Minute)
	w.Session = ana
	want(t, w.from(home).read("device_clone"), 2, 7)
	w.Profile.Take(&riskd.Lesson{Distrust: riskd.MarkOf(&w.Event.Device).ID}, w.Event, w.Now)
	w.goOn(time.Minute)
	want(t, w.proves().read("device_clone"), 0, 0)
	w.trusts("cookie", time.Hour).goOn(time.Minute)
	want(t, w.read("device_clone"), 0, 0)
}

// That one of the two networks is a mobile one excuses nothing if this session
// hasn't been in the other.
func TestDeviceCloneOfATelephone(t *testing.T) {
	t.Parallel()
	w := newWalk(t).trusts("cookie", time.Hour)
	w.from(street).read("device_clone")
	w.goOn(time.Minute)
	ana, thief := w.Session, newWalk(t).login(time.Minute).Session
	w.Session = thief
	want(t, w.from(lyon).read("device_clone"), 0, 0)
	w.goOn(time.Minute)
	w.Session = ana
	want(t, w.from(street).read("device_clone"), 2, 7)
}

package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestNewCountryInASession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		to    spot
		gap   time.Duration
		value float64
		nats  float64
	}{
		"at home":             {home, 10 * time.Second, 0, 0},
		"other network":       {street, 10 * time.Second, 0, 0},
		"after 10 s":          {york, 10 * time.Second, 1, 7},   // ln(0.45/0.0002) = 7.72, bounded
		"after 8 h":           {york, 8 * time.Hour, 1, 2.262},  // ln(0.45/0.04687)
		"after a day":         {york, 24 * time.Hour, 1, 1.211}, // ln(0.45/0.1341)
		"after half a year":   {york, 4400 * time.Hour, 1, 0},   // it was to be expected
		"database moved home": {home.moved("US"), time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newWalk(t).from(c.to).after(c.gap).read("new_country")
			want(t, f, c.value, c.nats)
			if f.texts["from"] != "FR" || f.texts["to"] != c.to.place.Country || f.numbers["gap_s"] != c.gap.Seconds() {
				t.Errorf("details are %v %v", f.texts, f.numbers)
			}
		})
	}
}

func (s spot) moved(country string) spot {
	s.place.Country = country
	return s
}

func TestNewCountryKnown(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(york)
	w.knows(york)
	f := w.read("new_country")
	want(t, f, 0, 0)
	if f.numbers["known"] != 1 {
		t.Error("the user knows the country, the reading doesn't say so")
	}
	want(t, newWalk(t).from(york).goOn(time.Second).read("new_country"), 0, 0) // the session does
	want(t, newWalk(t).from(york).goOn(time.Second).from(home).read("new_country"), 0, 0)
}

func TestNewCountryAtLogin(t *testing.T) {
	t.Parallel()
	want(t, newWalk(t).login(time.Hour).read("new_country"), 0, 0)
	want(t, newWalk(t).from(york).login(30*time.Second).read("new_country"), 1, 5.084)  // ln 25 + ln(1/0.024)/2
	want(t, newWalk(t).from(york).login(2*time.Hour).read("new_country"), 1, 3.969)     // ln 25 + ln(1/0.223)/2
	want(t, newWalk(t).from(york).login(40*24*time.Hour).read("new_country"), 1, 3.357) // ln 25 + ln(1/0.759)/2
	wantMissing(t, newWalk(t).young().login(time.Hour).read("new_country"), "history")
}

// A session that was anonymous so far is compared with the user's history when
// he signs in, not with itself.
func TestNewCountryAtALoginWithinASession(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(york).login(0)
	w.Event.User.ID = ""
	w.Profile, w.Event.User.ID = &riskd.Profile{}, ""
	wantMissing(t, w.read("new_country"), "history")
	w.goOn(time.Minute)
	w.Event.User.ID, w.Profile = "ana", newWalk(t).Profile
	w.Profile.LastAt = w.Now.Add(-2 * time.Hour)
	want(t, w.read("new_country"), 1, 3.969)
	want(t, w.goOn(time.Second).read("new_country"), 0, 0)
}

func (w *walk) young() *walk {
	w.Profile.Sessions = riskd.YoungProfile - 1
	return w
}

func TestNewCountryCannotTell(t *testing.T) {
	t.Parallel()
	wantMissing(t, newWalk(t).from(york.moved("")).read("new_country"), "place")
	w := newWalk(t).from(york)
	w.Session.Here.Country, w.Session.Known = riskd.Country{}, riskd.Contexts{}
	wantMissing(t, w.read("new_country"), "history")
}

package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// alsoAt lets the user have another session, seen so long ago.
func (w *walk) alsoAt(s spot, ago time.Duration) *walk {
	for i := range w.Profile.Live {
		if l := &w.Profile.Live[i]; l.Session == 0 {
			*l = riskd.SessionSeen{Session: uint64(100 + i), At: w.Now.Add(-ago).Unix(), Here: s.context()}
			break
		}
	}
	return w
}

func TestSessionCount(t *testing.T) {
	t.Parallel()
	minute := time.Minute
	for name, c := range map[string]struct {
		w     *walk
		value float64
		nats  float64
		where string
	}{
		"alone":                            {newWalk(t).login(time.Hour), 1, 0, "none"},
		"telephone and laptop":             {newWalk(t).alsoAt(street, minute).login(minute), 2, 0, "none"},
		"the laptop's VPN ends abroad":     {newWalk(t).from(york).alsoAt(home, minute).login(minute), 2, 0, "none"},
		"a stranger abroad, at once":       {newWalk(t).from(york).device("new", "new").alsoAt(home, minute).login(minute), 2, 1.5, "country"},
		"a stranger abroad, hours later":   {newWalk(t).from(york).device("new", "new").alsoAt(home, 3*time.Hour).login(time.Hour), 1, 0.75, "country"},
		"a stranger abroad, the next day":  {newWalk(t).from(york).device("new", "new").alsoAt(home, 9*time.Hour).login(time.Hour), 1, 0, "none"},
		"a new telephone at home":          {newWalk(t).device("new", "new").agent(firefox).alsoAt(home, minute).login(minute), 2, 0, "none"},
		"a new telephone in the street":    {newWalk(t).from(street).device("new", "new").agent(firefox).alsoAt(home, minute).login(minute), 2, 0.75, "network"},
		"his browser, cleared, on the bus": {newWalk(t).from(street).device("new", "new").alsoAt(home, minute).login(minute), 2, 0, "none"},
		"four browsers that forget": {
			newWalk(t).device("new", "new").alsoAt(home, minute).alsoAt(home, minute).alsoAt(home, minute).login(minute), 4, 1, "none",
		},
		"five, and abroad": {
			newWalk(t).from(york).device("new", "new").alsoAt(home, minute).alsoAt(home, 2*minute).alsoAt(home, minute).alsoAt(home, minute).login(minute),
			5, 2.5, "country",
		},
		"within a session": {newWalk(t).from(york).device("new", "new").alsoAt(home, minute), 2, 0, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.w.read("session_count")
			want(t, f, c.value, c.nats)
			if f.texts["elsewhere"] != c.where {
				t.Errorf("elsewhere %q, want %q", f.texts["elsewhere"], c.where)
			}
		})
	}
}

func TestSessionCountKnowsItsOwn(t *testing.T) {
	t.Parallel()
	w := newWalk(t).alsoAt(home, time.Minute).alsoAt(home, time.Minute)
	w.Event.Session.ID = riskd.SessionID{100}         // its mark is 100
	w.Event.Session.PreviousID = riskd.SessionID{101} // rotated away
	want(t, w.read("session_count"), 1, 0)
	w.Event.Session.PreviousID = riskd.SessionID{}
	want(t, w.read("session_count"), 2, 0)
	w.Event.User.ID = ""
	wantMissing(t, w.read("session_count"), "user")
}

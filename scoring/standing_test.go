package scoring

import (
	"testing"

	"github.com/riskd/riskd"
)

// More sessions than are remembered begin anew, and cost no more memory.
func TestStandingsAreSoMany(t *testing.T) {
	l := newStandings(3)
	session := func(i byte) *riskd.Session {
		return &riskd.Session{ID: riskd.SessionID{i}, Identity: riskd.Sum{Open: []riskd.Evidence{{Code: "ours", Nats: 1}}}}
	}
	for i := range byte(3) {
		l.find(session(i)).identity.Open[0].Nats = 5
	}
	l.find(session(0))
	l.find(session(3)) // in the place of 1, which was seen longest ago
	for i, want := range map[byte]float64{0: 5, 2: 5, 3: 1} {
		if n := l.find(session(i)).identity.Nats(); n != want {
			t.Errorf("session %d stands at %g nats, want %g", i, n, want)
		}
	}
	if n := l.find(session(1)).identity.Nats(); n != 1 || len(l.byID) != 3 || l.order.Len() != 3 {
		t.Errorf("session 1 stands at %g nats; %d are remembered", n, len(l.byID))
	}
}

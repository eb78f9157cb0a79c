package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// crowdSignals are those that look at other users, other sessions and what the
// machine is made of.
var crowdSignals = []string{"device_drift", "proxy_login", "recent_identity_event", "session_count", "shared_address", "shared_device", "user_rarity"}

// What honest people do on honest days, and what these signals make of it all
// together: next to nothing.
func TestHonestDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		w    *walk
		most float64
	}{
		"the family's computer": {func() *walk {
			w := newWalk(t).login(20 * time.Hour).among()
			w.Crowd.Device = riskd.Popularity{Count: 160, Users: 3, Before: 4}
			return w
		}(), 0},
		"the son on his mother's computer": {func() *walk {
			w := newWalk(t).device("family", "family").login(20 * time.Hour).among()
			w.Crowd.Device = riskd.Popularity{Count: 160, Users: 4, Before: 4}
			return w
		}(), 0},
		"an office on Monday": {func() *walk {
			w := newWalk(t).login(60 * time.Hour).among()
			w.Crowd.Prefix = riskd.Popularity{Count: 6000, Users: 200}
			return w
		}(), 0},
		"a visitor in that office": {func() *walk {
			office := street
			office.place.Network = riskd.NetworkBusiness
			w := newWalk(t).from(office).login(20 * time.Hour).among()
			w.Crowd.Prefix = riskd.Popularity{Count: 6000, Users: 200, Before: 190}
			w.Event.Client.JA4, w.Crowd.Stack = proxyStack, riskd.Popularity{Count: 3} // inspected there
			return w
		}(), 0},
		"a carrier's gateway that is new": {func() *walk {
			w := newWalk(t).from(street).login(time.Hour).among().asnHas(300)
			w.Crowd.Prefix, w.Crowd.ASN.Before = riskd.Popularity{Users: 200}, 400
			return w
		}(), 0},
		"the week of a release": {func() *walk {
			w := newWalk(t).ownsLaptop().agent(chrome146).device("cookie", "new").has("fonts", "other").login(20 * time.Hour).among()
			w.Profile.Devices[0].Stack = riskd.StackMark(browserStack)
			w.Event.Client.JA4, w.Crowd.Stack, w.Crowd.Agent = proxyStack, riskd.Popularity{Count: 2, Users: 4}, riskd.Popularity{Count: 2, Users: 4}
			return w
		}(), 0},
		"a new telephone at home": {newWalk(t).device("phone", "phone").agent(firefox).login(20 * time.Hour).among(), 0},
		"on the street, the laptop still open": {
			newWalk(t).from(street).device("phone", "phone").agent(firefox).alsoAt(home, 5*time.Minute).login(5 * time.Minute).among(), 0.75,
		},
		"a forgotten password": {newWalk(t).told("password_reset", 3*time.Minute).login(20 * time.Hour).among(), 1.5},
		"the VPN of the company": {func() *walk {
			exit := york
			exit.place.Network = riskd.NetworkVPN
			w := newWalk(t).from(exit).login(time.Hour).among().asnHas(400)
			w.Crowd.Prefix = riskd.Popularity{Count: 4000, Users: 120, Before: 110}
			return w
		}(), 0},
		"the VPN is rolled out today": {func() *walk {
			exit := york
			exit.place.Network = riskd.NetworkVPN
			w := newWalk(t).from(exit).login(time.Hour).among().asnHas(0) // on machines that are known
			w.Crowd.Prefix = riskd.Popularity{Users: 120}
			return w
		}(), 1.4},
		"a journey to the far end of the world": {newWalk(t).from(york).login(20 * time.Hour).among().asnHas(0), 1.4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sum := 0.0
			for _, signal := range crowdSignals {
				f := c.w.read(signal)
				if sum += f.Nats; f.Nats > 0 {
					t.Logf("%s: %.2f nats", signal, f.Nats)
				}
			}
			if sum > c.most {
				t.Errorf("%.2f nats, at most %v", sum, c.most)
			}
		})
	}
}

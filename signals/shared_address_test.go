package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// The days of a prefix: how many come today, yesterday, on average, and in the
// whole network yesterday.
func TestSharedAddress(t *testing.T) {
	t.Parallel()
	kind := func(s spot, k riskd.NetworkKind) spot {
		s.place.Network = k
		return s
	}
	for name, c := range map[string]struct {
		from                           spot
		today, yesterday, count, whole float64
		nats                           float64
	}{
		"a neighbour or two":            {york, 3, 2, 60, 5, 0},
		"an office of 200":              {kind(york, riskd.NetworkBusiness), 200, 190, 6000, 190, 0},
		"the office on Monday":          {kind(york, riskd.NetworkBusiness), 200, 0, 6000, 0, 0},
		"a carrier's gateway":           {kind(york, riskd.NetworkMobile), 400, 380, 15000, 450, 0},
		"a gateway new in the pool":     {kind(york, riskd.NetworkMobile), 150, 0, 0, 300, 0},
		"an exit of a VPN that's liked": {kind(york, riskd.NetworkVPN), 60, 55, 2000, 300, 0},
		"a spray from a home":           {york, 40, 1, 10, 5, 1 + 0.5534},                                  // ln(40/23)
		"a spray from a new machine":    {kind(york, riskd.NetworkHosting), 40, 0, 0, 0, 2.5 + 1},          // 1 + ln(40/8), bounded
		"a spray in a large cloud":      {kind(york, riskd.NetworkHosting), 30, 0, 0, 400, 1 + 1.3218 + 1}, // ln(30/8)
		"just within":                   {york, 22, 5, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).from(c.from).device("new", "new").login(time.Hour).among()
			w.Crowd.Prefix = riskd.Popularity{Users: c.today, Before: c.yesterday, Count: c.count}
			w.Crowd.ASN.Before = c.whole
			want(t, w.read("shared_address"), c.today, c.nats)
		})
	}
}

// A crowd in the user's own place, or on his own machine, is his colleagues.
func TestSharedAddressOfOnesOwn(t *testing.T) {
	t.Parallel()
	crowded := func(w *walk) *walk {
		w.login(time.Hour).among()
		w.Crowd.Prefix = riskd.Popularity{Users: 100}
		return w
	}
	want(t, crowded(newWalk(t).device("new", "new")).read("shared_address"), 100, 0)
	want(t, crowded(newWalk(t).from(york)).read("shared_address"), 100, 0)
	f := crowded(newWalk(t).from(york).device("new", "new")).read("shared_address")
	want(t, f, 100, 2.4697) // 1 + ln(100/23)
	exit := york
	exit.place.Network = riskd.NetworkVPN
	w := crowded(newWalk(t).from(exit.ip6("203.0.200.1")).device("new", "new"))
	w.knows(exit) // another exit of the VPN that the user has: anybody may sit behind it
	want(t, w.read("shared_address"), 100, 3.5)
	if f.numbers["own"] != 0 || f.texts["kind"] != "residential" {
		t.Errorf("%v %v", f.numbers, f.texts)
	}
}

func TestSharedAddressWithinASession(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(york).device("new", "new").among()
	w.Crowd.Prefix = riskd.Popularity{Users: 100}
	want(t, w.read("shared_address"), 100, 2.4697)
}

func TestSharedAddressCannotTell(t *testing.T) {
	t.Parallel()
	first := newWalk(t).from(york).login(time.Hour).among() // the first day of counting
	for _, p := range []*riskd.Popularity{&first.Crowd.Country, &first.Crowd.Browser, &first.Crowd.Language, &first.Crowd.ASN} {
		p.Before = 0
	}
	wantMissing(t, first.read("shared_address"), "crowd")
	wantMissing(t, first.read("shared_device"), "crowd")
	few := newWalk(t).from(york).login(time.Hour).among()
	few.Crowd.Arrivals = 20
	wantMissing(t, few.read("shared_address"), "crowd")
	want(t, newWalk(t).read("shared_address"), 0, 0) // nobody arrives
}

package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// Others of ana's provider, and other addresses of her own.
var (
	neighbour = home.ip6("192.0.200.1")
	neigh6    = home.ip6("2001:db8:7::1")
	home6     = home.ip6("2001:db8:1::1")
	street2   = street.ip6("198.51.101.7")
	relay1    = at("203.0.114.1", riskd.Place{Country: "FR", ASN: 64520, Network: riskd.NetworkVPN, Build: 1})
	relay2    = relay1.ip6("203.0.115.1")
)

// taking plays requests from one place after the other and gives the nats of each.
func taking(w *walk, gap time.Duration, spots ...spot) (values, nats []float64) {
	for _, s := range spots {
		f := w.from(s).read("concurrent_use")
		values, nats = append(values, f.Value), append(nats, f.Nats)
		w.goOn(gap)
	}
	return values, nats
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	turns := func(a, b spot, n int) (spots []spot) {
		for range n {
			spots = append(spots, a, b)
		}
		return spots
	}
	for name, c := range map[string]struct {
		spots []spot
		gap   time.Duration
		value float64
		nats  float64
	}{
		"a neighbour, at once":    {turns(home, neighbour, 2), 10 * time.Second, 2, 4},
		"for long":                {turns(home, neighbour, 20), 10 * time.Second, 38, 6},
		"in a while":              {turns(home, neighbour, 2), 2 * time.Minute, 2, 2},
		"just within":             {[]spot{home, neighbour, home}, 5 * time.Minute, 1, 1},
		"not so soon":             {turns(home, neighbour, 4), 5*time.Minute + time.Second, 0, 0},
		"over IPv6":               {turns(home6, neigh6, 2), 10 * time.Second, 2, 4},
		"the line was renumbered": {[]spot{home, neighbour, neighbour, neighbour}, time.Second, 0, 0},
		"a house with IPv4 and 6": {turns(home, home6, 20), time.Second, 0, 0},
		"addresses of one prefix": {turns(home, home.ip6("192.0.2.77"), 20), time.Second, 0, 0},
		"a telephone's pool":      {turns(street, street2, 20), 10 * time.Second, 38, 0},
		"a relay's":               {turns(relay1, relay2, 20), 10 * time.Second, 38, 0},
		"another network":         {turns(home, lyon, 20), 10 * time.Second, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			w.Session.Here, w.Session.Network = c.spots[0].context(), c.spots[0].place.Network
			values, nats := taking(w, c.gap, c.spots...)
			total := 0.0
			for _, n := range nats {
				total += n
			}
			if last := values[len(values)-1]; last != c.value || !near(total, c.nats) {
				t.Errorf("%v returns, %v nats; want %v, %v", last, total, c.value, c.nats)
			}
		})
	}
}

// Among a house with both kinds of address, the neighbour is seen where two
// requests of one kind meet.
func TestConcurrentUseBesideADualStack(t *testing.T) {
	t.Parallel()
	_, nats := taking(newWalk(t), 5*time.Second, home, neighbour, home6, neighbour, home, home6, home, neighbour, home)
	total := 0.0
	for _, n := range nats {
		total += n
	}
	if total != 6 {
		t.Errorf("%v nats: %v", total, nats)
	}
}

func TestConcurrentUseOfAnotherMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b client
	}{
		"device":              {client{home, "cookie", "print", chrome145}, client{neighbour, "other", "print", chrome145}},
		"browser, in a pool":  {client{street, "cookie", "print", chrome145}, client{street2, "cookie", "print", firefox}},
		"device among relays": {client{relay1, "cookie", "print", chrome145}, client{relay2, "other", "other", chrome145}},
	} {
		w := newWalk(t)
		w.Session.Here = c.a.context()
		var last fact
		total := 0.0
		for range 3 {
			for _, x := range []client{c.a, c.b} {
				last = w.sends(x).read("concurrent_use")
				total += last.Nats
				w.goOn(10 * time.Second)
			}
		}
		if total != 6 || last.texts["machine"] != "other" || last.numbers["away_s"] != 20 || last.numbers["asn"] == 0 {
			t.Errorf("%s: %v nats, %v %v", name, total, last.texts, last.numbers)
		}
	}
}

// A provider that spreads one line's connections: bounded until it is known, and
// then nothing.
func TestConcurrentUseBetweenTheUsersOwn(t *testing.T) {
	t.Parallel()
	for requests, nats := range map[int]float64{49: 2, 50: 0} {
		w := newWalk(t)
		w.Profile.Contexts = riskd.Contexts{}
		for range requests {
			w.knows(neighbour)
			w.knows(home)
		}
		_, got := taking(w, 10*time.Second, home, neighbour, home)
		if got[2] != nats {
			t.Errorf("after %d requests each: %v nats, want %v", requests, got[2], nats)
		}
	}
}

// What he was seen in and doesn't count as his own yet excuses nothing.
func TestConcurrentUseBetweenStrangers(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.Profile.Contexts = riskd.Contexts{}
	for range 100 {
		w.Profile.Contexts.See(home.context(), noon)
		w.Profile.Contexts.See(neighbour.context(), noon)
	}
	if _, got := taking(w, 10*time.Second, home, neighbour, home); got[2] != 2 {
		t.Errorf("%v nats, want 2", got[2])
	}
}

// A pool is one, whichever of its prefixes a database knows as such.
func TestConcurrentUseOfHalfAPool(t *testing.T) {
	t.Parallel()
	plain := street2
	plain.place.Network = riskd.NetworkUnknown
	for name, spots := range map[string][]spot{"there": {street, plain, street}, "here": {plain, street, plain}} {
		w := newWalk(t)
		w.Session.Here = spots[0].context()
		if values, got := taking(w, 10*time.Second, spots...); values[2] != 1 || got[2] != 0 {
			t.Errorf("known %s: %v returns, %v nats", name, values[2], got[2])
		}
	}
}

func TestConcurrentUseWithTheKey(t *testing.T) {
	t.Parallel()
	key := riskd.Binding{Type: "dpop", Thumbprint: "ana's", Verified: true}
	for name, c := range map[string]struct {
		now  riskd.Binding
		nats float64
	}{"proved": {key, 0}, "not proved": {riskd.Binding{}, 2}} {
		w := newWalk(t)
		w.Session.Binding, w.Event.Session.Binding = key, c.now
		if _, got := taking(w, 10*time.Second, home, neighbour, home); got[2] != c.nats {
			t.Errorf("%s: %v nats, want %v", name, got[2], c.nats)
		}
	}
}

func TestConcurrentUseNotEvaluable(t *testing.T) {
	t.Parallel()
	wantMissing(t, newWalk(t).from(dark).read("concurrent_use"), "network")
	w := newWalk(t) // late: sent before the move
	taking(w, 0, home, neighbour)
	w.Now = w.Session.SeenAt.Add(-time.Second)
	want(t, w.from(home).read("concurrent_use"), 0, 0)
}

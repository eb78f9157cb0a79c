package signals_test

import (
	"math"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func (w *walk) asnHas(arrivals float64) *walk {
	w.Crowd.ASN.Count = arrivals
	return w
}

func TestRarityOfANewNetwork(t *testing.T) {
	t.Parallel()
	hidden := york
	hidden.place.Network = riskd.NetworkVPN
	unknown := york
	unknown.place.ASN = 0
	for name, c := range map[string]struct {
		to       spot
		arrivals float64
		nats     float64
	}{
		"at home":                    {home, 0, 0},
		"nobody's":                   {york, 0, 1.368},   // 0.35 * (ln 1001 - 3)
		"as usual as it gets":        {york, 49, -0.001}, // a share of 5 %
		"a fifth of all":             {york, 199, -0.486},
		"everybody's":                {york, 1000, -1}, // -1.05, bounded
		"everybody's, and a VPN":     {hidden, 1000, 0},
		"nobody's, and a VPN":        {hidden, 0, 1.368},
		"of no known provider":       {unknown, 0, 0},
		"home, though it has shrunk": {home.ip6("2001:db8::1"), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).from(c.to).login(time.Hour).among().asnHas(c.arrivals)
			if f := w.read("user_rarity"); !near(f.Nats, c.nats) {
				t.Errorf("%.4f nats, want %v", f.Nats, c.nats)
			}
		})
	}
}

// A young profile has no history that anything could be new to, and a network that
// none of all users has ever come from is rare for it all the same.
func TestRarityNeedsNoHistory(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(york).login(0).among().asnHas(0)
	w.Crowd.Arrivals = 100_000
	*w.Profile = riskd.Profile{}
	w.Crowd.Browser.Count = 90_000
	want(t, w.read("user_rarity"), 0, 2)
	wantMissing(t, w.read("new_network"), "history")
}

func TestRarityOfBrowserAndLanguage(t *testing.T) {
	t.Parallel()
	w := newWalk(t).login(time.Hour).among()
	w.Crowd.Browser.Count, w.Crowd.Language.Count, w.Event.Client.Language = 0, 0, "tlh"
	if f := w.read("user_rarity"); f.Nats != 0 {
		t.Errorf("%v nats for the user's own browser in his own place", f.Nats)
	}
	f := w.agent("curl/8.5.0").read("user_rarity")
	if !near(f.Nats, 1.368+0.5) || !near(f.numbers["agent_share"], 1.0/1001) || !near(f.numbers["language_share"], 1.0/1001) {
		t.Errorf("curl: %v nats, %v", f.Nats, f.numbers)
	}
	w.Crowd.Browser.Count, w.Crowd.Language.Count = 900, 900
	if f := w.read("user_rarity"); f.Nats != 0 {
		t.Errorf("%v nats for what nearly everybody has", f.Nats)
	}
}

// The value is the smoothed score of Freeman et al., worked out by hand.
func TestRarityRatios(t *testing.T) {
	t.Parallel()
	w := newWalk(t).login(time.Hour).among()
	f := w.read("user_rarity")
	own := func(p float64) float64 { return (10 + p) / 11 }
	p, a, c := 5.0/1001, 201.0/1001, 901.0/1001
	network := math.Log((0.6*p + 0.3*a + 0.1*c) / (0.6*own(p) + 0.3*own(a) + 0.1*own(c)))
	device := math.Log(p / own(p))
	agent := math.Log(c / own(c))
	if !near(f.numbers["network"], network) || !near(f.numbers["device"], device) || !near(f.numbers["agent"], agent) || !near(f.Value, network+device+agent) {
		t.Errorf("%v, sum %v; want network %v, device %v, agent %v", f.numbers, f.Value, network, device, agent)
	}
	if network > -1 || f.Nats != 0 {
		t.Errorf("at home: ratio %v, %v nats", network, f.Nats)
	}
	f = w.from(york).device("new", "new").read("user_rarity")
	if f.Value <= 0 || !near(f.numbers["device"], math.Log(11)) {
		t.Errorf("elsewhere on another machine: %v %v", f.Value, f.numbers)
	}
}

func TestRarityCannotTell(t *testing.T) {
	t.Parallel()
	w := newWalk(t).login(time.Hour).among()
	w.Crowd.Arrivals = 49
	wantMissing(t, w.read("user_rarity"), "crowd")
	want(t, newWalk(t).from(york).among().read("user_rarity"), 0, 0) // a move, no login
}

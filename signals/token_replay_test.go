package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

var (
	lyon = at("198.51.200.9", riskd.Place{Country: "FR", Located: true, Lat: 45.76, Lon: 4.83, RadiusKM: 20, ASN: 64502, Network: riskd.NetworkResidential, Build: 1})
	dark = at("203.0.200.9", riskd.Place{Country: "FR"})
	dim  = at("203.0.201.9", riskd.Place{Country: "FR"})
)

// client is what one of two places sends.
type client struct {
	spot
	device, print, agent string
}

func (w *walk) sends(c client) *walk { return w.from(c.spot).device(c.device, c.print).agent(c.agent) }

// interleave goes back and forth between home and away, and gives the readings
// of the requests that came from elsewhere than the one before.
func interleave(w *walk, at, away client, gap time.Duration, moves int) (facts []fact) {
	w.sends(at).read("token_replay")
	w.goOn(gap)
	for i := range moves {
		if w.sends(away); i%2 == 1 {
			w.sends(at)
		}
		facts = append(facts, w.read("token_replay"))
		w.goOn(gap)
	}
	return facts
}

func TestTokenReplay(t *testing.T) {
	t.Parallel()
	ana := client{home, "cookie", "print", chrome145}
	for name, c := range map[string]struct {
		home, away client
		gap        time.Duration
		values     []float64
		nats       []float64
		machine    string
	}{
		"copied, same looks":     {ana, client{lyon, "cookie", "print", chrome145}, time.Minute, []float64{0, 1, 2, 3, 4}, []float64{0, 1.5, 1.5, 1.5, 0}, "same"},
		"copied, no device":      {ana, client{lyon, "", "", chrome145}, time.Minute, []float64{0, 1, 2}, []float64{0, 1.5, 1.5}, "same"},
		"another device":         {ana, client{lyon, "other", "print", chrome145}, time.Minute, []float64{0, 1, 2, 3}, []float64{0, 4, 4, 0}, "other"},
		"another fingerprint":    {ana, client{lyon, "", "other", chrome145}, time.Minute, []float64{0, 1, 2}, []float64{0, 4, 4}, "other"},
		"another browser":        {ana, client{lyon, "", "", firefox}, time.Minute, []float64{0, 1, 2}, []float64{0, 4, 4}, "other"},
		"a telephone":            {ana, client{street, "cookie", "print", chrome145}, time.Minute, []float64{0, 1, 2, 3}, []float64{0, 0, 0, 0}, "same"},
		"another's telephone":    {ana, client{street, "other", "other", chrome145}, time.Minute, []float64{0, 1, 2}, []float64{0, 4, 4}, "other"},
		"not so soon":            {ana, client{lyon, "cookie", "print", chrome145}, 5*time.Minute + time.Second, []float64{0, 0, 0}, []float64{0, 0, 0}, ""},
		"just within":            {ana, client{lyon, "cookie", "print", chrome145}, 5 * time.Minute, []float64{0, 1}, []float64{0, 1.5}, "same"},
		"one network":            {ana, client{home.ip6("192.0.200.1"), "other", "other", firefox}, time.Minute, []float64{0, 0, 0}, []float64{0, 0, 0}, ""},
		"nobody knows networks":  {client{dark, "cookie", "", chrome145}, client{dim, "cookie", "", chrome145}, time.Minute, []float64{0, 1, 2}, []float64{0, 0, 0}, "same"},
		"the same, two machines": {client{dark, "cookie", "", chrome145}, client{dim, "other", "", chrome145}, time.Minute, []float64{0, 1, 2}, []float64{0, 4, 4}, "other"},
		"one network known":      {ana, client{dark, "other", "other", firefox}, time.Minute, []float64{0, 0, 0}, []float64{0, 0, 0}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			w.Session.Here = c.home.context()
			facts := interleave(w, c.home, c.away, c.gap, len(c.values))
			for i, f := range facts {
				want(t, f, c.values[i], c.nats[i])
			}
			last := facts[len(facts)-1]
			if last.texts["machine"] != c.machine {
				t.Errorf("machine is %q, want %q", last.texts["machine"], c.machine)
			}
			if c.machine != "" && last.numbers["away_s"] != (2*c.gap).Seconds() {
				t.Errorf("away for %v s", last.numbers["away_s"])
			}
		})
	}
}

// A thief who hops from exit to exit beside his victim comes back as well.
func TestTokenReplayAmongThree(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	var got []float64
	for _, s := range []spot{home, lyon, home, york, home, lyon} {
		got = append(got, w.from(s).read("token_replay").Value)
		w.goOn(time.Minute)
	}
	if got[2] != 1 || got[3] != 1 || got[4] != 2 || got[5] != 2 {
		t.Errorf("values are %v", got)
	}
}

// Staying is neither a return nor a departure.
func TestTokenReplayWithStays(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.from(lyon).read("token_replay")
	for range 20 {
		w.goOn(time.Minute)
		want(t, w.read("token_replay"), 0, 0)
	}
	w.goOn(time.Minute)
	want(t, w.from(home).read("token_replay"), 0, 0) // twenty minutes away
	w.goOn(time.Second)
	want(t, w.from(lyon).read("token_replay"), 1, 1.5)
}

// A house with two lines: its user has long used both.
func TestTokenReplayBetweenTheUsersOwn(t *testing.T) {
	t.Parallel()
	for requests, nats := range map[int]float64{49: 1.5, 50: 0} {
		w := newWalk(t)
		for range requests {
			w.knows(home)
			w.knows(lyon)
		}
		ana := client{home, "cookie", "print", chrome145}
		facts := interleave(w, ana, client{lyon, "cookie", "print", chrome145}, time.Minute, 2)
		want(t, facts[1], 1, nats)
	}
}

// What proves the session's key isn't a copy, wherever it comes from.
func TestTokenReplayWithTheKey(t *testing.T) {
	t.Parallel()
	key := riskd.Binding{Type: "dpop", Thumbprint: "ana's", Verified: true}
	for name, c := range map[string]struct {
		now  riskd.Binding
		nats float64
	}{
		"proved":      {key, 0},
		"not proved":  {riskd.Binding{}, 4},
		"another key": {riskd.Binding{Type: "dpop", Thumbprint: "other", Verified: true}, 4},
		"not valid":   {riskd.Binding{Type: "dpop", Thumbprint: "ana's"}, 4},
	} {
		w := newWalk(t)
		w.Session.Binding, w.Event.Session.Binding = key, c.now
		facts := interleave(w, client{home, "cookie", "", chrome145}, client{lyon, "other", "", chrome145}, time.Minute, 2)
		if f := facts[1]; f.Value != 1 || f.Nats != c.nats {
			t.Errorf("%s: value %v, nats %v; want 1, %v", name, f.Value, f.Nats, c.nats)
		}
	}
}

// A request that arrives late was sent before the move.
func TestTokenReplayOutOfOrder(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.from(lyon).read("token_replay")
	w.goOn(0)
	w.Now = w.Session.SeenAt.Add(-time.Second)
	want(t, w.from(home).read("token_replay"), 0, 0)
}

// A proof accepts the place it comes from: neither it nor what follows there is
// a return, and a session is charged no more than its bound, whatever is proved.
func TestTokenReplayAfterAProof(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	ana, thief := client{home, "cookie", "print", chrome145}, client{lyon, "cookie", "print", chrome145}
	interleave(w, ana, thief, time.Minute, 3)
	want(t, w.sends(ana).proves().read("token_replay"), 2, 0)
	w.goOn(time.Minute)
	want(t, w.read("token_replay"), 2, 0)
	total := 3.0
	for _, f := range interleave(w, ana, thief, time.Minute, 20) {
		total += f.Nats
	}
	if total != 4.5 {
		t.Errorf("%v nats in all", total)
	}
}

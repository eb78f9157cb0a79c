package signals_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// The stacks of a browser and of a proxy, as JA4.
const (
	browserStack = "t13d1516h2_8daaf6152771_b186095e22b6"
	proxyStack   = "t13d1312h2_f57a46bbacb6_e7c285222651"
)

// among makes the next event an arrival in a town of a thousand arrivals, most of
// them by the browser, and all of it as usual yesterday.
func (w *walk) among() *walk {
	usual := riskd.Popularity{Count: 900, Users: 20, Before: 20}
	*w.Crowd = riskd.Crowd{
		Looked: true, Arrivals: 1000,
		Prefix: riskd.Popularity{Count: 4, Users: 1, Before: 1}, ASN: riskd.Popularity{Count: 200, Users: 5, Before: 5},
		Country: usual, Agent: usual, Browser: usual, Stack: usual, Language: usual,
		Device: riskd.Popularity{Count: 4, Users: 1, Before: 1}, Print: riskd.Popularity{Count: 30, Users: 1, Before: 1},
	}
	return w
}

// stumbleAmongOthers is stumble for what others and the past say.
func stumbleAmongOthers(w *walk, r *rand.Rand) {
	some := func() riskd.Popularity {
		return riskd.Popularity{Count: r.Float64() * 100, Users: r.Float64() * 500, Before: r.Float64() * 500}
	}
	*w.Crowd = riskd.Crowd{}
	if r.IntN(2) == 0 {
		*w.Crowd = riskd.Crowd{
			Looked: true, Arrivals: r.Float64() * 200, Prefix: some(), ASN: some(), Country: some(), Agent: some(),
			Browser: some(), Stack: some(), Language: some(), Device: some(), Print: some(),
		}
	}
	w.Event.Client.Language = []string{"", "fr"}[r.IntN(2)]
	if r.IntN(2) == 0 {
		w.Event.Device.Attributes = map[string]string{"screen": string(rune('a' + r.IntN(3))), "gpu": string(rune('a' + r.IntN(3)))}
	}
	w.Profile.Live[r.IntN(4)] = riskd.SessionSeen{Session: r.Uint64(), At: w.Now.Unix() - r.Int64N(20000) + 1000, Here: street.context()}
	w.Profile.Told[r.IntN(4)] = riskd.Telling{Type: uint8(r.IntN(256)), At: w.Now.Unix() - r.Int64N(20000) + 1000}
}

func TestArrivingAllocatesNothing(t *testing.T) {
	w, all := newWalk(t).from(york).agent(firefox).among(), signals.All()
	w.Event.Client.JA4, w.Event.Client.Language = proxyStack, "fr"
	w.Event.Device.Attributes = map[string]string{"screen": "1920x1080", "gpu": "iris"}
	w.Event.Session.AuthTime = w.Now
	w.Profile.Live[0] = riskd.SessionSeen{Session: 1, At: w.Now.Unix(), Here: street.context()}
	allocs := testing.AllocsPerRun(100, func() {
		for i := range all {
			all[i].Measure(&w.Input)
		}
	})
	if allocs > 1 { // of StackOf, which makes a string
		t.Errorf("%v allocations", allocs)
	}
}

// What arrivals say stays readable in the requests that follow, without nats.
func TestArrivalsAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(york).device("other", "print").login(time.Hour).among()
	w.Crowd.Prefix.Users, w.Crowd.Device.Users = 40, 9
	rarity := w.read("user_rarity").Value
	address, device := w.read("shared_address").Value, w.read("shared_device").Value
	if rarity <= 0 || address != 40 || device != 9 {
		t.Errorf("rarity %v, users of the address %v, of the device %v", rarity, address, device)
	}
	w.goOn(10 * time.Second)
	*w.Crowd = riskd.Crowd{}
	want(t, w.read("user_rarity"), rarity, 0)
	want(t, w.read("shared_address"), 40, 0)
	want(t, w.read("shared_device"), 9, 0)
}

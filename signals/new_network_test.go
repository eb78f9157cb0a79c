package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestNewNetworkInASession(t *testing.T) {
	t.Parallel()
	cafe := street
	cafe.place.Network = riskd.NetworkResidential
	for name, c := range map[string]struct {
		to    spot
		gap   time.Duration
		value float64
		nats  float64
	}{
		"at home":                   {home, 10 * time.Second, 0, 0},
		"other prefix":              {home.ip6("2001:db8::1"), 10 * time.Second, 0, 0},
		"after 10 s":                {cafe, 10 * time.Second, 1, 7},   // ln(0.35/0.0002) = 7.47, bounded
		"after a minute":            {cafe, time.Minute, 1, 6.551},    // ln(0.35/0.00049988)
		"after 8 h":                 {cafe, 8 * time.Hour, 1, 0.4946}, // ln(0.35/0.21337)
		"after 2 days":              {cafe, 48 * time.Hour, 1, 0},
		"out of the wifi, 10 s":     {street, 10 * time.Second, 1, 5.1931}, // ln(0.05/0.00027774)
		"out of the wifi, a minute": {street, time.Minute, 1, 3.402},       // ln(0.05/0.0016653)
		"abroad":                    {york, time.Minute, 1, 6.551},         // the rule leaves it to new_country
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newWalk(t).from(c.to).after(c.gap).read("new_network")
			want(t, f, c.value, c.nats)
			if f.numbers["from"] != 64500 || f.numbers["to"] != float64(c.to.place.ASN) || f.texts["org"] != c.to.place.Org {
				t.Errorf("details are %v %v", f.numbers, f.texts)
			}
		})
	}
}

func TestNewNetworkKnown(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(street)
	w.knows(street)
	f := w.read("new_network")
	want(t, f, 0, 0)
	if f.numbers["known"] != 1 {
		t.Error("the user knows the network, the reading doesn't say so")
	}
	want(t, newWalk(t).from(street).goOn(time.Second).from(home).read("new_network"), 0, 0)
	renamed := home
	renamed.place.ASN = 64999 // by a new database
	want(t, newWalk(t).from(renamed).read("new_network"), 0, 0)
}

// Where the session was last is no news, even if it was never accepted there:
// its arrival has been weighed.
func TestNoveltyIsWeighedOnArrival(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(york.ip6("203.0.200.1"))
	w.Session.Here = york.context()
	want(t, w.read("new_network"), 0, 0)
	want(t, w.read("new_country"), 0, 0)
	want(t, w.read("network_kind"), 0, 0)
	want(t, w.read("ip_change"), 1, 2.5)
}

func TestNewNetworkAtLogin(t *testing.T) {
	t.Parallel()
	want(t, newWalk(t).login(time.Hour).read("new_network"), 0, 0)
	want(t, newWalk(t).from(street).login(2*time.Hour).read("new_network"), 1, 2.226) // ln(0.35/0.08) + ln(1/0.223)/2
	wantMissing(t, newWalk(t).young().from(street).login(time.Hour).read("new_network"), "history")
}

func TestNewNetworkCannotTell(t *testing.T) {
	t.Parallel()
	nowhere := street
	nowhere.place.ASN = 0
	wantMissing(t, newWalk(t).from(nowhere).read("new_network"), "network")
	w := newWalk(t).from(street)
	w.Session.Here.ASN, w.Session.Known = 0, riskd.Contexts{}
	wantMissing(t, w.read("new_network"), "history")
}

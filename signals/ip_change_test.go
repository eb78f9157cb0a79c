package signals_test

import (
	"testing"
	"time"
)

var office = func() spot {
	s := at("198.51.200.7", home.place)
	s.place.ASN = 64502
	return s
}()

func TestIPChangeInASession(t *testing.T) {
	t.Parallel()
	other := home.ip6("192.0.200.1") // another prefix of the same network
	unknown := other
	unknown.place.ASN = 0
	for name, c := range map[string]struct {
		to     spot
		gap    time.Duration
		change string
		value  float64
		nats   float64
	}{
		"same address":          {home, 10 * time.Second, "none", 0, -0.04},
		"same prefix":           {home.ip6("192.0.2.99"), 10 * time.Second, "none", 0, -0.04},
		"new prefix at once":    {other, 10 * time.Second, "prefix", 1, 2.5},  // ln(0.08/0.001388) = 4.05, bounded
		"new prefix in 5 min":   {other, 5 * time.Minute, "prefix", 1, 0.673}, // ln(0.08/0.04081)
		"new prefix in 1 h":     {other, time.Hour, "prefix", 1, 0},
		"network unknown":       {unknown, 10 * time.Second, "prefix", 1, 2.5},
		"to the office":         {office, 10 * time.Second, "known_network", 2, 3.5},   // ln(0.05/0.000333) = 5.01, bounded
		"to the office, 10 min": {office, 10 * time.Minute, "known_network", 2, 0.926}, // ln(0.05/0.0198)
		"to a new network":      {street, 10 * time.Second, "new_network", 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).from(c.to).after(c.gap)
			w.knows(office)
			f := w.read("ip_change")
			want(t, f, c.value, c.nats)
			if f.texts["change"] != c.change || f.numbers["gap_s"] != c.gap.Seconds() || f.numbers["roaming_nats"] != max(0, f.Nats) {
				t.Errorf("details are %v %v; want %s", f.texts, f.numbers, c.change)
			}
		})
	}
}

func TestIPChangeAtLogin(t *testing.T) {
	t.Parallel()
	other := home.ip6("192.0.200.1")
	want(t, newWalk(t).login(time.Hour).read("ip_change"), 0, -1.5)
	want(t, newWalk(t).from(other).login(30*time.Second).read("ip_change"), 2, 1.784) // ln(0.1/0.7) + ln(1/0.024)
	want(t, newWalk(t).from(other).login(72*time.Hour).read("ip_change"), 2, -0.899)  // ln(0.1/0.7) + ln(1/0.351)
	want(t, newWalk(t).from(street).login(time.Hour).read("ip_change"), 3, 0)
	wantMissing(t, newWalk(t).young().login(time.Hour).read("ip_change"), "history")
	other.place.ASN = 0
	wantMissing(t, newWalk(t).from(other).login(time.Hour).read("ip_change"), "network")
}

func TestIPChangeToANetworkOfTheSession(t *testing.T) {
	t.Parallel()
	w := newWalk(t).from(office).goOn(time.Second)
	w.from(home).goOn(time.Hour)
	want(t, w.from(office.ip6("198.51.201.1")).after(10*time.Minute).read("ip_change"), 2, 0.926)
}

// The table of benign logins from new addresses, ln(1/P) row by row.
func TestAbsence(t *testing.T) {
	t.Parallel()
	other := home.ip6("192.0.200.1")
	for gap, nats := range map[time.Duration]float64{
		0: 3.730, time.Minute: 2.919, 10 * time.Minute: 2.120, time.Hour: 1.501,
		24 * time.Hour: 1.047, 7 * 24 * time.Hour: 0.618, 30 * 24 * time.Hour: 0.276, 9999 * time.Hour: 0.276,
	} {
		want(t, newWalk(t).from(other).login(gap).read("ip_change"), 2, nats-1.946) // ln(0.1/0.7)
	}
}

// total is what a round trip of spots adds up to, each so long after the last.
func total(w *walk, signal string, gap time.Duration, rounds int, spots ...spot) (nats float64) {
	for range rounds {
		for _, s := range spots {
			nats += max(0, w.from(s).read(signal).Nats)
			w.goOn(gap)
		}
	}
	return nats
}

// A browser that speaks IPv4 and IPv6 in turn moves once.
func TestDualStackIsCheap(t *testing.T) {
	t.Parallel()
	if got := total(newWalk(t), "ip_change", 2*time.Second, 200, home, home.ip6("2001:db8::1")); got != 2.5 {
		t.Errorf("%v nats for 400 requests; want 2.5, for the first change", got)
	}
	w := newWalk(t) // and not at all where the user does it every day
	w.knows(home.ip6("2001:db8::1"))
	if got := total(w, "ip_change", 2*time.Second, 200, home, home.ip6("2001:db8::1")); got != 0 {
		t.Errorf("%v nats for a user who is known to; want none", got)
	}
}

func TestRoamingIsBounded(t *testing.T) {
	t.Parallel()
	w, sum := newWalk(t), 0.0
	w.knows(office)
	for i := range 30 { // thirty prefixes in two known networks
		s := []spot{home, office}[i%2].ip6("2001:db8:" + string(rune('a'+i%6)) + string(rune('0'+i%10)) + "::1")
		sum += w.from(s).read("ip_change").Nats
		w.goOn(time.Second)
	}
	if sum != 4 {
		t.Errorf("%v nats of roaming; want 4", sum)
	}
}

func TestAlternationBetweenNetworks(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	w.from(office).goOn(9 * time.Minute)
	f := w.from(home).read("ip_change")
	want(t, f, 2, 2)
	if f.texts["change"] != "return" || f.numbers["alternations"] != 1 {
		t.Errorf("details are %v %v", f.texts, f.numbers)
	}
	w = newWalk(t)
	w.from(office).goOn(11 * time.Minute)
	want(t, w.from(home).read("ip_change"), 2, 0) // too long ago

	w = newWalk(t)
	w.from(office).goOn(time.Second)
	w.from(street).goOn(time.Second)
	want(t, w.from(home).read("ip_change"), 2, 0) // A-B-C-A

	w = newWalk(t)
	w.from(office).read("ip_change")
	w.goOn(time.Second)
	if got := total(w, "ip_change", time.Second, 20, home, office); got != 6 {
		t.Errorf("%v nats for forty alternations; want 6", got)
	}
}

package signals_test

import (
	"math"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// travelTo is a request from a place, so long after one from Paris.
func travelTo(t *testing.T, to spot, elapsed time.Duration) fact {
	w := newWalk(t).from(to)
	w.Session.Anchor.At = w.Now.Add(-elapsed)
	return w.read("geo_velocity")
}

func TestGeoVelocity(t *testing.T) {
	t.Parallel()
	hidden := york
	hidden.place.Network = riskd.NetworkVPN
	near := at("203.0.113.1", riskd.Place{Located: true, Lat: 48.9, Lon: 2.3522, RadiusKM: 20})
	for name, c := range map[string]struct {
		to              spot
		elapsed         time.Duration
		low, best, high float64
		nats            float64
	}{
		// Paris to New York are 5837.2 km; both radii are 20 km.
		"flight of 8 h": {york, 8 * time.Hour, 712.2, 729.7, 734.7, 2.5},
		"in 30 min":     {york, 30 * time.Minute, 11394.5, 11674.5, 11754.5, 2.5},
		"at once":       {york, 0, 341834, 350234, 352634, 2.5}, // in a minute
		"into a VPN":    {hidden, 30 * time.Minute, 11394.5, 11674.5, 11754.5, 0.8},
		"across town":   {near, time.Minute, 0, 289.5, 2689.5, 0}, // 4.8 km
		"at home":       {home, time.Second, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := travelTo(t, c.to, c.elapsed)
			want := map[string]float64{"low_kmh": c.low, "best_kmh": c.best, "high_kmh": c.high}
			for k, v := range want {
				if math.Abs(f.numbers[k]-v) > max(0.1, v*1e-5) {
					t.Errorf("%s is %.1f, want %.1f", k, f.numbers[k], v)
				}
			}
			if f.Nats != c.nats || f.Value != f.numbers["low_kmh"] {
				t.Errorf("value %v, nats %v; want low_kmh, %v", f.Value, f.Nats, c.nats)
			}
		})
	}
	f := travelTo(t, york, 8*time.Hour)
	if !(math.Abs(f.numbers["distance_km"]-5837.2) < 0.1 && math.Abs(f.numbers["excess_km"]-5697.2) < 0.1) ||
		f.numbers["elapsed_s"] != 28800 || f.texts["from"] != "FR" || f.texts["to"] != "US" {
		t.Errorf("details are %v %v", f.numbers, f.texts)
	}
}

// A hidden network is no anchor; whoever stays in it hasn't travelled with every
// request.
func TestGeoVelocityIsOfTheArrival(t *testing.T) {
	t.Parallel()
	hidden := york
	hidden.place.Network = riskd.NetworkVPN
	w := newWalk(t).from(hidden)
	if f := w.read("geo_velocity"); f.Nats != travelHidden {
		t.Fatalf("the arrival is worth %v", f.Nats)
	}
	if f := w.goOn(10 * time.Second).read("geo_velocity"); f.Nats != 0 || f.Value == 0 {
		t.Errorf("the next request is worth %v at %v km/h", f.Nats, f.Value)
	}
}

const travelHidden = 0.8

func TestGeoVelocityCannotTell(t *testing.T) {
	t.Parallel()
	change := func(s spot, f func(*riskd.Place)) spot { f(&s.place); return s }
	for name, c := range map[string]struct {
		to      spot
		anchor  func(*riskd.Anchor)
		missing string
	}{
		"first place":      {york, func(a *riskd.Anchor) { *a = riskd.Anchor{} }, "anchor"},
		"not located":      {change(york, func(p *riskd.Place) { p.Located = false }), nil, "place"},
		"located nowhere":  {change(york, func(p *riskd.Place) { p.Lat = math.NaN() }), nil, "place"},
		"mobile jitter":    {change(york, func(p *riskd.Place) { p.Network = riskd.NetworkMobile }), nil, "precision"},
		"satellite":        {change(york, func(p *riskd.Place) { p.Network = riskd.NetworkSatellite }), nil, "precision"},
		"vague now":        {change(york, func(p *riskd.Place) { p.RadiusKM = 200 }), nil, "precision"},
		"vague before":     {york, func(a *riskd.Anchor) { a.RadiusKM = 200 }, "precision"},
		"older than place": {york, func(a *riskd.Anchor) { a.At = noon.Add(time.Nanosecond) }, "order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t).from(c.to)
			if c.anchor != nil {
				c.anchor(&w.Session.Anchor)
			}
			wantMissing(t, w.read("geo_velocity"), c.missing)
		})
	}
}

// A new database that puts the same prefix elsewhere moves nobody.
func TestGeoVelocityAcrossDatabases(t *testing.T) {
	t.Parallel()
	moved := at("192.0.2.77", york.place)
	moved.place.Build = 2
	want(t, travelTo(t, moved, time.Second), 0, 0)
	moved.place.Located = false
	want(t, travelTo(t, moved, time.Second), 0, 0)
}

// The interval is one: low below best below high, and slower over a longer time.
func TestGeoVelocityIsAnInterval(t *testing.T) {
	t.Parallel()
	last := math.Inf(1)
	for elapsed := time.Second; elapsed < 100*24*time.Hour; elapsed *= 2 {
		f := travelTo(t, york, elapsed)
		low, best, high := f.numbers["low_kmh"], f.numbers["best_kmh"], f.numbers["high_kmh"]
		if !(0 <= low && low < best && best < high && high <= last) {
			t.Fatalf("after %v: %v, %v, %v, and %v before", elapsed, low, best, high, last)
		}
		last = high
	}
}

package signals_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// The tests know two people's places: ana at home in Paris, and others.
var (
	noon   = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	home   = at("192.0.2.10", riskd.Place{Country: "FR", Located: true, Lat: 48.8566, Lon: 2.3522, RadiusKM: 20, ASN: 64500, Org: "Example Fibre", Network: riskd.NetworkResidential, Build: 1})
	street = at("198.51.100.7", riskd.Place{Country: "FR", Located: true, Lat: 48.85, Lon: 2.34, RadiusKM: 100, ASN: 64501, Network: riskd.NetworkMobile, Build: 1})
	york   = at("203.0.113.9", riskd.Place{Country: "US", Located: true, Lat: 40.7128, Lon: -74.0060, RadiusKM: 20, ASN: 64510, Org: "Example Cable", Network: riskd.NetworkResidential, Build: 1})
)

const (
	chrome145 = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36"
	chrome146 = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36"
	firefox   = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

// spot is where a request comes from.
type spot struct {
	ip    netip.Addr
	place riskd.Place
}

func at(ip string, p riskd.Place) spot { return spot{netip.MustParseAddr(ip), p} }

func (s spot) ip6(ip string) spot { return at(ip, s.place) }

func (s spot) context() riskd.Context {
	return riskd.ContextOf(&riskd.Event{Client: riskd.Client{IP: s.ip}, Place: s.place})
}

// walk plays events through a session as an engine does that allows them all.
type walk struct {
	t *testing.T
	signals.Input
}

// newWalk is a session of ana's that has been at home for a while, on a device
// that is known, with a profile of ten sessions at home; the next event, at
// noon, is ten seconds after the last.
func newWalk(t *testing.T) *walk {
	w := &walk{t: t, Input: signals.Input{
		Event: &riskd.Event{
			User:   riskd.User{ID: "ana"},
			Device: riskd.Device{ID: "cookie", Fingerprint: "print"},
			Client: riskd.Client{UserAgent: chrome145},
		},
		Session: &riskd.Session{User: "ana", Requests: 5, Cells: make([]riskd.Cell, signals.Cells())},
		Profile: &riskd.Profile{User: "ana", Sessions: 10, Requests: 400, LastAt: noon.Add(-time.Hour)},
		Crowd:   &riskd.Crowd{},
		Now:     noon,
		Gap:     10 * time.Second,
	}}
	w.from(home)
	w.Agent = signals.ParseAgent(chrome145)
	s, p := w.Session, w.Profile
	s.Here, s.Network, s.Agent, s.Device = home.context(), home.place.Network, w.Agent, riskd.MarkOf(&w.Event.Device)
	s.SeenAt = noon.Add(-10 * time.Second)
	s.Anchor = riskd.Anchor{Lat: home.place.Lat, Lon: home.place.Lon, RadiusKM: 20, Country: riskd.CountryOf("FR"), Prefix: home.context().Prefix, Build: 1, At: s.SeenAt}
	s.Known.See(s.Here, noon)
	s.AcceptDevice(s.Device)
	w.knows(home)
	p.Devices[0] = riskd.DeviceSeen{DeviceMark: s.Device, Tenure: riskd.Tenure{Proved: true}, Agent: w.Agent, Count: 50}
	return w
}

// knows makes a place one of ana's own.
func (w *walk) knows(s spot) { settle(&w.Profile.Contexts, s.context()) }

func settle(c *riskd.Contexts, x riskd.Context) {
	c.See(x, noon)
	for i := range c {
		c[i].Tenure.Proved = true
	}
}

// login makes the next event the session's first, so long after ana was last seen.
func (w *walk) login(absence time.Duration) *walk {
	w.Session = &riskd.Session{Cells: make([]riskd.Cell, signals.Cells())}
	w.First, w.Gap = true, absence
	w.Profile.LastAt = w.Now.Add(-absence)
	return w
}

func (w *walk) from(s spot) *walk {
	w.Event.Client.IP, w.Event.Place = s.ip, s.place
	return w
}

func (w *walk) after(gap time.Duration) *walk {
	w.Now = w.Now.Add(gap - w.Gap)
	w.Gap = gap
	return w
}

func (w *walk) agent(userAgent string) *walk {
	w.Event.Client.UserAgent = userAgent
	w.Agent = signals.ParseAgent(userAgent)
	return w
}

func (w *walk) asks(method, route string) *walk {
	w.Event.Request.Method, w.Event.Request.Route = method, route
	return w
}

func (w *walk) device(id, fingerprint string) *walk {
	w.Event.Device = riskd.Device{ID: id, Fingerprint: fingerprint}
	return w
}

// goOn lets the session take the event up, accepting it, and leads to the next
// one after the gap.
func (w *walk) goOn(gap time.Duration) *walk {
	s, e := w.Session, w.Event
	if here := riskd.ContextOf(e); here != s.Here && here != (riskd.Context{}) {
		s.Before, s.MovedAt, s.Here = s.Here, w.Now, here
	}
	if s.User == "" {
		s.User, s.BeforeLogin = e.User.ID, s.BeforeLogin || w.First && e.User.ID == ""
	}
	s.Known.See(s.Here, w.Now)
	if e.Client.Known() {
		s.Network = e.Place.Network
	}
	if m := riskd.MarkOf(&e.Device); m != (riskd.DeviceMark{}) {
		s.Device = m
		s.AcceptDevice(m)
	}
	if w.Agent.Family != "" {
		s.Agent = w.Agent
	}
	if e.Session.AuthTime.After(s.AuthTime) {
		s.AuthTime = e.Session.AuthTime
	}
	s.Requests++
	if w.Profile.Trusted(riskd.MarkOf(&e.Device).ID, w.Now) != nil {
		w.Profile.Take(&riskd.Lesson{Sighted: true}, e, w.Now)
	}
	s.SeenAt, w.First = w.Now, false
	w.Now, w.Gap = w.Now.Add(gap), gap
	return w
}

// proves lets the next event bring an authentication that meets the session's
// step-up: as the engine, it accepts client and place before anything measures.
func (w *walk) proves() *walk {
	s, e := w.Session, w.Event
	e.Session.AuthTime = w.Now
	s.StepUp, s.Here, s.Agent, s.Device = nil, riskd.ContextOf(e), w.Agent, riskd.MarkOf(&e.Device)
	s.Known.See(s.Here, w.Now)
	s.AcceptDevice(s.Device)
	return w
}

// trusts founds trust in a device of ana's, seen now at home.
func (w *walk) trusts(device string, lasts time.Duration) *walk {
	w.Profile.Take(&riskd.Lesson{Trust: riskd.DeviceTrust{
		Device: riskd.MarkOf(&riskd.Device{ID: device}).ID, AuthTime: w.Now, Until: w.Now.Add(lasts), Here: home.context(), SeenAt: w.Now,
	}}, w.Event, w.Now)
	return w
}

// fact is a reading whose details go by name.
type fact struct {
	riskd.Reading
	numbers map[string]float64
	texts   map[string]string
}

func (w *walk) read(name string) fact {
	w.t.Helper()
	for _, s := range signals.All() {
		if s.Name != name {
			continue
		}
		f := fact{s.Measure(&w.Input), map[string]float64{}, map[string]string{}}
		for i, d := range s.Details {
			if d.Kind == riskd.Text {
				f.texts[d.Name] = f.Details[i].Text
			} else {
				f.numbers[d.Name] = f.Details[i].Number
			}
		}
		return f
	}
	w.t.Fatalf("no signal %s", name)
	return fact{}
}

// want holds a reading to its value and nats, the latter to a thousandth.
func want(t *testing.T, f fact, value, nats float64) {
	t.Helper()
	if f.State != riskd.Measured || f.Value != value || !near(f.Nats, nats) {
		t.Errorf("state %d %s value %v nats %.4f; want measured, value %v, nats %.4f", f.State, f.Missing, f.Value, f.Nats, value, nats)
	}
}

func wantMissing(t *testing.T, f fact, missing string) {
	t.Helper()
	if f.State != riskd.NotEvaluable || f.Missing != missing {
		t.Errorf("state %d missing %q, value %v; want not evaluable for %q", f.State, f.Missing, f.Value, missing)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-3 }

package sessions

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
)

var crowdNoon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func arrival(user, ip string) *riskd.Event {
	return &riskd.Event{
		Tenant: "acme", User: riskd.User{ID: user}, Device: riskd.Device{ID: "d-" + user, Fingerprint: "print"},
		Client: riskd.Client{IP: netip.MustParseAddr(ip), Language: "fr", JA4: "t13d1516h2_8daaf6156771_e5627efa2ab1"},
		Place:  riskd.Place{ASN: 64496, Country: "FR"},
	}
}

var crowdAgent = riskd.Agent{Family: "Firefox", OS: "Linux", Major: 140}

// arrive has an event learned from, or only seen, as the engine would.
func arrive(s *Store, e *riskd.Event, at time.Time, learn bool) {
	e.Session.ID = riskd.SessionID{1, byte(len(e.User.ID))}
	copy(e.Session.ID[2:], e.User.ID)
	s.Update(e, at, func(in *riskd.Session, _ *riskd.Profile) riskd.Lesson {
		in.Agent, in.User = crowdAgent, e.User.ID
		return riskd.Lesson{Arrival: true, Learn: learn, Live: true}
	})
}

func TestCrowdCounts(t *testing.T) {
	t.Parallel()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		arrive(s, arrival(fmt.Sprint("user", i), "203.0.113.7"), crowdNoon, i < 30)
	}
	e := arrival("new", "203.0.113.200")
	c := s.Crowd(e, crowdAgent, crowdNoon)
	for name, p := range map[string]riskd.Popularity{
		"prefix": c.Prefix, "asn": c.ASN, "country": c.Country, "agent": c.Agent, "browser": c.Browser,
		"stack": c.Stack, "language": c.Language, "print": c.Print,
	} {
		if p.Count != 30 || math.Abs(p.Users-40) > 6 || p.Before != 0 {
			t.Errorf("%s: %+v; 30 were learned from 40 users", name, p)
		}
	}
	if !c.Looked || c.Arrivals != 30 || c.Device != (riskd.Popularity{}) {
		t.Errorf("%+v", c)
	}
	e.Tenant = "other"
	if c := s.Crowd(e, crowdAgent, crowdNoon); c.Arrivals != 0 || c.ASN.Count != 0 {
		t.Errorf("tenants share a crowd: %+v", c)
	}
	e.Tenant = "acme"
	later := s.Crowd(e, crowdAgent, crowdNoon.Add(24*time.Hour))
	if math.Abs(later.ASN.Before-40) > 6 || later.ASN.Users != 0 {
		t.Errorf("a day later: %+v", later.ASN)
	}
	if half := s.Crowd(e, crowdAgent, crowdNoon.Add(crowdHalfLife)); math.Abs(half.ASN.Count-15) > 1e-9 || half.ASN.Before != 0 {
		t.Errorf("a half-life later: %+v", half.ASN)
	}
	if again := s.Crowd(e, crowdAgent, crowdNoon); again.ASN.Count != 30 {
		t.Errorf("to look has changed something: %+v", again.ASN)
	}
}

// However many features come, the crowd is bounded, what is usual stays, and the
// same events leave the same behind.
func TestCrowdIsBounded(t *testing.T) {
	t.Parallel()
	var a, b crowd
	for _, c := range []*crowd{&a, &b} {
		for i := range 300_000 {
			e := &riskd.Event{User: riskd.User{ID: fmt.Sprint(i % 1000)}, Client: riskd.Client{IP: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), 1})}}
			e.Device.ID = fmt.Sprint("device", i)
			e.Place.ASN = 64496
			c.count(e, riskd.Agent{}, crowdNoon.Add(time.Duration(i)*time.Second), true)
		}
	}
	n := 0
	for i := range a.shards {
		x, y := &a.shards[i], &b.shards[i]
		n += len(x.features)
		if len(x.at) != len(x.features) {
			t.Fatalf("shard %d: %d places of %d features", i, len(x.at), len(x.features))
		}
		for j := range x.features {
			if x.features[j] != y.features[j] {
				t.Fatalf("shard %d differs at %d", i, j)
			}
		}
	}
	if n > crowdShards*crowdFeatures || n < crowdShards*crowdFeatures/2 {
		t.Errorf("%d features", n)
	}
	keys := traitsOf(&riskd.Event{Place: riskd.Place{ASN: 64496}}, riskd.Agent{})
	if p := a.shards[keys[traitASN]>>58].look(keys[traitASN], crowdNoon.Add(300_000*time.Second)); p.Count < 100_000 {
		t.Errorf("what everybody has is forgotten: %+v", p)
	}
}

func TestCrowdSurvives(t *testing.T) {
	t.Parallel()
	o := Options{FS: vfs.NewMem(), Dir: "data"}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		arrive(s, arrival(fmt.Sprint("user", i), "203.0.113.7"), crowdNoon.Add(time.Duration(i)*time.Minute), true)
	}
	e, at := arrival("new", "203.0.113.200"), crowdNoon.Add(time.Hour)
	before := s.Crowd(e, crowdAgent, at)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = New(o); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if after := s.Crowd(e, crowdAgent, at); after != before || after.ASN.Count == 0 {
		t.Errorf("after a restart %+v, before it %+v", after, before)
	}
}

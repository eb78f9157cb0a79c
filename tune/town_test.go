package tune_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
	"github.com/riskd/riskd/tune"
)

// town is a small trace, made of a seed: people with homes, telephones and habits,
// some of whom sit behind a relay, and thieves of three kinds.
type town struct {
	random *rand.Rand
	events []riskd.Event
	labels strings.Builder
	ids    uint64
}

type person struct {
	id          string
	home, phone riskd.Place
	prefix      byte
	device      riskd.Device
	agent       string
	relay       bool
	gap         float64
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)

func newTown(seed uint64, people, days int, attackEvery int) *town {
	w := &town{random: rand.New(rand.NewPCG(seed, 1))}
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range people {
		p := w.person(i)
		fmt.Fprintf(&w.labels, `{"user":%q,"archetype":%q}`+"\n", p.id, map[bool]string{true: "relay", false: "plain"}[p.relay])
		for day := range days {
			at := start.Add(time.Duration(day)*24*time.Hour + time.Duration(9*3600+w.random.IntN(8*3600))*time.Second)
			w.session(p, at, attackEvery > 0 && day > 5 && w.random.IntN(attackEvery) == 0)
		}
	}
	slices.SortStableFunc(w.events, func(a, b riskd.Event) int { return a.Time.Compare(b.Time) })
	return w
}

func (w *town) person(i int) *person {
	asn := uint32(64500 + w.random.IntN(6))
	return &person{
		id: fmt.Sprintf("u%03d", i), prefix: byte(i),
		home:   riskd.Place{Country: "DE", Located: true, Lat: 52, Lon: 13, RadiusKM: 10, ASN: asn, Network: riskd.NetworkResidential},
		phone:  riskd.Place{Country: "DE", Located: true, Lat: 52, Lon: 13, RadiusKM: 200, ASN: 64510, Network: riskd.NetworkMobile},
		device: riskd.Device{ID: fmt.Sprintf("d%d", i), Fingerprint: fmt.Sprintf("f%d", i)},
		agent:  []string{firefox, chrome}[w.random.IntN(2)], relay: w.random.IntN(8) == 0, gap: 8 + 20*w.random.Float64(),
	}
}

func (w *town) session(p *person, at time.Time, attack bool) {
	w.ids++
	var id riskd.SessionID
	binary.BigEndian.PutUint64(id[:], w.ids)
	base := riskd.Event{
		Session: riskd.EventSession{ID: id, StartedAt: at, AuthTime: at, ACR: "aal2", AMR: []string{"pwd", "otp"}},
		User:    riskd.User{ID: p.id, Roles: []string{"user"}}, Device: p.device,
		Client: riskd.Client{IP: netip.AddrFrom4([4]byte{10, p.prefix, 1, 5}), UserAgent: p.agent}, Place: p.home,
	}
	n := 6 + w.random.IntN(20)
	strike := n / 2
	for i := range n {
		at = at.Add(time.Duration(1000*p.gap*(0.3+1.4*w.random.Float64())) * time.Millisecond)
		e := base
		switch {
		case p.relay && w.random.IntN(3) == 0:
			e.Client.IP, e.Place.ASN = netip.AddrFrom4([4]byte{10, 200, byte(w.random.IntN(4)), 5}), 64520
		case w.random.IntN(25) == 0: // the telephone takes over for good
			base.Client.IP, base.Place = netip.AddrFrom4([4]byte{10, 210, byte(w.random.IntN(6)), 5}), p.phone
			e = base
		case w.random.IntN(150) == 0: // a tunnel
			base.Place.Country, base.Place.ASN, base.Place.Network = "NL", 64530, riskd.NetworkVPN
			base.Client.IP = netip.AddrFrom4([4]byte{10, 220, p.prefix, 5})
			e = base
		}
		w.request(&e, at)
		if attack && i == strike {
			w.attack(p, base, at)
		}
	}
}

func (w *town) request(e *riskd.Event, at time.Time) {
	e.Time = at
	e.Request = riskd.Request{Method: "GET", Route: "/orders", Class: riskd.ClassStandard, Activity: riskd.Interactive, Status: 200}
	switch w.random.IntN(40) {
	case 0:
		e.Request.Class, e.Request.Route, e.Privilege = riskd.ClassSensitive, "/export", riskd.Privilege{Level: 3, Action: "export"}
	case 1:
		e.Request.Status = 403
	}
	w.add(e)
}

func (w *town) add(e *riskd.Event) {
	e.ID = fmt.Sprintf("e%d", len(w.events))
	w.events = append(w.events, *e)
}

func (w *town) attack(p *person, base riskd.Event, at time.Time) {
	kind := []string{"abroad", "near", "inside"}[w.random.IntN(3)]
	e := base
	switch kind {
	case "abroad":
		e.Place = riskd.Place{Country: "BR", Located: true, Lat: -8, Lon: -35, RadiusKM: 10, ASN: 65001, Network: riskd.NetworkHosting}
		e.Client.IP, e.Client.UserAgent = netip.AddrFrom4([4]byte{11, p.prefix, 1, 1}), "curl/8.5.0"
	case "near":
		e.Place.ASN = 64540 + uint32(w.random.IntN(5))
		e.Client.IP = netip.AddrFrom4([4]byte{12, p.prefix, 1, 1})
		e.Device.Fingerprint = "thief"
	}
	name := fmt.Sprintf("a%d", len(w.events))
	for i := range 6 + w.random.IntN(10) {
		at = at.Add(time.Duration(1000+w.random.IntN(4000)) * time.Millisecond)
		own := e
		own.Time = at
		own.Request = riskd.Request{Method: "POST", Route: "/admin", Class: riskd.ClassAdmin, Activity: riskd.Interactive, Status: []int{403, 200}[w.random.IntN(2)]}
		own.Privilege = riskd.Privilege{Level: 5, Action: "users"}
		if kind != "inside" {
			own.Request.Class, own.Privilege = riskd.ClassStandard, riskd.Privilege{}
		}
		w.add(&own)
		fmt.Fprintf(&w.labels, `{"event":%q,"attack":%q,"family":%q,"onset":%v}`+"\n", own.ID, name, kind, i == 0)
	}
}

// world runs towns.
type world struct {
	testing.TB
	pack *policies.Pack
}

func newWorld(t testing.TB, pack, overlay string) *world {
	t.Helper()
	fs, ok := policies.Shipped(pack)
	if !ok {
		t.Fatalf("there is no pack %s", pack)
	}
	p, err := policies.Compile(pack, fs, policies.Options{Signals: signals.Descriptions(), Overlay: []byte(overlay)})
	if err != nil {
		t.Fatal(err)
	}
	return &world{t, p}
}

// engine is the real one, whose locator knows nothing: events bring their places.
type engine struct {
	*scoring.Engine
	ids int
}

type nowhere struct{}

func (nowhere) Locate(netip.Addr) (riskd.Place, []string) { return riskd.Place{}, nil }

func (w *world) engine(policy scoring.Policy, record func(*riskd.Record)) (*engine, error) {
	store, err := sessions.New(sessions.Options{MaxSessions: 1 << 20, MaxProfiles: 1 << 20})
	if err != nil {
		return nil, err
	}
	e := &engine{}
	e.Engine, err = scoring.New(scoring.Options{
		Memory: store, Locator: nowhere{}, Policy: func() scoring.Policy { return policy }, Record: record,
		NewID: func() string { e.ids++; return fmt.Sprintf("%026d", e.ids) }, Deadline: time.Minute,
	})
	return e, err
}

func (e *engine) Decide(ctx context.Context, _ int, event *riskd.Event) riskd.Decision {
	return e.Engine.Decide(ctx, event, event.Time)
}

func (e *engine) Tell(context.Context, int, *riskd.IdentityEvent) error { return nil }

func (e *engine) Prove(ctx context.Context, _ int, u *riskd.StepUp, at time.Time) bool {
	a := riskd.StepUpAnswer{ID: u.ID, Passed: true, AuthTime: at, AMR: u.Demand.AMR, Actor: "test"}
	if !at.After(u.AuthTime) {
		a.AuthTime = u.AuthTime.Add(time.Millisecond)
	}
	if len(u.Demand.ACR) > 0 {
		a.ACR = u.Demand.ACR[0]
	}
	_, err := e.Answer(ctx, a, at)
	return err == nil
}

// record records a town.
func (w *world) record(of *town, enforce bool) *tune.Log {
	w.Helper()
	labels, err := tune.ReadLabels("labels", bytes.NewReader([]byte(of.labels.String())))
	if err != nil {
		w.Fatal(err)
	}
	r, err := tune.NewRecorder(tune.Options{
		Policy: w.pack, Tuned: w.pack.Tuned(), Signals: signals.Descriptions(), Labels: labels, Enforce: enforce,
		Engine: func(p tune.Policy) (tune.Engine, error) { return w.engine(p, nil) },
	})
	if err != nil {
		w.Fatal(err)
	}
	for i := range of.events {
		e := of.events[i]
		if err := r.Event(context.Background(), &e); err != nil {
			w.Fatal(err)
		}
	}
	return r.Close()
}

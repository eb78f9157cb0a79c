package riskd_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// An address that nobody knows is no place: it is like no other, and nothing that
// would make it usual is learned from it.
func TestUnknownAddresses(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for _, unknown := range []string{"::", "0.0.0.0", "::ffff:0.0.0.0"} {
		e := riskd.Event{
			Session: riskd.EventSession{ID: riskd.SessionID{1}}, User: riskd.User{ID: "ana"},
			Client: riskd.Client{IP: netip.MustParseAddr(unknown).Unmap(), UserAgent: "curl"},
		}
		if err := e.Validate(); err != nil || e.Client.Known() {
			t.Errorf("%s: %v, known %t", unknown, err, e.Client.Known())
		}
		here := riskd.ContextOf(&e)
		if here != (riskd.Context{}) || here.Prefix.String() != "" {
			t.Errorf("%s: the context is %v", unknown, here)
		}
		var p riskd.Profile
		p.Learn(&riskd.Lesson{}, &e, riskd.Agent{Family: "curl"}, at, true)
		p.Take(&riskd.Lesson{Proof: riskd.Proof{Agent: riskd.Agent{Family: "curl"}}}, &e, at)
		if p.Contexts != (riskd.Contexts{}) || p.Sessions != 1 || p.Devices[0].Count == 0 {
			t.Errorf("%s: learned %+v", unknown, p.Contexts)
		}
		var c riskd.Contexts
		c.See(here, at)
		c.See(riskd.Context{Country: riskd.CountryOf("FR")}, at) // as a store of old may have it: no prefix
		if f := c.Familiar(here); f != (riskd.Familiarity{}) {
			t.Errorf("%s: familiar: %+v", unknown, f)
		}
	}
	if (&riskd.Client{}).Known() || !(&riskd.Client{IP: netip.MustParseAddr("0.0.0.1")}).Known() {
		t.Error("no address is known, or one is not")
	}
}

// A session and a trusted device that come from nobody knows where stay where they
// were.
func TestUnknownAddressesMoveNothing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	home := riskd.Event{
		Session: riskd.EventSession{ID: riskd.SessionID{1}}, User: riskd.User{ID: "ana"}, Device: riskd.Device{ID: "d"},
		Client: riskd.Client{IP: netip.MustParseAddr("192.0.2.1")}, Place: riskd.Place{ASN: 64500, Country: "FR"},
	}
	nowhere := home
	nowhere.Client.IP, nowhere.Place = netip.IPv6Unspecified(), riskd.Place{}
	device := riskd.MarkOf(&home.Device).ID
	var p riskd.Profile
	p.Take(&riskd.Lesson{Live: true, Trust: riskd.DeviceTrust{Device: device, Until: at.Add(time.Hour), Here: riskd.ContextOf(&home), SeenAt: at}}, &home, at)
	p.Take(&riskd.Lesson{Live: true, Sighted: true}, &nowhere, at.Add(time.Minute))
	if live := p.Live[0]; live.Here != riskd.ContextOf(&home) || live.At != at.Add(time.Minute).Unix() {
		t.Errorf("the session is at %v", live)
	}
	if trust := p.Trusted(device, at); trust.Here != riskd.ContextOf(&home) || !trust.LeftAt.IsZero() {
		t.Errorf("the device is at %v", trust)
	}
}

package scoring_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

func (b *bench) session(t *testing.T) riskd.Session {
	t.Helper()
	s, ok := b.store.Session(riskd.SessionID{7})
	if !ok {
		t.Fatal("the session isn't known")
	}
	return s
}

// reading finds a signal's reading of the last event, and its gap_s.
func (b *bench) reading(t *testing.T, name string) (r riskd.Reading, gap float64) {
	t.Helper()
	for i, s := range signals.Descriptions() {
		if s.Name != name {
			continue
		}
		for k, d := range s.Details {
			if d.Name == "gap_s" {
				gap = b.record.Readings[i].Details[k].Number
			}
		}
		return b.record.Readings[i], gap
	}
	t.Fatalf("there is no signal %s", name)
	return r, 0
}

func (b *bench) reads(names ...string) {
	b.policy.info.Reads = map[string]bool{}
	for _, n := range names {
		b.policy.info.Reads[n] = true
	}
}

func in(place riskd.Place, ip string) func(*riskd.Event) {
	return func(e *riskd.Event) { e.Place, e.Client.IP = place, netip.MustParseAddr(ip) }
}

var (
	paris   = riskd.Place{Country: "FR", Located: true, Lat: 48.86, Lon: 2.35, RadiusKM: 20, ASN: 64496, Network: riskd.NetworkResidential}
	newYork = riskd.Place{Country: "US", Located: true, Lat: 40.71, Lon: -74.01, RadiusKM: 20, ASN: 64502, Network: riskd.NetworkResidential}
)

func TestOnlyWhatTheRulesReadIsMeasured(t *testing.T) {
	b := engine(t)
	b.reads("privilege_use")
	b.decide(nil)
	if r, _ := b.reading(t, "privilege_use"); r.State != riskd.Measured {
		t.Errorf("privilege_use, which is read, is in state %d", r.State)
	}
	if r, _ := b.reading(t, "request_rate"); r.State != riskd.Unread {
		t.Errorf("request_rate, which isn't read, is in state %d", r.State)
	}
}

func TestAnchorsAreExact(t *testing.T) {
	vague := map[string]func(*riskd.Place){
		"mobile":      func(p *riskd.Place) { p.Network = riskd.NetworkMobile },
		"satellite":   func(p *riskd.Place) { p.Network = riskd.NetworkSatellite },
		"vpn":         func(p *riskd.Place) { p.Network = riskd.NetworkVPN },
		"wide radius": func(p *riskd.Place) { p.RadiusKM = 200 },
		"no place":    func(p *riskd.Place) { p.Located = false },
	}
	for name, change := range vague {
		t.Run(name, func(t *testing.T) {
			b := engine(t)
			b.decide(in(paris, "203.0.113.7"))
			place := newYork
			change(&place)
			b.decide(in(place, "198.51.100.9"))
			if a := b.session(t).Anchor; a.Lat != paris.Lat {
				t.Errorf("the anchor went to %+v", a)
			}
			b.decide(in(newYork, "198.51.100.9"))
			anchored := b.now
			b.now = b.now.Add(-time.Hour)
			b.decide(in(paris, "203.0.113.7")) // late: it says nothing about where the session is now
			if a := b.session(t).Anchor; a.Lat != newYork.Lat || !a.At.Equal(anchored) {
				t.Errorf("the anchor is %+v, want New York at %s", a, anchored)
			}
		})
	}
}

func TestWhatLaterEventsLeaveOutStays(t *testing.T) {
	b := engine(t)
	login := b.now
	b.decide(func(e *riskd.Event) {
		e.Device.ID = "d1"
		e.Session.AuthTime, e.Session.ACR = login, "aal2"
		e.Session.Binding = riskd.Binding{Type: "dpop", Thumbprint: "k1", Verified: true}
	})
	b.decide(func(e *riskd.Event) {
		e.Session.AuthTime, e.Session.ACR = login.Add(-time.Hour), "aal1"
		e.Session.Binding = riskd.Binding{Type: "dpop", Thumbprint: "k2", Verified: true}
	})
	s := b.session(t)
	if s.DeviceID != "d1" || s.ACR != "aal2" || !s.AuthTime.Equal(login) || s.Binding.Thumbprint != "k1" {
		t.Errorf("session remembers device %q, acr %q of %s, key %q", s.DeviceID, s.ACR, s.AuthTime, s.Binding.Thumbprint)
	}
}

func TestOnlyInteractiveRequestsAreActivity(t *testing.T) {
	b := engine(t)
	b.decide(nil)
	active := b.now
	b.decide(func(e *riskd.Event) { e.Request.Activity = riskd.Background })
	if s := b.session(t); !s.ActiveAt.Equal(active) || !s.SeenAt.Equal(b.now) {
		t.Errorf("active at %s, seen at %s", s.ActiveAt, s.SeenAt)
	}
}

func TestMovesAreBetweenPrefixes(t *testing.T) {
	b := engine(t)
	b.decide(in(paris, "203.0.113.7"))
	b.decide(in(newYork, "198.51.100.9"))
	moved := b.now
	other := newYork
	other.ASN = 0 // the same prefix, of which less is known
	b.decide(in(other, "198.51.100.10"))
	s := b.session(t)
	if s.Before.ASN != paris.ASN || !s.MovedAt.Equal(moved) || s.Here.ASN != 0 {
		t.Errorf("before %+v, here %+v, moved at %s", s.Before, s.Here, s.MovedAt)
	}
}

// Whoever used an id before the login need not be who signs in: his place and
// device are none that the session may return to.
func TestSignInForgetsWhoCameBefore(t *testing.T) {
	b := engine(t)
	b.decide(func(e *riskd.Event) {
		in(newYork, "198.51.100.9")(e)
		e.User.ID, e.Device.ID = "", "stranger"
	})
	if s := b.session(t); !s.BeforeLogin || s.Known[0].Count == 0 {
		t.Fatalf("before the login: %+v", s)
	}
	b.decide(func(e *riskd.Event) {
		in(paris, "203.0.113.7")(e)
		e.Device.ID = "own"
	})
	s := b.session(t)
	stranger, own := riskd.MarkOf(&riskd.Device{ID: "stranger"}), riskd.MarkOf(&riskd.Device{ID: "own"})
	if s.HasDevice(stranger) || !s.HasDevice(own) || s.Known.Familiar(riskd.Context{ASN: newYork.ASN}).ASN {
		t.Errorf("after it: devices %v, contexts %v", s.Devices, s.Known)
	}
}

// A session that was suspicious teaches nothing once that has faded, until its user has
// proved himself.
func TestASuspectSessionTeachesNothing(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("x", 5.5)}
	b.decide(nil)
	b.policy.reasons = nil
	b.after(4 * time.Hour).decide(nil)
	if s := b.session(t); s.Learned || !s.Suspect || s.Identity.Nats() > 5 {
		t.Fatalf("learned %t, suspect %t at %.1f nats", s.Learned, s.Suspect, s.Identity.Nats())
	}
	b.policy.answer.Outcome = riskd.StepUpNeeded
	asked := b.decide(nil)
	b.policy.answer.Outcome = riskd.Allow
	if _, err := b.after(time.Second).answer(asked.StepUp.ID, true, "aal2"); err != nil {
		t.Fatal(err)
	}
	b.decide(nil)
	if s := b.session(t); !s.Learned || s.Suspect {
		t.Errorf("after the proof: learned %t, suspect %t", s.Learned, s.Suspect)
	}
}

// The proof of a step-up accepts what it came with: nothing has changed then.
func TestProofAcceptsItsContext(t *testing.T) {
	b := engine(t)
	b.reads("ip_change", "device_change")
	b.decide(func(e *riskd.Event) { in(paris, "203.0.113.7")(e); e.Device.ID = "old" })
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
	b.policy.answer.Outcome = riskd.StepUpNeeded
	b.decide(nil)
	b.policy.reasons, b.policy.answer.Outcome = nil, riskd.Allow
	d := b.decide(func(e *riskd.Event) {
		in(newYork, "198.51.100.9")(e)
		e.Device.ID, e.Session.AuthTime = "new", b.now.Add(time.Second)
	})
	if d.Outcome != riskd.Allow {
		t.Fatalf("the proof is answered %s", d.Outcome)
	}
	for _, name := range []string{"ip_change", "device_change"} {
		if r, _ := b.reading(t, name); r.State != riskd.Measured || r.Value != 0 {
			t.Errorf("%s of the proof itself: %+v", name, r)
		}
	}
}

func TestTheLoginThatRaisedAStepUpIsNoProof(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
	b.policy.answer.Outcome = riskd.StepUpNeeded
	login := b.now.Add(time.Second)
	signIn := func(e *riskd.Event) { e.Session.AuthTime = login }
	b.decide(signIn)
	b.policy.reasons, b.policy.answer.Outcome = nil, riskd.Allow
	if d := b.decide(signIn); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("the same login again: %s", d.Outcome)
	}
}

func TestAPendingStepUpAsksForWhatTheActionNeeds(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{ACR: []string{"aal2"}}}
	first := b.decide(nil)
	b.policy.answer.StepUp.ACR = []string{"aal3"}
	second := b.decide(nil)
	if second.StepUp.ID != first.StepUp.ID || second.StepUp.Demand.ACR[0] != "aal3" {
		t.Errorf("challenge %+v, then %+v", first.StepUp, second.StepUp)
	}
}

// A failure repeats a session's last answer only if that was allow.
func TestFailureDoesNotSoftenTheLastAnswer(t *testing.T) {
	b := engine(t)
	b.policy.answer.Outcome = riskd.StepUpNeeded // for one action, not for risk
	b.decide(nil)
	b.policy.judgeErr = errors.New("broken")
	if d := b.decide(nil); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("answered %s", d.Outcome)
	}
}

func TestGaps(t *testing.T) {
	b := engine(t)
	b.reads("new_network")
	for i := range riskd.YoungProfile { // sessions of the same user, an hour apart
		b.now = b.now.Add(time.Hour)
		b.decide(func(e *riskd.Event) {
			in(paris, "203.0.113.7")(e)
			e.Session.ID = riskd.SessionID{100, byte(i)}
		})
	}
	b.now = b.now.Add(2*time.Hour - time.Second)
	b.decide(in(paris, "203.0.113.7"))
	if _, gap := b.reading(t, "new_network"); gap != 7200 {
		t.Errorf("a login two hours after the user was last seen has a gap of %g s", gap)
	}
	b.now = b.now.Add(29 * time.Second)
	b.decide(in(paris, "203.0.113.7"))
	if _, gap := b.reading(t, "new_network"); gap != 30 {
		t.Errorf("30 s later the gap is %g s", gap)
	}
	b.now = b.now.Add(-time.Hour)
	b.decide(in(paris, "203.0.113.7"))
	if _, gap := b.reading(t, "new_network"); gap != 0 {
		t.Errorf("a late event has a gap of %g s", gap)
	}
}

func TestEarlierEvidenceIsNamed(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
	b.policy.answer.Outcome = riskd.StepUpNeeded
	b.decide(nil)
	b.policy.reasons = nil
	if d := b.decide(nil); !strings.Contains(d.AdminText, "new_country: new_country (earlier)") || d.UserText != "Is it you?" {
		t.Errorf("words: %q, %q", d.AdminText, d.UserText)
	}
}

// A proof that was fresh once and comes late doesn't meet a demand for a fresh one.
func TestAProofHasToBeFresh(t *testing.T) {
	b := engine(t)
	b.policy.reasons = []riskd.Reason{evidence("new_country", 7)}
	b.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: riskd.Demand{MaxAge: 5 * time.Minute}}
	b.decide(nil)
	b.policy.reasons, b.policy.answer = nil, riskd.Judgement{Outcome: riskd.Allow}
	proved := b.now.Add(time.Minute)
	proof := func(e *riskd.Event) { e.Session.AuthTime = proved }
	b.now = proved.Add(time.Hour)
	if d := b.decide(proof); d.Outcome != riskd.StepUpNeeded {
		t.Errorf("an hour after the proof: %s", d.Outcome)
	}
	proved = b.now
	if d := b.decide(proof); d.Outcome != riskd.Allow {
		t.Errorf("after another: %s", d.Outcome)
	}
}

package scoring

import (
	"time"

	"github.com/riskd/riskd"
)

// AnchorRadiusKM is the accuracy radius from which a place is too vague to
// measure travel from: geolocation is off by 179 to 207 km in the median on
// mobile networks, by 3 to 16 km on fixed ones (docs/detection.md).
const AnchorRadiusKM = 200

// observe writes the event into the session. It comes after measuring, which
// compares the event with the session as it was.
func (t *turn) observe() {
	s, e := t.Session, t.Event
	t.observeSubject()
	// What comes from nobody knows where leaves the session where it was.
	if here := riskd.ContextOf(e); here != s.Here && here != (riskd.Context{}) {
		if here.Prefix != s.Here.Prefix {
			s.Before, s.MovedAt = s.Here, t.Now
		}
		s.Here = here
	}
	if exact(&e.Place) && t.Now.After(s.Anchor.At) {
		s.Anchor = riskd.Anchor{
			Lat: e.Place.Lat, Lon: e.Place.Lon, RadiusKM: e.Place.RadiusKM,
			Country: s.Here.Country, Prefix: s.Here.Prefix, Build: e.Place.Build, At: t.Now,
		}
	}
	if e.Client.Known() {
		s.Network = e.Place.Network
	}
	if m := riskd.MarkOf(&e.Device); m != (riskd.DeviceMark{}) {
		s.Device = m
	}
	if t.agent.Family != "" {
		s.Agent = t.agent
	}
	s.SeenAt = latest(s.SeenAt, t.Now)
	if t.first || e.Request.Activity == riskd.Interactive {
		s.ActiveAt = latest(s.ActiveAt, t.Now)
	}
	s.Requests++
}

// observeSubject keeps who the session belongs to and how he proved it. A later
// event that leaves something out takes nothing away.
func (t *turn) observeSubject() {
	s, e := t.Session, t.Event
	if t.first {
		s.BeforeLogin = e.User.ID == ""
	}
	if s.User == "" && e.User.ID != "" {
		if !t.first {
			t.note(riskd.SignedIn, "")
		}
		s.User = e.User.ID
		// Whoever used the id before the login need not be who has signed in.
		s.Known, s.Devices = riskd.Contexts{}, [len(s.Devices)]riskd.DeviceMark{}
	}
	if e.Device.ID != "" {
		s.DeviceID = e.Device.ID
	}
	if len(e.User.Roles) > 0 {
		s.Roles = e.User.Roles
	}
	if e.User.Type != "" {
		s.UserType = e.User.Type
	}
	if e.Environment != "" {
		s.Environment = e.Environment
	}
	if e.Session.AuthTime.After(s.AuthTime) {
		s.AuthTime, s.ACR, s.AMR = e.Session.AuthTime, e.Session.ACR, e.Session.AMR
	}
	if s.Binding.Type == "" && e.Session.Binding.Verified {
		s.Binding = e.Session.Binding
	}
}

// chronicle notes what people want to see of a session later: where it began and
// moved to, and that its machine changed.
func (t *turn) chronicle() {
	s, here := t.Session, riskd.ContextOf(t.Event)
	m := riskd.MarkOf(&t.Event.Device)
	switch {
	case t.first && !s.Previous.IsZero():
		t.note(riskd.Rotated, s.Previous.String())
	case t.first:
		t.note(riskd.Began, "")
	case here != (riskd.Context{}) && s.Here != (riskd.Context{}) && moved(here, s.Here):
		t.note(riskd.Moved, "")
	case m.ID != 0 && s.Device.ID != 0 && m.ID != s.Device.ID,
		t.agent.Family != "" && s.Agent.Family != "" && t.agent.Family != s.Agent.Family:
		t.note(riskd.ChangedAgent, t.agent.Family)
	}
}

// moved compares known contexts as people would.
func moved(to, from riskd.Context) bool {
	return to.ASN != from.ASN || to.Country != from.Country || to.ASN == 0 && to.Prefix != from.Prefix
}

// note adds to the session's timeline.
func (t *turn) note(kind riskd.MomentKind, note string) {
	m := riskd.Moment{At: t.Now, Kind: kind, Context: t.Session.Here, Note: note}
	if t.Event.Client.Known() { // answers to challenges come from nowhere
		m.Context = riskd.ContextOf(t.Event)
	}
	t.Session.Note(m)
	t.moments = append(t.moments, m)
}

func exact(p *riskd.Place) bool {
	return p.Located && p.RadiusKM < AnchorRadiusKM && !p.Network.Anonymous() &&
		p.Network != riskd.NetworkMobile && p.Network != riskd.NetworkSatellite
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

package riskd

import (
	"slices"
	"time"
)

// DeviceTrust is the trust in a user's device that a passed step-up has founded.
// It holds for the device's id, which only that machine should know; a
// fingerprint founds nothing.
type DeviceTrust struct {
	Device uint64 // DeviceMark.ID; 0: no trust
	// AuthTime is the authentication that founded the trust: what removes trust
	// removes all that is older.
	AuthTime time.Time
	Until    time.Time
	// Here is where the device was seen last, at SeenAt; There is the network
	// before that, left at LeftAt.
	Here, There    Context
	SeenAt, LeftAt time.Time
}

// Lesson is what a user's profile takes from an event.
type Lesson struct {
	// Learn says that the event is good enough to learn habits from.
	Learn bool
	// Trust is founded anew; none if its Device is 0.
	Trust DeviceTrust
	// Distrust voids the trust in the device of that mark; none if it is 0.
	Distrust uint64
	// Sighted says that the event's device, which is trusted, was seen.
	Sighted bool
	// Prompted says that the event's answer is a new challenge.
	Prompted bool
	// Proof is what the user has proved himself with; none if it is zero.
	Proof Proof
	// Live says that the event is one of a session of the user's, wherever that is.
	Live bool
	// Arrival says that the event is a login, or comes from another network or machine
	// than the session's last: what crowds are counted by.
	Arrival bool
	// Gap is the time since the session's last event, 0 for its first one.
	Gap time.Duration
	// Moved says that the event came by Move.
	Moved bool
	Move  Move
}

// Proof is where and on what a user has proved himself: both count as his own from
// then on.
type Proof struct {
	Context Context
	Hidden  bool // in a network that hides its users
	Device  DeviceMark
	Agent   Agent
}

// Trusted finds the trust in a device that holds at now, nil if none does.
func (p *Profile) Trusted(device uint64, now time.Time) *DeviceTrust {
	for i := range p.Trust {
		if t := &p.Trust[i]; t.Device != 0 && t.Device == device && now.Before(t.Until) {
			return t
		}
	}
	return nil
}

// Take takes a lesson in, apart from its habits, for which there is Learn.
func (p *Profile) Take(l *Lesson, e *Event, now time.Time) {
	if l.Distrust != 0 {
		p.distrust(func(t *DeviceTrust) bool { return t.Device == l.Distrust })
	}
	if l.Trust.Device != 0 {
		p.found(l.Trust)
	}
	if l.Sighted {
		if t := p.Trusted(MarkOf(&e.Device).ID, now); t != nil {
			t.sight(ContextOf(e), now)
		}
	}
	if l.Proof != (Proof{}) {
		p.settle(&l.Proof, now)
	}
	if l.Live {
		p.live(e, now)
	}
	if l.Prompted {
		if day := now.Unix() / secondsPerDay; day != p.PromptDay {
			p.PromptDay, p.Prompts = day, 0
		}
		p.Prompts++
	}
}

const secondsPerDay = 24 * 60 * 60

func (p *Profile) settle(x *Proof, now time.Time) {
	p.Contexts.see(x.Context, now, true, true)
	if x.Hidden {
		p.Anonymous.see(x.Context, now, true, true)
	}
	p.seeDevice(x.Device, x.Agent, now, true, true)
}

// live notes where the event's session is, in place of the one seen longest ago.
func (p *Profile) live(e *Event, now time.Time) {
	slot, id := &p.Live[0], e.Session.ID.Mark()
	for i := range p.Live {
		if s := &p.Live[i]; s.Session == id {
			slot = s
			break
		} else if s.At < slot.At {
			slot = s
		}
	}
	if at := now.Unix(); at >= slot.At {
		here := ContextOf(e)
		if here == (Context{}) && slot.Session == id {
			here = slot.Here
		}
		*slot = SessionSeen{Session: id, At: at, Here: here}
	}
}

// Tell remembers an identity event about the user, in place of the oldest.
func (p *Profile) Tell(kind string, at time.Time) {
	slot := &p.Told[0]
	for i := range p.Told {
		if p.Told[i].At < slot.At {
			slot = &p.Told[i]
		}
	}
	*slot = Telling{Type: uint8(slices.Index(IdentityTypes(), kind) + 1), At: at.Unix()}
}

// PromptsOn counts the challenges that the user was given on the UTC day of now.
func (p *Profile) PromptsOn(now time.Time) int {
	if p.PromptDay != now.Unix()/secondsPerDay {
		return 0
	}
	return int(p.Prompts)
}

// found puts the trust in, in place of the device's own or of that which ends
// first.
func (p *Profile) found(t DeviceTrust) {
	slot := &p.Trust[0]
	for i := range p.Trust {
		if p.Trust[i].Device == t.Device {
			slot = &p.Trust[i]
			break
		}
		if p.Trust[i].Until.Before(slot.Until) {
			slot = &p.Trust[i]
		}
	}
	*slot = t
}

// DistrustBefore voids all trust that was founded before at, in the device alone
// if its mark isn't 0.
func (p *Profile) DistrustBefore(at time.Time, device uint64) {
	p.distrust(func(t *DeviceTrust) bool {
		return t.AuthTime.Before(at) && (device == 0 || t.Device == device)
	})
}

func (p *Profile) distrust(void func(*DeviceTrust) bool) {
	for i := range p.Trust {
		if void(&p.Trust[i]) {
			p.Trust[i] = DeviceTrust{}
		}
	}
}

// CloneWithin is the time within which no device is in one network, in another
// and in the first again, but on the border of two. Telephones that lose and find
// their wifi do that too; their id is then proved again, which does little harm.
const CloneWithin = 10 * time.Minute

// ClonedBy reports whether a sighting at here means that two machines have the
// device's id: it is back in the network that it was in before the last, sooner
// than a machine that is carried around would be.
func (t *DeviceTrust) ClonedBy(here Context, now time.Time) bool {
	return !t.LeftAt.IsZero() && !now.Before(t.SeenAt) && elsewhere(here, t.Here) && !elsewhere(here, t.There) && now.Sub(t.LeftAt) < CloneWithin
}

// elsewhere compares networks and countries; what isn't known is nowhere else.
func elsewhere(a, b Context) bool {
	return a.ASN != b.ASN && a.ASN != 0 && b.ASN != 0 || a.Country != b.Country && a.Country != Country{} && b.Country != Country{}
}

func (t *DeviceTrust) sight(here Context, now time.Time) {
	if now.Before(t.SeenAt) || here == (Context{}) {
		return
	}
	if elsewhere(here, t.Here) {
		t.There, t.LeftAt = t.Here, t.SeenAt
	}
	t.Here, t.SeenAt = here, now
}

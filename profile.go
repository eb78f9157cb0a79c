package riskd

import (
	"math"
	"time"
)

// Profile is what is usual for a user over all his sessions. It has a fixed
// size and learns only from events that were clean or proved: see Learn.
type Profile struct {
	Tenant string
	User   string
	// Sessions counts the sessions learned from: a profile with few is young.
	Sessions uint32
	// Requests counts those learned from, at most HabitsPerDay a day, Privileged
	// those among them with a privilege above 0; PrivilegeMax is the highest level
	// among them.
	Requests     uint32
	Privileged   uint32
	PrivilegeMax int
	FirstAt      time.Time
	LastAt       time.Time
	Contexts     Contexts
	// Anonymous are the contexts among hosting, VPN, proxy and Tor networks that
	// the user is known to use.
	Anonymous Contexts
	Devices   [8]DeviceSeen
	Hours     [24]uint16 // of UTC days
	// Kinds counts the requests learned from; old ones fade.
	Kinds [RequestKinds]uint16
	// Pace is of the natural logarithms of seconds between requests, Volume of the
	// natural logarithms of 1 + the bytes of an answer.
	Pace, Volume Moments
	// Routes and Actions are what the user is known to ask for: Request.Route and
	// Privilege.Action.
	Routes, Actions Sketch
	// Moves counts the days before HabitDay with a change of place within a session, by
	// Move; ActiveFor is the time in which they were made.
	Moves     [Moves]uint16
	ActiveFor time.Duration
	// HabitDay is the last UTC day, counted from 1970, on which habits were learned:
	// HabitsNow of them, and MovesNow (bits by Move).
	HabitDay  uint16
	HabitsNow uint16
	MovesNow  uint8
	// Trust is that in the user's devices.
	Trust [4]DeviceTrust
	// Live are the sessions seen last, whatever was decided of them.
	Live [4]SessionSeen
	// Told are the last identity events about the user.
	Told [4]Telling
	// Prompts counts the challenges given on PromptDay, in days since 1970 (UTC).
	PromptDay int64
	Prompts   uint32
}

// DeviceSeen is a device that a user is known to use.
type DeviceSeen struct {
	DeviceMark
	Tenure
	Agent Agent
	Count uint32
	// Stack marks the TLS library (see StackOf), Attributes what the page could tell
	// of the device, each as AttributesOf gives it; 0 is unknown.
	Stack      uint32
	Attributes Attributes
	At         int64 // Unix seconds of the last sighting
}

// SessionSeen is when and where one of a user's sessions was seen last.
type SessionSeen struct {
	Session uint64 // mark of its id; 0: none
	At      int64  // Unix seconds
	Here    Context
}

// Telling is an identity event as a profile remembers it.
type Telling struct {
	Type uint8 // 1 + the index among IdentityTypes; 0: none
	At   int64 // Unix seconds
}

// Move is a change of place within a session.
type Move uint8

// The moves, from the least to the furthest.
const (
	MovePrefix  Move = iota // another prefix of the same network
	MoveKnown               // another network that session or user knows
	MoveNetwork             // a new network
	MoveCountry             // a new country
	Moves                   // how many there are
)

// YoungProfile is how many sessions a profile must have learned from before its
// history says anything about what is unusual (docs/detection.md).
const YoungProfile = 3

// HabitsPerDay bounds the requests of one day that habits are learned from: a
// thousand in one session, made to look honest, weigh no more than that.
const HabitsPerDay = 40

// Young reports whether the profile has too little history to judge novelty by.
func (p *Profile) Young() bool { return p.Sessions < YoungProfile }

// HasDevice finds what is known of a device: whether its id, its fingerprint
// and its agent's family and system count as the user's own.
func (p *Profile) HasDevice(m DeviceMark, a Agent, at time.Time) (id, fingerprint, agent bool) {
	for i := range p.Devices {
		d := &p.Devices[i]
		if d.Count == 0 || !d.Tenure.Settled(at) {
			continue
		}
		id = id || m.ID != 0 && d.ID == m.ID
		fingerprint = fingerprint || m.Fingerprint != 0 && d.Fingerprint == m.Fingerprint
		agent = agent || a.Family != "" && d.Agent.Family == a.Family && d.Agent.OS == a.OS
	}
	return id, fingerprint, agent
}

// Learn takes one event into the profile. The caller decides whether an event may
// be learned from; one above half the step-up threshold, or under a step-up, may
// not. newSession says that it is the first of its session.
//
// What comes with the first sessions counts as the user's own at once, what comes
// later when it's proved or when it has been there for long: see Tenure.
func (p *Profile) Learn(l *Lesson, e *Event, a Agent, at time.Time, newSession bool) {
	p.Tenant, p.User = e.Tenant, e.User.ID
	if p.FirstAt.IsZero() {
		p.FirstAt = at
	}
	if at.After(p.LastAt) {
		p.LastAt = at
	}
	if newSession {
		p.Sessions++
		p.Hours[at.UTC().Hour()]++
	}
	first := p.Sessions <= YoungProfile
	p.see(e, a, at, first)
	p.practise(l, e, at, first || l.Proof != Proof{})
}

// see learns where the user is and on what.
func (p *Profile) see(e *Event, a Agent, at time.Time, proved bool) {
	context, mark := ContextOf(e), MarkOf(&e.Device)
	here, mine := p.Contexts.Settled(context, false, at), p.settledDevice(mark, a, at)
	p.Contexts.see(context, at, mine, proved)
	if e.Place.Network.Anonymous() {
		p.Anonymous.see(context, at, mine, proved)
	}
	if d := p.seeDevice(mark, a, at, here.Prefix || here.ASN, proved); d != nil {
		if stack := StackMark(e.Client.JA4); stack != 0 {
			d.Stack = stack
		}
		if attributes := AttributesOf(&e.Device); attributes != (Attributes{}) {
			d.Attributes = attributes
		}
	}
}

// settledDevice reports whether the machine vouches for where it is. Who has never
// told a device has none that could.
func (p *Profile) settledDevice(m DeviceMark, a Agent, at time.Time) bool {
	some := false
	for i := range p.Devices {
		d := &p.Devices[i]
		if d.Count == 0 || !d.Tenure.Settled(at) {
			continue
		}
		some = some || d.DeviceMark != DeviceMark{}
		if d.DeviceMark == m && d.Agent.Family == a.Family && d.Agent.OS == a.OS {
			return true
		}
	}
	return !some
}

func (p *Profile) seeDevice(m DeviceMark, a Agent, at time.Time, vouched, proved bool) *DeviceSeen {
	if m == (DeviceMark{}) && a.Family == "" {
		return nil
	}
	slot := &p.Devices[0]
	for i := range p.Devices {
		d := &p.Devices[i]
		if d.Count > 0 && d.DeviceMark == m && d.Agent.Family == a.Family && d.Agent.OS == a.OS {
			d.Tenure.see(d.At, at, vouched, proved)
			d.Agent, d.At = a, max(d.At, at.Unix())
			d.Count++
			return d
		}
		if slot.Count > 0 && earlierToGo(d.Count, &d.Tenure, d.At, &slot.Tenure, slot.At, at) {
			slot = d
		}
	}
	*slot = DeviceSeen{DeviceMark: m, Agent: a, Count: 1, At: at.Unix()}
	slot.Tenure.see(0, at, vouched, proved)
	return slot
}

// longestPause is the gap past which a user wasn't active in between, assumed.
const longestPause = 30 * time.Minute

// practise learns what the user does, a bounded number of times a day.
func (p *Profile) practise(l *Lesson, e *Event, at time.Time, proved bool) {
	p.endDay(dayOf(at))
	if l.Moved {
		p.MovesNow |= 1 << l.Move
	}
	if p.HabitsNow >= HabitsPerDay {
		return
	}
	p.HabitsNow++
	p.Requests++
	if e.Privilege.Level > 0 {
		p.Privileged++
		p.PrivilegeMax = max(p.PrivilegeMax, e.Privilege.Level)
	}
	p.countKind(KindOf(&e.Request))
	if l.Gap > 0 && l.Gap <= longestPause {
		p.Pace.Add(LogSeconds(l.Gap))
		p.ActiveFor += l.Gap
	}
	if e.Request.Bytes > 0 {
		p.Volume.Add(LogBytes(e.Request.Bytes))
	}
	if e.Request.Route != "" {
		p.Routes.See(e.Request.Route, at, proved)
	}
	if e.Privilege.Action != "" {
		p.Actions.See(e.Privilege.Action, at, proved)
	}
}

// endDay begins a day, if it is another one. Moves count from the next day on, so
// that the first of an attack don't excuse those that follow.
func (p *Profile) endDay(today uint16) {
	if today == p.HabitDay {
		return
	}
	for i := range p.Moves {
		if p.MovesNow&(1<<i) != 0 && p.Moves[i] < math.MaxUint16 {
			p.Moves[i]++
		}
	}
	p.HabitDay, p.HabitsNow, p.MovesNow = today, 0, 0
}

// kindsMost is the count of a kind at which all are halved: habits change.
const kindsMost = 4000

func (p *Profile) countKind(k RequestKind) {
	if p.Kinds[k]++; p.Kinds[k] < kindsMost {
		return
	}
	for i := range p.Kinds {
		p.Kinds[i] /= 2
	}
}

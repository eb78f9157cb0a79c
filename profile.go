package riskd

import "time"

// Profile is what is usual for a user over all his sessions. It has a fixed
// size and learns only from events that were clean or proved: see Learn.
type Profile struct {
	Tenant string
	User   string
	// Sessions counts the sessions learned from: a profile with few is young.
	Sessions uint32
	Requests uint32
	// Privileged counts the requests with a privilege above 0, PrivilegeMax is
	// the highest level among them.
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
	// Trust is that in the user's devices.
	Trust [4]DeviceTrust
	// Prompts counts the challenges given on PromptDay, in days since 1970 (UTC).
	PromptDay int64
	Prompts   uint32
}

// DeviceSeen is a device that a user is known to use.
type DeviceSeen struct {
	DeviceMark
	Agent Agent
	Count uint32
	At    int64 // Unix seconds of the last sighting
}

// YoungProfile is how many sessions a profile must have learned from before its
// history says anything about what is unusual (docs/detection.md).
const YoungProfile = 3

// Young reports whether the profile has too little history to judge novelty by.
func (p *Profile) Young() bool { return p.Sessions < YoungProfile }

// HasDevice finds what is known of a device: whether its id, its fingerprint
// and its agent's family and system were seen before.
func (p *Profile) HasDevice(m DeviceMark, a Agent) (id, fingerprint, agent bool) {
	for i := range p.Devices {
		d := &p.Devices[i]
		if d.Count == 0 {
			continue
		}
		id = id || m.ID != 0 && d.ID == m.ID
		fingerprint = fingerprint || m.Fingerprint != 0 && d.Fingerprint == m.Fingerprint
		agent = agent || a.Family != "" && d.Agent.Family == a.Family && d.Agent.OS == a.OS
	}
	return id, fingerprint, agent
}

// Learn takes one event into the profile. newSession says that it is the first
// of its session. The caller decides whether an event may be learned from; one
// above half the step-up threshold, or under a step-up, may not.
func (p *Profile) Learn(e *Event, a Agent, at time.Time, newSession bool) {
	p.Tenant, p.User = e.Tenant, e.User.ID
	if p.FirstAt.IsZero() {
		p.FirstAt = at
	}
	if at.After(p.LastAt) {
		p.LastAt = at
	}
	p.Requests++
	if newSession {
		p.Sessions++
		p.Hours[at.UTC().Hour()]++
	}
	if e.Privilege.Level > 0 {
		p.Privileged++
		p.PrivilegeMax = max(p.PrivilegeMax, e.Privilege.Level)
	}
	context := ContextOf(e)
	p.Contexts.See(context, at)
	if e.Place.Network.Anonymous() {
		p.Anonymous.See(context, at)
	}
	p.seeDevice(MarkOf(&e.Device), a, at)
}

func (p *Profile) seeDevice(m DeviceMark, a Agent, at time.Time) {
	if m == (DeviceMark{}) && a.Family == "" {
		return
	}
	slot := &p.Devices[0]
	for i := range p.Devices {
		d := &p.Devices[i]
		if d.Count > 0 && d.DeviceMark == m && d.Agent.Family == a.Family && d.Agent.OS == a.OS {
			d.Agent, d.At = a, at.Unix()
			d.Count++
			return
		}
		if d.At < slot.At {
			slot = d
		}
	}
	*slot = DeviceSeen{DeviceMark: m, Agent: a, Count: 1, At: at.Unix()}
}

package sessionstest

import (
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// reference is what a store has to be like, without a thought for speed, memory
// or company.
type reference struct {
	sessions map[int]*remembered
	epochs   map[riskd.Target]time.Time
	over     map[int]bool // session ids that are over for good
	number   uint64
}

type remembered struct {
	user, device           string
	start                  time.Time
	requests               uint32
	family, previous, next int
	ended                  bool // hit by a revocation while it was there

	limits       riskd.Limits
	active, auth time.Time
	expired      bool
	expiredAt    time.Time
}

// end is when it ends, zero if nothing ends it.
func (in *remembered) end() (end time.Time) {
	ends := []time.Time{in.expiredAt}
	if in.limits.Idle > 0 && !in.active.IsZero() {
		ends = append(ends, in.active.Add(in.limits.Idle))
	}
	if in.limits.Absolute > 0 {
		ends = append(ends, in.start.Add(in.limits.Absolute))
	}
	for _, at := range ends {
		if end.IsZero() || !at.IsZero() && at.Before(end) {
			end = at
		}
	}
	return end
}

func (in *remembered) due(now time.Time) bool { return !in.end().IsZero() && !now.Before(in.end()) }

func (in *remembered) expire(now time.Time) { in.expired, in.expiredAt = true, now }

// revoked says whether an epoch ends a session that began at start.
func (m *reference) revoked(n int, start time.Time, users, devices []string) bool {
	targets := []riskd.Target{{Kind: riskd.TargetTenant}}
	for _, u := range users {
		targets = append(targets, riskd.Target{Kind: riskd.TargetUser, ID: u})
	}
	for _, d := range devices {
		targets = append(targets, riskd.Target{Kind: riskd.TargetDevice, ID: d})
	}
	return slices.ContainsFunc(targets, func(target riskd.Target) bool {
		target.Tenant = modelTenant(n)
		at, ok := m.epochs[target]
		return ok && start.Before(at)
	})
}

func (m *reference) revokedEvent(n, previous int, w with) bool {
	start := w.started
	users, devices := []string{w.user}, []string{w.device}
	over := m.over[n] || m.over[previous]
	for _, k := range []int{n, previous} {
		if in := m.sessions[k]; in != nil {
			over = over || m.over[in.family]
			users, devices = append(users, in.user), append(devices, in.device)
			if start.IsZero() || in.start.Before(start) {
				start = in.start
			}
		}
	}
	over = over || m.revoked(n, start, users, devices)
	if over && previous != 0 {
		m.over[n] = true
	}
	return over
}

// revokedSession says whether one that is remembered counts as revoked.
func (m *reference) revokedSession(n int) bool {
	in := m.sessions[n]
	return in.ended || m.over[n] || m.over[in.family] || m.revoked(n, in.start, []string{in.user}, []string{in.device})
}

func (m *reference) update(n, previous int, w with, l riskd.Limits, now time.Time) {
	in := m.sessions[n]
	if in == nil {
		in = &remembered{start: now, family: previous, previous: previous}
		switch old := m.sessions[previous]; {
		case old == nil:
		case old.due(now) && w.auth.After(old.end()) && w.auth.After(old.auth):
			in.family, in.previous = 0, 0
		default:
			*in = *old
			in.previous, in.next = previous, 0
			if in.family == 0 {
				in.family = previous
			}
			old.next = n
		}
		m.sessions[n] = in
	}
	if !w.started.IsZero() && w.started.Before(in.start) {
		in.start = w.started
	}
	if in.user == "" {
		in.user = w.user
	}
	if w.device != "" {
		in.device = w.device
	}
	in.requests++
	in.limits = in.limits.Strictest(l)
	if w.auth.After(in.auth) {
		in.auth = w.auth
	}
	switch {
	case in.expired:
	case in.due(now):
		in.expire(now)
	case now.After(in.active):
		in.active = now
	}
}

func (m *reference) revoke(g revocation) (inForce time.Time, matched int) {
	if at, ok := m.epochs[g.target]; ok && !g.at.After(at) {
		g.at = at
	} else {
		m.epochs[g.target] = g.at
		m.number++
	}
	relatives := map[int]bool{}
	if g.target.Kind == riskd.TargetSession {
		m.end(int(g.target.Session[7])-1, relatives)
	}
	for n, in := range m.sessions {
		if !in.ended && (relatives[n] || in.hitBy(g, modelTenant(n))) {
			in.ended = true
			matched++
		}
	}
	return g.at, matched
}

func (in *remembered) hitBy(g revocation, tenant string) bool {
	if g.target.Tenant != tenant || !in.start.Before(g.at) {
		return false
	}
	switch g.target.Kind {
	case riskd.TargetDevice:
		return in.device == g.target.ID
	case riskd.TargetUser:
		return in.user == g.target.ID
	default:
		return g.target.Kind == riskd.TargetTenant
	}
}

// end takes the sessions that are linked to one, and it, as over for good.
func (m *reference) end(n int, met map[int]bool) {
	if n == 0 || met[n] {
		return
	}
	met[n], m.over[n] = true, true
	if in := m.sessions[n]; in != nil {
		m.end(in.family, met)
		m.end(in.previous, met)
		m.end(in.next, met)
	}
}

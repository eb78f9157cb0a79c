package sessions

import (
	"time"

	"github.com/riskd/riskd"
)

// Revoked reports the revocation that has ended the event's session, if any. It
// sees every Revoke that has returned, and waits neither for a decision nor for
// a revocation.
//
// A revoked session id never comes back, nor does any that is linked to it by
// rotation, nor one that a rotation of it leads to. A revocation of a device, a
// user or a tenant ends the sessions that began before it: those with the device
// or user that the event names, and those with the one remembered, so that
// leaving it out helps nobody. The start is the earliest one known. A session
// that isn't known here and whose event doesn't say when it began may have begun
// before any revocation, so it counts as if it had: gateways that send
// session.started_at let a revoked user sign in again, the others do once the
// revocation expires.
func (s *Store) Revoked(e *riskd.Event) (riskd.Epoch, bool) {
	if s.epochs.count() == 0 {
		return riskd.Epoch{}, false
	}
	in, family := s.factsOf(e.Session.ID)
	c := claim{
		ids:     [4]riskd.SessionID{e.Session.ID, family},
		start:   earlier(in.start, e.Session.StartedAt),
		tenant:  e.Tenant,
		devices: [3]string{e.Device.ID, in.device},
		users:   [3]string{e.User.ID, in.user},
	}
	previous := e.Session.PreviousID
	if !previous.IsZero() {
		in, family = s.factsOf(previous)
		c.ids[2], c.ids[3] = previous, family
		c.start = earlier(c.start, in.start)
		c.devices[2], c.users[2] = in.device, in.user
	}
	epoch, over := s.epochs.against(&c)
	if over && !previous.IsZero() {
		// The next event may not name the id before, and nobody will call Update.
		s.epochs.sessions.inherit(e.Session.ID, epoch)
	}
	return epoch, over
}

// factsOf gives what is known of a session, zero if nothing is.
func (s *Store) factsOf(id riskd.SessionID) (f facts, family riskd.SessionID) {
	home := s.sessions.home(id)
	home.Lock()
	defer home.Unlock()
	if r := home.rows[id]; r != nil {
		return r.value.facts, r.value.family
	}
	return f, family
}

// overBy finds the revocation that has ended a session, by what is remembered
// of it. The caller holds its shard.
func (s *Store) overBy(r *sessionRow) (riskd.Epoch, bool) {
	if s.epochs.count() == 0 {
		return riskd.Epoch{}, false
	}
	f := &r.value.facts
	return s.epochs.against(&claim{
		ids:   [4]riskd.SessionID{r.key, r.value.family},
		start: f.start, tenant: f.tenant,
		devices: [3]string{f.device}, users: [3]string{f.user},
	})
}

// keepEnded lets a revocation outlive what made it hit: a session that is about
// to be forgotten takes its start, user, device and family along.
func (s *Store) keepEnded(r *sessionRow) {
	if epoch, over := s.overBy(r); over {
		s.epochs.sessions.inherit(r.key, epoch)
	}
}

// Revoke ends the target's sessions: all that began before at, or, by its id, a
// session with all that it is linked to by rotation. It gives the epoch in force
// and how many sessions, remembered and not revoked so far, it has ended.
//
// Epochs of one target merge by taking the later time. So a revocation that is
// not later than the one in force changes nothing, and gives that one. Numbers
// count the others. An invalid target gives the zero Epoch.
func (s *Store) Revoke(t riskd.Target, at time.Time, reason, actor string) (riskd.Epoch, int) {
	if t.Validate() != nil {
		return riskd.Epoch{}, 0
	}
	epoch := s.epochs.raise(riskd.Epoch{Target: t, At: at, Reason: reason, Actor: actor})
	if t.Kind == riskd.TargetSession {
		return epoch, s.endFamily(epoch)
	}
	return epoch, s.endAll(epoch)
}

// endFamily ends a session and those linked to it. Whatever belongs to its
// family is over by the family's id; the walk along the links is for the rest
// and for the count.
func (s *Store) endFamily(epoch riskd.Epoch) (ended int) {
	id := epoch.Target.Session
	if _, family := s.factsOf(id); !family.IsZero() {
		s.epochs.sessions.inherit(family, epoch)
	}
	met := map[riskd.SessionID]bool{{}: true}
	for todo := []riskd.SessionID{id}; len(todo) > 0; {
		id, todo = todo[len(todo)-1], todo[:len(todo)-1]
		if met[id] {
			continue
		}
		met[id] = true
		f, over, newly := s.end(id)
		if !over {
			s.epochs.sessions.inherit(id, epoch)
		}
		if newly {
			ended++
		}
		todo = append(todo, f.previous, f.next)
	}
	return ended
}

// end marks one session, and says whether a revocation holds for it by itself.
func (s *Store) end(id riskd.SessionID) (f facts, over, newly bool) {
	home := s.sessions.home(id)
	home.Lock()
	defer home.Unlock()
	r := home.rows[id]
	if r == nil {
		return f, false, false
	}
	_, over = s.overBy(r)
	return r.value.facts, over, end(r)
}

// end marks a session as revoked and reports whether it wasn't. The caller holds
// its shard.
func end(r *sessionRow) (newly bool) {
	newly = !r.value.ended.Swap(true) && r.value.facts.status != riskd.StatusRevoked
	r.home.move(r, clean)
	return newly
}

// endAll marks the sessions of a device, a user or a tenant. It walks the whole
// table, a shard at a time.
func (s *Store) endAll(epoch riskd.Epoch) (ended int) {
	s.sessions.each(func(r *sessionRow) {
		if r.value.facts.hitBy(&epoch) && end(r) {
			ended++
		}
	})
	return ended
}

func (f *facts) hitBy(epoch *riskd.Epoch) bool {
	t := &epoch.Target
	if f.tenant != t.Tenant || !f.start.Before(epoch.At) {
		return false
	}
	switch t.Kind {
	case riskd.TargetDevice:
		return f.device == t.ID
	case riskd.TargetUser:
		return f.user == t.ID
	default:
		return true
	}
}

// Sweep takes out the revocations whose retention has passed, and counts them.
// Retention begins with the first sweep that meets a revocation, so Sweep has to
// be called every now and then, such as every minute. With now straight from
// time.Now, setting the clock doesn't shorten it.
func (s *Store) Sweep(now time.Time) int { return s.epochs.sweep(now, s.retention) }

// Durable reports whether revocations survive the process: those of this store
// don't.
func (s *Store) Durable() bool { return false }

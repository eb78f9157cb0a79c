package sessions

import "github.com/riskd/riskd"

// Revoked reports the revocation that has ended the event's session, if any. It
// sees every Impose that has returned, and waits neither for a decision nor for
// a revocation; a session that isn't in memory is read from the archive first.
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
	revoked := &s.orders[riskd.EffectRevoke]
	if revoked.count() == 0 {
		return riskd.Epoch{}, false
	}
	in, family := s.factsOf(e.Session.ID)
	c := claim{
		ids:     [4]riskd.SessionID{e.Session.ID, family},
		start:   earlier(in.start, e.Session.StartedAt),
		tenant:  e.Tenant,
		devices: [6]string{e.Device.ID, in.device},
		users:   [6]string{e.User.ID, in.user},
	}
	previous := e.Session.PreviousID
	if !previous.IsZero() {
		in, family = s.factsOf(previous)
		c.ids[2], c.ids[3] = previous, family
		c.start = earlier(c.start, in.start)
		c.devices[2], c.users[2] = in.device, in.user
	}
	s.disguise(&c)
	epoch, over := revoked.against(&c)
	if over && !previous.IsZero() {
		// The next event may not name the id before, and nobody will call Update.
		if s.inheritLater(e.Session.ID, epoch) {
			s.tell(riskd.Notice{Kind: riskd.NoticeSession, Sessions: []riskd.SessionID{e.Session.ID}, Status: riskd.StatusRevoked})
		}
	}
	return epoch, over
}

// inheritLater lets a revocation hold for a session, and has it written down
// soon. It reports whether that is news.
func (s *Store) inheritLater(id riskd.SessionID, epoch riskd.Epoch) (news bool) {
	news = s.orders[riskd.EffectRevoke].sessions.inherit(id, epoch)
	if news && s.ledger != nil {
		s.heirs.Lock()
		s.heirs.lines = append(s.heirs.lines, line{Inherit: newOrderLine(&epoch, 0), For: id.String()})
		s.heirs.Unlock()
	}
	return news
}

// factsOf gives what is known of a session, zero if nothing is.
func (s *Store) factsOf(id riskd.SessionID) (f facts, family riskd.SessionID) {
	if r := s.find(id); r != nil {
		r.home.Lock()
		f, family = r.value.facts, r.value.family
		r.pins--
		r.home.Unlock()
	}
	return f, family
}

// overBy finds the revocation that has ended a session, by what is remembered
// of it. The caller holds its shard.
func (s *Store) overBy(r *sessionRow) (riskd.Epoch, bool) {
	revoked := &s.orders[riskd.EffectRevoke]
	if revoked.count() == 0 {
		return riskd.Epoch{}, false
	}
	c := r.value.facts.claim(r.key, r.value.family)
	s.disguise(&c)
	return revoked.against(&c)
}

func (f *facts) claim(id, family riskd.SessionID) claim {
	return claim{
		ids:   [4]riskd.SessionID{id, family},
		start: f.start, tenant: f.tenant,
		devices: [6]string{f.device}, users: [6]string{f.user},
	}
}

// keepEnded lets a revocation outlive what made it hit: a session that is about
// to be forgotten takes its start, user, device and family along.
func (s *Store) keepEnded(r *sessionRow) {
	if epoch, over := s.overBy(r); over {
		s.inheritLater(r.key, epoch)
	}
}

// family gives a session's family and all that are linked to it by rotation, but
// not the session itself.
func (s *Store) family(id riskd.SessionID) (others []riskd.SessionID) {
	met := map[riskd.SessionID]bool{{}: true}
	for todo := []riskd.SessionID{id}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if met[next] {
			continue
		}
		met[next] = true
		if next != id {
			others = append(others, next)
		}
		f, family := s.factsOf(next)
		todo = append(todo, f.previous, f.next, family)
	}
	return others
}

// meet marks the sessions that an order meets, and counts those that none of its
// kind had met before.
func (s *Store) meet(epoch *riskd.Epoch) (matched int) {
	t := &epoch.Target
	switch {
	case epoch.Effect != riskd.EffectRevoke:
		s.visit(t, epoch.Number, func(riskd.SessionID, *facts, *sessionRow) { matched++ })
	case t.Kind == riskd.TargetSession, t.Kind == riskd.TargetPredicate:
		for _, id := range s.heirsOf(epoch) {
			if s.end(id, epoch) {
				matched++
			}
		}
	default:
		s.visit(t, epoch.Number, func(_ riskd.SessionID, f *facts, r *sessionRow) {
			if !f.start.Before(epoch.At) {
				return
			}
			if r == nil && f.status != riskd.StatusRevoked || r != nil && s.endRow(r, epoch) {
				matched++
			}
		})
	}
	return matched
}

// heirsOf are the sessions that an order over a session or a predicate holds for.
func (s *Store) heirsOf(epoch *riskd.Epoch) []riskd.SessionID {
	if epoch.Target.Kind == riskd.TargetSession {
		return append(s.family(epoch.Target.Session), epoch.Target.Session)
	}
	var ids []riskd.SessionID
	s.orders[epoch.Effect].sessions.all(func(id riskd.SessionID, in *record) {
		if in.Number == epoch.Number {
			ids = append(ids, id)
		}
	})
	return ids
}

// end marks one session as ended by an order, and reports whether it is known
// and wasn't over.
func (s *Store) end(id riskd.SessionID, epoch *riskd.Epoch) (newly bool) {
	r := s.find(id)
	if r == nil {
		return false
	}
	r.home.Lock()
	defer r.home.Unlock()
	r.pins--
	return s.endRow(r, epoch)
}

// endRow marks a session as revoked and reports whether it wasn't. The caller
// holds its shard.
func (s *Store) endRow(r *sessionRow, epoch *riskd.Epoch) (newly bool) {
	// The latest counts: it may have taken the place of the one before.
	newly = r.value.endedBy.Swap(epoch.Number) == 0 && r.value.facts.status != riskd.StatusRevoked
	r.home.move(r, clean)
	s.sessions.touch(r)
	return newly
}

// visit visits the sessions of a device, a user or a tenant, in memory and in the
// archive; those that aren't in memory have no row, and are told as revoked if
// they're so but for the order of that number. It holds the shard of the one
// visited.
func (s *Store) visit(t *riskd.Target, number uint64, visit func(id riskd.SessionID, f *facts, r *sessionRow)) {
	if s.archived() {
		s.visitArchived(t, number, visit)
		return
	}
	s.sessions.each(func(r *sessionRow) {
		if r.value.facts.of(t) {
			visit(r.key, &r.value.facts, r)
		}
	})
}

// of reports whether a session belongs to a target, which is no predicate.
func (f *facts) of(t *riskd.Target) bool {
	if f.tenant != t.Tenant {
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

package sessions

import (
	"bytes"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// What is in memory and what is in the archive: a row is read from there when it
// is first asked for, and leaves memory only when it has been written.

// archived reports whether there is an archive that works.
func (s *Store) archived() bool { return s.archive != nil && !s.writer.broken.Load() }

// find gives a session, pinned, from memory or the archive; nil if it isn't
// known, or can't be read now.
func (s *Store) find(id riskd.SessionID) *sessionRow {
	r, l, _ := s.look(id)
	if l != nil {
		s.sessions.abandon(id, l)
	}
	return r
}

// look is find that leaves the load open if the session isn't known, for add. The
// error is why what may be there can't be read.
func (s *Store) look(id riskd.SessionID) (*sessionRow, *load, error) {
	if !s.archived() {
		r := s.sessions.pin(id)
		if r == nil && s.archive != nil {
			return nil, nil, errBroken
		}
		return r, nil, nil
	}
	for {
		r, l := s.sessions.seek(id)
		if r != nil {
			return r, nil, nil
		}
		in, found, err := s.archive.session(id)
		if err != nil {
			s.sessions.abandon(id, l)
			s.unreadable(err)
			return nil, nil, err
		}
		if !found {
			return nil, l, nil
		}
		r = s.thaw(in)
		if r, _ = s.sessions.add(r, r.value.rank(), l); r != nil {
			return r, nil, nil
		}
	}
}

// begins reports whether an event's session is new for sure, though the archive
// can't be asked: it says that it began since that broke.
func (s *Store) begins(e *riskd.Event, now time.Time) bool {
	if s.archived() {
		return false
	}
	s.writer.brokenAt.CompareAndSwap(nil, &now)
	return e.Session.StartedAt.After(*s.writer.brokenAt.Load())
}

// updateLost is Update for a session that may have a history which can't be read.
// Nothing of it is kept: that would take the history's place.
func (s *Store) updateLost(e *riskd.Event, now time.Time, fn func(*riskd.Session, *riskd.Profile) riskd.Lesson) {
	in := riskd.Session{ID: e.Session.ID, Tenant: e.Tenant, Start: earlier(now, e.Session.StartedAt), Lost: true}
	s.apply(&in, riskd.SessionID{}, e)
	var p riskd.Profile
	s.profile(&p, e, "", now)
	fn(&in, &p)
}

// thaw makes a row of what the archive holds.
func (s *Store) thaw(in *stored) *sessionRow {
	r := &sessionRow{key: in.ID, seen: max(in.SeenAt.UnixMilli(), in.ActiveAt.UnixMilli())}
	v := &r.value
	v.Session, v.family, v.expiredAt = in.Session, in.family, in.expiredAt
	v.endedBy.Store(in.endedBy)
	if _, lifted := s.lifted.Load(in.endedBy); lifted {
		v.reviveFrom(in.endedBy)
	}
	v.indexed = indexedOf(in)
	v.Leased = true // for all that is known
	v.publish()
	return r
}

// freeze makes of a session what the archive is to hold. The caller holds it.
func (v *session) freeze(in *stored) {
	in.Session, in.family, in.expiredAt, in.endedBy = v.Session, v.family, v.expiredAt, v.endedBy.Load()
}

// eachCold visits the sessions in the archive that aren't in memory, as long as
// visit says so.
func (s *Store) eachCold(visit func(*stored) bool) {
	s.unreadable(s.archive.each(riskd.SessionID{}, func(in *stored) bool {
		return s.warm(in.ID) || visit(in)
	}))
}

// warm reports whether a session is in memory.
func (s *Store) warm(id riskd.SessionID) bool {
	home := s.sessions.home(id)
	home.Lock()
	defer home.Unlock()
	return home.rows[id] != nil
}

// coldOver reports whether a session in the archive is revoked.
func (s *Store) coldOver(in *stored) bool { return s.coldOverBut(in, 0) }

// coldOverBut is coldOver but for the revocation of a number.
func (s *Store) coldOverBut(in *stored, number uint64) bool {
	_, lifted := s.lifted.Load(in.endedBy)
	if in.endedBy != 0 && !lifted || in.Status == riskd.StatusRevoked && in.endedBy == 0 {
		return true
	}
	_, over := s.orders[riskd.EffectRevoke].otherAgainst(s.claimOf(in), number)
	return over
}

// coldEpoch finds the revocation in force that has ended a session in the archive.
func (s *Store) coldEpoch(in *stored) (riskd.Epoch, bool) {
	return s.orders[riskd.EffectRevoke].against(s.claimOf(in))
}

func (s *Store) claimOf(in *stored) *claim {
	f := factsOf(&in.Session)
	c := f.claim(in.ID, in.family)
	s.disguise(&c)
	return &c
}

// end is when a session ends, as session.end gives it.
func (in *stored) end() time.Time { return earlier(earlier(in.Ends(in.Limits)), in.expiredAt) }

// visitArchived is visit by the archive and by what it hasn't got yet, so that it
// waits for no decision.
func (s *Store) visitArchived(t *riskd.Target, number uint64, visit func(id riskd.SessionID, f *facts, r *sessionRow)) {
	visited := map[riskd.SessionID]bool{}
	warm := func(r *sessionRow) {
		if !visited[r.key] && r.value.facts.of(t) {
			visit(r.key, &r.value.facts, r)
		}
		visited[r.key] = true
	}
	s.sessions.unwritten(warm)
	cold := func(in *stored) {
		home := s.sessions.home(in.ID)
		home.Lock()
		defer home.Unlock()
		if r := home.rows[in.ID]; r != nil {
			warm(r)
			return
		}
		f := factsOf(&in.Session)
		if s.coldOverBut(in, number) {
			f.status = riskd.StatusRevoked
		}
		if !visited[in.ID] && f.of(t) {
			visit(in.ID, &f, nil)
		}
	}
	if t.Kind == riskd.TargetTenant {
		s.unreadable(s.archive.each(riskd.SessionID{}, func(in *stored) bool { cold(in); return true }))
		return
	}
	s.unreadable(s.archive.of(t.Kind, t.Tenant, t.ID, func(id riskd.SessionID) bool {
		in, found, err := s.archive.session(id)
		s.unreadable(err)
		if found {
			cold(in)
		}
		return true
	}))
}

// listArchived is List by the archive, in which sessions lie in the order of
// their references.
func (s *Store) listArchived(f *Filter, after riskd.SessionID) (list []riskd.Session, next string, err error) {
	_ = s.flush() // what is wrong with the archive is told by Fault
	size := min(f.Limit, MaxPage)
	if size <= 0 {
		size = DefaultPage
	}
	take := func(in *stored) (more bool) {
		if c, chosen := s.current(f, in); chosen {
			if len(list) == size {
				next = list[size-1].ID.String()
				return false
			}
			list = append(list, c)
		}
		return true
	}
	kind, name := riskd.TargetUser, f.User
	if name == "" || f.Tenant == "" {
		kind, name = riskd.TargetDevice, f.Device
	}
	if name == "" {
		s.unreadable(s.archive.each(after, take))
		return list, next, nil
	}
	var ids []riskd.SessionID
	add := func(id riskd.SessionID) bool {
		ids = append(ids, id)
		return true
	}
	if f.Tenant != "" {
		s.unreadable(s.archive.of(kind, f.Tenant, name, add))
	} else {
		s.unreadable(s.archive.ofAny(kind, name, add))
	}
	slices.SortFunc(ids, func(a, b riskd.SessionID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		if f.Cursor != "" && bytes.Compare(id[:], after[:]) <= 0 {
			continue
		}
		in, found, err := s.archive.session(id)
		s.unreadable(err)
		if found && !take(in) {
			break
		}
	}
	return list, next, nil
}

// current gives a session that the archive holds as it is now, if the filter
// chooses it.
func (s *Store) current(f *Filter, in *stored) (riskd.Session, bool) {
	home := s.sessions.home(in.ID)
	home.Lock()
	if r := home.rows[in.ID]; r != nil {
		chosen := s.chosen(f, r)
		if chosen {
			r.pins++
		}
		home.Unlock()
		if !chosen {
			return riskd.Session{}, false
		}
		defer r.home.unpin(r)
		return s.copyOf(r), true
	}
	home.Unlock()
	facts := factsOf(&in.Session)
	c := clone(&in.Session)
	if s.coldOver(in) {
		c.Status = riskd.StatusRevoked
	} else {
		s.hold(&c, in.family)
	}
	return c, facts.chosen(f) && (f.Status == nil || *f.Status == c.Status)
}

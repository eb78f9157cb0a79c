package sessions

import (
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// inherit makes a new session the continuation of the one that it replaces, and
// reports whether that one is known. Its id is kept either way, so that revoking
// it ends the new session too.
//
// Only a login after a session has expired begins one that has nothing to do
// with it. Any other rotation of an expired session is an expired session.
func (s *Store) inherit(v *session, e *riskd.Event, now time.Time) bool {
	previous := e.Session.PreviousID
	r := s.find(previous)
	if r == nil {
		v.Previous, v.family = previous, previous
		return false
	}
	old := &r.value
	old.mu.Lock()
	defer s.leave(r)
	if old.succeeded(e.Session.AuthTime, now) && !s.isEnded(r) {
		return false
	}
	v.Session = clone(&old.Session)
	v.Previous, v.Next, v.NextAt, v.Forked = previous, riskd.SessionID{}, time.Time{}, 0
	if !old.Next.IsZero() && old.Next != e.Session.ID && now.After(old.NextAt) {
		v.Forked = now.Sub(old.NextAt)
	}
	v.family = previous
	if !old.family.IsZero() {
		v.family = old.family
	}
	v.endedBy.Store(old.endedBy.Load())
	v.expiredAt = old.expiredAt
	return true
}

// follow links a session to the one that continues it. The first one says when.
func (s *Store) follow(previous, next riskd.SessionID, now time.Time) {
	if r := s.find(previous); r != nil {
		r.value.mu.Lock()
		if r.value.Next != next {
			if r.value.NextAt.IsZero() {
				r.value.NextAt = now
			}
			r.value.Next = next
		}
		s.leave(r)
	}
}

// clone copies a session so that nothing is shared but rules, orders and
// timelines, which never change.
func clone(s *riskd.Session) riskd.Session {
	c := *s
	c.AMR = slices.Clone(s.AMR)
	c.Roles = slices.Clone(s.Roles)
	c.Cells = slices.Clone(s.Cells)
	c.Identity.Open = cloneEvidence(s.Identity.Open)
	c.Behaviour.Open = cloneEvidence(s.Behaviour.Open)
	c.StepUp, c.Asked = cloneStepUp(s.StepUp), cloneStepUp(s.Asked)
	return c
}

func cloneStepUp(u *riskd.StepUp) *riskd.StepUp {
	if u == nil {
		return nil
	}
	c := *u
	c.Demand.ACR = slices.Clone(u.Demand.ACR)
	c.Demand.AMR = slices.Clone(u.Demand.AMR)
	c.Clears = slices.Clone(u.Clears)
	return &c
}

func cloneEvidence(open []riskd.Evidence) []riskd.Evidence {
	c := slices.Clone(open)
	for i := range c {
		c[i].ClearsWith = slices.Clone(c[i].ClearsWith)
	}
	return c
}

package sessions

import (
	"time"

	"github.com/riskd/riskd"
)

// glimpse is what binds whoever answers for a session without evaluating the
// event, beside the facts that revocations compare.
type glimpse struct {
	active, auth, proved, decided int64 // Unix nanoseconds, 0 if it never was
	limits                        riskd.Limits
	stepUp                        *riskd.StepUp // never changed
	score                         float32
	last                          riskd.Outcome
}

// glimpseOf gives a session's glimpse, but for its challenge.
func glimpseOf(s *riskd.Session) glimpse {
	return glimpse{
		active: nanos(s.ActiveAt), auth: nanos(s.AuthTime), proved: nanos(s.ProvedAt), decided: nanos(s.DecidedAt),
		limits: s.Limits, score: float32(s.Score), last: s.Last,
	}
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// Glance fills in what is known of the event's session as the last decision has
// left it: who it is, its status, start, limits, challenge, last decision, and the
// orders that hold it up. It changes nothing, and waits for no decision; a session
// that isn't in memory is read from the archive first. Of one that may have a
// history which can't be read, Lost is all that is known.
//
// A session that isn't known, but was rotated from one that is, stands where that
// one stands.
func (s *Store) Glance(e *riskd.Event, now time.Time, in *riskd.Session) {
	*in = riskd.Session{ID: e.Session.ID, Tenant: e.Tenant, Start: now}
	family, err := s.glimpse(e.Session.ID, in)
	if previous := e.Session.PreviousID; err == nil && in.Status == unseen && !previous.IsZero() {
		family, err = s.glimpseRotated(e, previous, now, in)
	}
	if in.Status == unseen {
		in.Status = riskd.StatusActive
	}
	in.Lost = err != nil && !s.begins(e, now)
	in.Start = earlier(in.Start, e.Session.StartedAt)
	s.apply(in, family, e)
}

// unseen is the status of a session that isn't known, within Glance.
const unseen = riskd.Status(255)

// glimpseRotated is glimpse for a session that would come out of a rotation, as
// inherit has it.
func (s *Store) glimpseRotated(e *riskd.Event, previous riskd.SessionID, now time.Time, in *riskd.Session) (riskd.SessionID, error) {
	in.Previous = previous
	before := riskd.Session{}
	family, err := s.glimpse(previous, &before)
	if err != nil || before.Status == unseen {
		return previous, err
	}
	end := earlier(before.Ends(before.Limits))
	if before.Status != riskd.StatusRevoked && due(end, now) && e.Session.AuthTime.After(end) && e.Session.AuthTime.After(before.AuthTime) {
		in.Previous = riskd.SessionID{}
		return riskd.SessionID{}, nil
	}
	before.ID, before.Tenant, before.Previous = in.ID, in.Tenant, previous
	*in = before
	if family.IsZero() {
		family = previous
	}
	return family, nil
}

// glimpse fills in what is published of a session; its status is unseen if it
// isn't known.
func (s *Store) glimpse(id riskd.SessionID, in *riskd.Session) (family riskd.SessionID, err error) {
	r, l, err := s.look(id)
	if l != nil {
		s.sessions.abandon(id, l)
	}
	if r == nil {
		in.Status = unseen
		return family, err
	}
	v := &r.value
	r.home.Lock()
	f := v.facts
	over := s.ended(r)
	r.pins--
	r.home.Unlock()
	g := &f.glimpse
	in.Tenant, in.User, in.DeviceID, in.Start, in.Status = f.tenant, f.user, f.device, f.start, f.status
	in.Previous, in.Next, in.Limits, in.StepUp = f.previous, f.next, g.limits, g.stepUp
	in.ActiveAt, in.AuthTime, in.ProvedAt, in.DecidedAt = fromNanos(g.active), fromNanos(g.auth), fromNanos(g.proved), fromNanos(g.decided)
	in.Score, in.Last = float64(g.score), g.last
	if over {
		in.Status = riskd.StatusRevoked
	}
	return v.family, nil
}

package sessions

import (
	"time"

	"github.com/riskd/riskd"
)

// Extend begins a session's idle clock anew, because its user says that he is
// still there, and gives a deep copy of the session. It waits for a decision on
// the session that is being taken, and moves no absolute end.
//
// It fails with [riskd.ErrUnknownSession], with [riskd.ErrSessionOver] if the
// session is revoked or expired, and with [riskd.ErrStepUpPending], also if it is
// suspended. A session whose time is up at now by its own limits is expired from
// then on.
func (s *Store) Extend(id riskd.SessionID, now time.Time) (riskd.Session, error) {
	r := s.find(id)
	if r == nil {
		return riskd.Session{}, riskd.ErrUnknownSession
	}
	v := &r.value
	v.mu.Lock()
	defer s.leave(r)
	s.hold(&v.Session, v.family)
	switch {
	case s.isEnded(r) || v.Status.Over():
		return riskd.Session{}, riskd.ErrSessionOver
	case due(v.end(), now):
		v.expire(now)
		return riskd.Session{}, riskd.ErrSessionOver
	case v.StepUp != nil || v.Status == riskd.StatusStepUp || v.Suspension != nil:
		return riskd.Session{}, riskd.ErrStepUpPending
	}
	if now.After(v.ActiveAt) {
		v.ActiveAt = now
	}
	return clone(&v.Session), nil
}

// Expire marks the sessions whose time is up at now by their own limits, and
// counts them; those that are revoked don't matter any more. A session that an
// event or a query is at work on is left for the next call: what a decision in
// flight makes of it stands. It walks the whole table, holding one shard at a
// time for as long as it takes to compare its sessions.
func (s *Store) Expire(now time.Time) (expired int) {
	s.sessions.each(func(r *sessionRow) {
		v := &r.value
		// The facts are up to date if the session is free: whoever changes it
		// publishes them first.
		if v.facts.status.Over() || !due(v.facts.end, now) || s.ended(r) || r.pins > 0 || !v.mu.TryLock() {
			return
		}
		v.expire(now)
		v.publish()
		r.home.move(r, v.rank())
		s.sessions.touch(r)
		s.expiredOne(&v.Session)
		v.mu.Unlock()
		expired++
	})
	return expired
}

// end is when the session ends by its limits, or was found to have ended if that
// was earlier: the engine knows limits that don't bind the session for good. It
// is zero if nothing ends the session.
func (v *session) end() time.Time { return earlier(earlier(v.Ends(v.Limits)), v.expiredAt) }

func due(end, now time.Time) bool { return !end.IsZero() && !now.Before(end) }

// expire ends the session; a challenge can't be met any more. The caller holds it.
func (v *session) expire(now time.Time) {
	v.Status, v.StepUp = riskd.StatusExpired, nil
	v.abide(now)
}

// abide lets a session that has expired stay so, whatever a decision has made of
// its status but revoked. The caller holds it.
func (v *session) abide(now time.Time) {
	switch {
	case v.expiredAt.IsZero():
		if v.Status == riskd.StatusExpired {
			v.expiredAt = now
		}
	case v.Status != riskd.StatusRevoked:
		v.Status = riskd.StatusExpired
	}
}

// succeeded reports whether the session is expired and its user has signed in
// again since. The caller holds it.
func (v *session) succeeded(auth, now time.Time) bool {
	end := v.end()
	return due(end, now) && auth.After(end) && auth.After(v.AuthTime)
}

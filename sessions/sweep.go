package sessions

import (
	"time"

	"github.com/riskd/riskd"
)

// forgetAfter is how long the archive keeps a session after it is over, for those
// who ask what became of it.
const forgetAfter = 7 * 24 * time.Hour

// sweptAtOnce is how many sessions of the archive one call of SweepArchive ends or
// forgets at most.
const sweptAtOnce = 100_000

// SweepArchive ends the sessions whose time is up at now and that aren't in
// memory, and counts them; what has been over for a week, or has no limit and was
// not heard of for as long as revocations are retained, is forgotten. It reads the
// whole archive, so it's for every ten minutes or so.
func (s *Store) SweepArchive(now time.Time) (expired, forgotten int, err error) {
	if !s.archived() {
		return 0, 0, nil
	}
	var ending, leaving []riskd.SessionID
	s.eachCold(func(in *stored) bool {
		over := in.Status.Over() || s.coldOver(in)
		end := in.end()
		switch quiet := now.Sub(latest(in.SeenAt, end)); {
		case over && quiet > forgetAfter, !over && quiet > s.retention:
			leaving = append(leaving, in.ID)
			if epoch, revoked := s.coldEpoch(in); revoked {
				s.inheritLater(in.ID, epoch)
			}
		case !over && due(end, now):
			ending = append(ending, in.ID)
		}
		return len(ending)+len(leaving) < sweptAtOnce
	})
	for _, id := range ending {
		if s.expireCold(id, now) {
			expired++
		}
	}
	return expired, len(leaving), s.forgetCold(leaving)
}

// expireCold ends a session whose time is up.
func (s *Store) expireCold(id riskd.SessionID, now time.Time) (expired bool) {
	r := s.find(id)
	if r == nil {
		return false
	}
	v := &r.value
	v.mu.Lock()
	if !v.Status.Over() && due(v.end(), now) && !s.isEnded(r) {
		v.expire(now)
		v.Leased = false // no lease outlives its session's limits
		s.expiredOne(&v.Session)
		expired = true
	}
	s.leave(r)
	return expired
}

// forgetCold takes sessions that aren't in memory out of the archive.
func (s *Store) forgetCold(ids []riskd.SessionID) error {
	s.writer.sessions.Lock()
	defer s.writer.sessions.Unlock()
	w := s.archive.begin()
	for _, id := range ids {
		if s.warm(id) {
			continue
		}
		in, found, err := s.archive.session(id)
		if err != nil {
			return err
		}
		if found {
			w.forget(id, indexedOf(in))
		}
	}
	return w.commit()
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Package sessions remembers: sessions, the profiles of their users, and which
// of them were revoked. It judges nothing and reads no clock; what a session
// holds is written by the engine, inside [Store.Update].
//
// # Locks
//
// A session has its own mutex, held while an event is decided. What revocations
// and queries ask of a session is kept a second time under the lock of its
// shard, which is only ever held for moments, so that neither waits for a
// decision. Order: session, then shard, then revocations; nobody holds two
// sessions, and nobody who holds a shard waits for a session: [Store.Expire] takes
// those that are free.
package sessions

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// Limits of a store whose Options don't say.
const (
	DefaultMaxSessions    = 1_000_000
	DefaultMaxProfiles    = 1_000_000
	DefaultEpochRetention = 30 * 24 * time.Hour
)

// Options are the bounds of a Store; zero means the default.
type Options struct {
	// MaxSessions and MaxProfiles bound what is remembered, with some 2 KB for a
	// session and 1.5 KB for a profile. At the bound an old one is forgotten for
	// every new one; that never undoes a revocation.
	MaxSessions int
	MaxProfiles int
	// EpochRetention is how long a revocation stays in force. It must exceed the
	// longest life of a session: what it ended may come back afterwards.
	EpochRetention time.Duration
}

// Store keeps everything in memory. It is safe for concurrent use.
type Store struct {
	sessions  table[riskd.SessionID, session]
	profiles  table[subject, riskd.Profile]
	snapshots sync.Pool // of *riskd.Profile
	epochs    epochs
	retention time.Duration
}

// New makes an empty store.
func New(o Options) (*Store, error) {
	switch {
	case o.MaxSessions < 0:
		return nil, errors.New("sessions.Options.MaxSessions: must not be negative; 0 is the default")
	case o.MaxProfiles < 0:
		return nil, errors.New("sessions.Options.MaxProfiles: must not be negative; 0 is the default")
	case o.EpochRetention < 0:
		return nil, errors.New("sessions.Options.EpochRetention: must not be negative; 0 is the default")
	}
	s := &Store{retention: o.EpochRetention}
	if s.retention == 0 {
		s.retention = DefaultEpochRetention
	}
	s.sessions.init(o.MaxSessions, DefaultMaxSessions)
	s.profiles.init(o.MaxProfiles, DefaultMaxProfiles)
	s.sessions.evicting = s.keepEnded
	s.epochs.init()
	s.snapshots.New = func() any { return new(riskd.Profile) }
	return s, nil
}

// session is one row of the table of sessions.
type session struct {
	mu            sync.Mutex // guards Session; held while an event is decided
	riskd.Session            // Session.Status lags behind ended until the next event

	// family is the earliest id known of a session that came out of a rotation,
	// else zero. It never changes.
	family riskd.SessionID
	// ended says that a revocation has met the session. It never goes back,
	// whatever status a decision in flight writes.
	ended atomic.Bool
	// expiredAt is when the session was found to have expired, zero if it wasn't;
	// guarded by mu. It never goes back either.
	expiredAt time.Time
	facts     facts // guarded by the shard's lock
}

type sessionRow = row[riskd.SessionID, session]

// facts are those of a session's fields that revocations and queries compare.
type facts struct {
	tenant, user, device string
	start, end           time.Time // end as session.end gives it
	status               riskd.Status
	previous, next       riskd.SessionID
}

// Update runs fn on the event's session, which is made if it is new, and on a
// copy of its user's profile: that of the event's user, or of the session's if
// the event names none. A user that nothing is known of has a profile with
// nothing but his name, nobody has an empty one. If fn says so, the user's
// profile learns from the event.
//
// One fn runs at a time per session; other sessions don't wait. fn must keep
// neither pointer and must not call Update itself. If it panics, the session
// stays as fn left it and the panic goes on.
//
// Update sets a new session's ID, Tenant, Start and links; all else is fn's, but
// that an expired session stays expired unless fn revokes it.
func (s *Store) Update(e *riskd.Event, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) (learn bool)) {
	r := s.sessions.pin(e.Session.ID)
	if r == nil {
		r = s.create(e, now)
	}
	r.value.mu.Lock()
	defer s.leave(r)
	defer r.value.abide(now)
	in := &r.value.Session
	in.Start = earlier(in.Start, e.Session.StartedAt)
	if r.value.ended.Load() {
		in.Status = riskd.StatusRevoked
	}
	p := s.snapshots.Get().(*riskd.Profile)
	defer s.snapshots.Put(p)
	s.profile(p, e, in.User, now)
	if fn(in, p) {
		s.learn(e, in, now)
	}
}

// leave makes public what happened to a session, and lets the next one in.
func (s *Store) leave(r *sessionRow) {
	v := &r.value
	r.home.Lock()
	v.publish()
	r.home.settle(r, max(v.SeenAt.UnixMilli(), v.ActiveAt.UnixMilli()), v.rank())
	r.home.Unlock()
	v.mu.Unlock()
}

// publish copies the session's facts. The caller holds session and shard.
func (v *session) publish() {
	v.facts = facts{
		tenant: v.Tenant, user: v.User, device: v.DeviceID, start: v.Start, end: v.end(), status: v.Status,
		previous: v.Previous, next: v.Next,
	}
}

// rank says how a session is to be evicted: one that is under suspicion must not
// come back as a new one for as long as there are others to forget. A revoked
// one may go, since its revocation stays, and an expired one, since nobody works
// with it any more.
func (v *session) rank() rank {
	switch {
	case v.ended.Load() || v.Status.Over():
		return clean
	case v.StepUp != nil || v.Status == riskd.StatusStepUp || v.Score >= riskd.StepUpScore:
		return kept
	}
	return clean
}

// create makes the event's session, or gives the one that somebody else has
// just made; pinned.
func (s *Store) create(e *riskd.Event, now time.Time) *sessionRow {
	id, previous := e.Session.ID, e.Session.PreviousID
	r := &sessionRow{key: id, seen: now.UnixMilli()}
	v := &r.value
	v.Start = now
	rotated := !previous.IsZero() && previous != id && s.inherit(v, e, now)
	v.ID, v.Tenant = id, e.Tenant
	v.Start = earlier(v.Start, e.Session.StartedAt)
	v.publish()
	in, added := s.sessions.add(r, v.rank())
	if added && rotated {
		s.follow(previous, id)
	}
	return in
}

// earlier gives the earlier of two times; the zero time is an unknown one.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

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
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/journal"
)

// Limits of a store whose Options don't say.
const (
	DefaultMaxSessions    = 1_000_000
	DefaultMaxProfiles    = 1_000_000
	DefaultEpochRetention = 30 * 24 * time.Hour
	DefaultReadDeadline   = 50 * time.Millisecond
)

// Options are the bounds of a Store; zero means the default.
type Options struct {
	// MaxSessions and MaxProfiles bound what is in memory, with some 2 KB for either.
	// At the bound an old one makes room for every new one: it is forgotten, or, with
	// a folder, on disk. That never undoes a revocation.
	MaxSessions int
	MaxProfiles int
	// EpochRetention is how long a revocation stays in force. It must exceed the
	// longest life of a session: what it ended may come back afterwards.
	EpochRetention time.Duration

	// Dir is the folder in which state survives the process; "" keeps all of it in
	// memory alone.
	Dir string
	// FS is where Dir lies. Default: the machine's files.
	FS vfs.FS
	// ReadDeadline is how long anybody waits for one session or profile to be read
	// from Dir; past it the session counts as one that can't be read. Default: 50 ms.
	ReadDeadline time.Duration
	// CacheBytes bounds the memory in which the folder's contents are cached.
	CacheBytes int64
	// Repair goes on after damage in the middle of the ledger: what can't be read of
	// it is lost.
	Repair bool
	// LastNumber is the highest number of an order that anybody has been told of;
	// those that follow have higher ones.
	LastNumber uint64
	// Cells are the names of the signals by the place of their cell in a session.
	Cells []string
	// Pseudonym gives the name, under a key, of a user or a device that is to be
	// forgotten while orders over him stay in force. Without it nothing can be
	// erased.
	Pseudonym func(tenant, id string) string
	// Witness is told of orders, in the order of their numbers, before they're
	// acknowledged. It must not wait; Impose waits for what it gives, whose error is
	// one that wraps [riskd.ErrNotDurable]. Optional.
	Witness func(orders []riskd.Epoch) (wait func(context.Context) error)
	// Notify is told, in the order of their numbers, of what ends leases, each
	// before anybody could decide knowing of it. It must neither wait nor call the
	// store. Without it nothing but orders is numbered. Optional.
	Notify func(riskd.Notice)
	// Expired is told of every session that Expire ends, and must neither keep nor
	// change it, nor call the store. Optional.
	Expired func(*riskd.Session)
}

// Store remembers sessions, profiles and orders: in memory, and with a folder on
// disk as well. It is safe for concurrent use.
type Store struct {
	sessions   table[riskd.SessionID, session]
	profiles   table[subject, riskd.Profile]
	snapshots  sync.Pool // of *riskd.Profile
	crowd      crowd
	retention  time.Duration
	pseudonym  func(tenant, id string) string
	expiredOne func(*riskd.Session)
	witness    func([]riskd.Epoch) func(context.Context) error
	notify     func(riskd.Notice) // nil: nobody wants to know

	orders     [riskd.Effects]epochs
	predicates predicates
	number     atomic.Uint64 // of the latest order or notice
	told       atomic.Uint64 // up to which number all is in force
	lifted     sync.Map      // numbers of orders that were lifted
	erased     atomic.Bool   // orders may go by pseudonyms
	giving     sync.Mutex    // held by whoever changes what is in force
	keys       keys

	ledger    *journal.Journal // nil: in memory only
	opened    journal.Report   // what was found in it
	rewritten time.Time        // the ledger; only Sweep looks at it
	heirs     struct {         // what the ledger has still to be told
		sync.Mutex
		lines []line
	}
	archive *archive // nil: in memory only
	writer  writer
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
	s := &Store{retention: o.EpochRetention, pseudonym: o.Pseudonym, expiredOne: o.Expired, witness: o.Witness, notify: o.Notify, keys: keys{given: map[string]key{}}}
	if s.retention == 0 {
		s.retention = DefaultEpochRetention
	}
	if s.expiredOne == nil {
		s.expiredOne = func(*riskd.Session) {}
	}
	if s.witness == nil {
		s.witness = func([]riskd.Epoch) func(context.Context) error { return nil }
	}
	s.sessions.init(o.MaxSessions, DefaultMaxSessions)
	s.profiles.init(o.MaxProfiles, DefaultMaxProfiles)
	for i := range s.orders {
		s.orders[i].init()
	}
	s.number.Store(o.LastNumber)
	defer func() { s.told.Store(s.number.Load()) }()
	s.snapshots.New = func() any { return new(riskd.Profile) }
	s.sessions.evicting = func(r *sessionRow) {
		if !s.archived() {
			s.keepEnded(r)
		}
	}
	if o.Dir == "" {
		return s, nil
	}
	return s, s.open(o)
}

// session is one row of the table of sessions.
type session struct {
	mu            sync.Mutex // guards Session; held while an event is decided
	riskd.Session            // Session.Status lags behind ended until the next event

	// family is the earliest id known of a session that came out of a rotation,
	// else zero. It never changes.
	family riskd.SessionID
	// endedBy is the number of the revocation that has met the session, 0 if none
	// has. Only lifting that one takes it back, whatever status a decision in
	// flight writes.
	endedBy atomic.Uint64
	// expiredAt is when the session was found to have expired, zero if it wasn't;
	// guarded by mu. It never goes back either.
	expiredAt time.Time
	facts     facts // guarded by the shard's lock
	// indexed are the names under which the archive finds the session; only the
	// writer looks at it.
	indexed indexed
}

type sessionRow = row[riskd.SessionID, session]

// facts are those of a session's fields that revocations and queries compare.
type facts struct {
	tenant, user, device string
	start, end           time.Time // end as session.end gives it
	status               riskd.Status
	prefix               riskd.Prefix
	previous, next       riskd.SessionID
	glimpse              glimpse
}

// Update runs fn on the event's session, which is made if it is new, and on a
// copy of its user's profile: that of the event's user, or of the session's if
// the event names none. A user that nothing is known of has a profile with
// nothing but his name, nobody has an empty one. If fn says so, the user's
// profile learns from the event.
//
// The session's Suspension and Ordered are the orders that hold it up now, and the
// profile is without what orders have made void.
//
// One fn runs at a time per session; other sessions don't wait. fn must keep
// neither pointer and must not call Update itself. If it panics, the session
// stays as fn left it and the panic goes on.
//
// Update sets a new session's ID, Tenant, Start and links; all else is fn's, but
// that an expired session stays expired unless fn revokes it.
func (s *Store) Update(e *riskd.Event, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson) {
	var r *sessionRow
	for r == nil {
		in, l, err := s.look(e.Session.ID)
		if err != nil && !s.begins(e, now) {
			s.updateLost(e, now, fn)
			return
		}
		if r = in; r == nil {
			r = s.create(e, now, l)
		}
	}
	r.value.mu.Lock()
	defer s.leave(r)
	defer r.value.abide(now)
	in := &r.value.Session
	in.Start = earlier(in.Start, e.Session.StartedAt)
	if r.value.endedBy.Load() != 0 {
		in.Status = riskd.StatusRevoked
	}
	s.apply(in, r.value.family, e)
	p := s.snapshots.Get().(*riskd.Profile)
	defer s.snapshots.Put(p)
	s.profile(p, e, in.User, now)
	if lesson := fn(in, p); lesson != (riskd.Lesson{}) {
		s.learn(e, in, &lesson, now)
	}
}

// Edit is Update for what happens to a session outside of its own requests. It
// reports whether the session is known; without, fn isn't run.
func (s *Store) Edit(id riskd.SessionID, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson) bool {
	r := s.find(id)
	if r == nil {
		return false
	}
	r.value.mu.Lock()
	defer s.leave(r)
	defer r.value.abide(now)
	in := &r.value.Session
	if s.isEnded(r) {
		in.Status = riskd.StatusRevoked
	}
	e := &riskd.Event{Tenant: in.Tenant, User: riskd.User{ID: in.User}, Device: riskd.Device{ID: in.DeviceID}}
	s.apply(in, r.value.family, e)
	p := s.snapshots.Get().(*riskd.Profile)
	defer s.snapshots.Put(p)
	s.profile(p, e, in.User, now)
	if lesson := fn(in, p); lesson != (riskd.Lesson{}) {
		s.learn(e, in, &lesson, now)
	}
	return true
}

// leave makes public what happened to a session, and lets the next one in.
func (s *Store) leave(r *sessionRow) {
	v := &r.value
	r.home.Lock()
	before := v.facts
	v.publish()
	n, due := s.turned(r, &before)
	r.home.settle(r, max(v.SeenAt.UnixMilli(), v.ActiveAt.UnixMilli()), v.rank())
	s.sessions.touch(r)
	r.home.Unlock()
	v.mu.Unlock()
	if due {
		s.tell(n)
	}
}

// publish copies the session's facts. The caller holds session and shard.
func (v *session) publish() {
	v.facts = factsOf(&v.Session)
	v.facts.end = v.end()
	v.facts.glimpse.stepUp = cloneStepUp(v.StepUp) // which changes with every attempt
}

// factsOf gives a session's facts, but for its end.
func factsOf(s *riskd.Session) facts {
	return facts{
		tenant: s.Tenant, user: s.User, device: s.DeviceID, start: s.Start, status: s.Status,
		prefix: s.Here.Prefix, previous: s.Previous, next: s.Next, glimpse: glimpseOf(s),
	}
}

// rank says how a session is to be evicted: one that is under suspicion must not
// come back as a new one for as long as there are others to forget. A revoked
// one may go, since its revocation stays, and an expired one, since nobody works
// with it any more.
func (v *session) rank() rank {
	switch {
	case v.endedBy.Load() != 0 || v.Status.Over():
		return clean
	case v.StepUp != nil || v.Status == riskd.StatusStepUp || v.Status == riskd.StatusSuspended || v.Score >= riskd.StepUpScore:
		return kept
	}
	return clean
}

// create makes the event's session, or gives the one that somebody else has
// just made; pinned. It gives nil if that one has come and gone.
func (s *Store) create(e *riskd.Event, now time.Time, l *load) *sessionRow {
	id, previous := e.Session.ID, e.Session.PreviousID
	r := &sessionRow{key: id, seen: now.UnixMilli()}
	v := &r.value
	v.Start = now
	rotated := !previous.IsZero() && previous != id && s.inherit(v, e, now)
	v.ID, v.Tenant = id, e.Tenant
	v.Start = earlier(v.Start, e.Session.StartedAt)
	v.publish()
	if rotated { // before anybody can work with the new one: an order over the old one finds it
		s.follow(previous, id, now)
	}
	in, _ := s.sessions.add(r, v.rank(), l)
	return in
}

// earlier gives the earlier of two times; the zero time is an unknown one.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

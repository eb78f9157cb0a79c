package sessions

import (
	"bytes"
	"slices"

	"github.com/riskd/riskd"
)

// How many entries a page of a listing has when nobody says, and at most.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// Filter chooses sessions; its zero fields let everything through. It and Stats
// are aliases of plain structs, so that whoever asks can name them without
// importing this package.
type Filter = struct {
	Tenant string
	User   string
	Device string       // the device's id
	Prefix riskd.Prefix // of the address seen last
	Status *riskd.Status
	Cursor string // where the page before ended
	Limit  int    // DefaultPage if it isn't positive, at most MaxPage
}

// Stats are a store's counters.
type Stats = struct {
	Sessions int // remembered
	Profiles int
	// Epochs are the revocations in force, counting every session that is over
	// because of another one.
	Epochs int
	// Forgotten to make room for others, since the store was made.
	EvictedSessions uint64
	EvictedProfiles uint64
}

// Stats counts.
func (s *Store) Stats() Stats {
	return Stats{
		Sessions: int(s.sessions.rows.Load()), Profiles: int(s.profiles.rows.Load()), Epochs: s.orderCount(),
		EvictedSessions: s.sessions.evicted.Load(), EvictedProfiles: s.profiles.evicted.Load(),
	}
}

// Session gives a deep copy of one session. It waits for a decision on the
// session that is being taken.
func (s *Store) Session(id riskd.SessionID) (riskd.Session, bool) {
	r := s.find(id)
	if r == nil {
		return riskd.Session{}, false
	}
	defer r.home.unpin(r)
	return s.copyOf(r), true
}

// copyOf gives a deep copy of a session with the status that orders give it.
func (s *Store) copyOf(r *sessionRow) riskd.Session {
	r.value.mu.Lock()
	c := clone(&r.value.Session)
	family := r.value.family
	r.value.mu.Unlock()
	if s.isEnded(r) {
		c.Status = riskd.StatusRevoked
		return c
	}
	s.hold(&c, family)
	return c
}

// hold gives a session the status of one that is suspended, if it is.
func (s *Store) hold(in *riskd.Session, family riskd.SessionID) {
	in.Suspension = nil
	if s.orders[riskd.EffectSuspend].count() > 0 {
		f := factsOf(in)
		c := f.claim(in.ID, family)
		s.disguise(&c)
		in.Suspension = s.suspension(&c)
	}
	switch {
	case in.Status.Over():
	case in.Suspension != nil:
		in.Status = riskd.StatusSuspended
	case in.Status == riskd.StatusSuspended:
		in.Status = in.Waiting()
	}
}

// isEnded is ended for whoever doesn't hold the shard.
func (s *Store) isEnded(r *sessionRow) bool {
	r.home.Lock()
	defer r.home.Unlock()
	return s.ended(r)
}

// ended reports whether a session is revoked, whatever a decision in flight has
// made of its status. The caller holds the shard.
func (s *Store) ended(r *sessionRow) bool {
	if r.value.endedBy.Load() != 0 || r.value.facts.status == riskd.StatusRevoked {
		return true
	}
	_, over := s.overBy(r)
	return over
}

// List gives copies of the sessions that the filter chooses, ordered by
// reference, and the cursor of the next page, "" after the last. Sessions that
// are there all the time are listed exactly once. A cursor that isn't a reference
// is an error. In memory alone, a page walks the whole table, holding one shard at
// a time for as long as it takes to compare its sessions.
func (s *Store) List(f Filter) (list []riskd.Session, next string, err error) {
	var after riskd.SessionID
	if f.Cursor != "" {
		if after, err = riskd.ParseSessionRef(f.Cursor); err != nil {
			return nil, "", &riskd.FieldError{Path: "cursor", Detail: "is none that a page of sessions ended with"}
		}
	}
	if s.archived() {
		return s.listArchived(&f, after)
	}
	p := newPage(f.Limit, byReference)
	s.sessions.each(func(r *sessionRow) {
		if (f.Cursor == "" || bytes.Compare(r.key[:], after[:]) > 0) && s.chosen(&f, r) {
			p.add(r)
		}
	})
	rows, more := p.close()
	list = make([]riskd.Session, len(rows))
	for i, r := range rows {
		list[i] = s.copyOf(r)
	}
	if more {
		next = rows[len(rows)-1].key.String()
	}
	return list, next, nil
}

// byReference orders sessions; references sort as the ids do that they show.
func byReference(a, b *sessionRow) int { return bytes.Compare(a.key[:], b.key[:]) }

// chosen compares a session with the filter. The caller holds the shard.
func (s *Store) chosen(f *Filter, r *sessionRow) bool {
	in := &r.value.facts
	if !in.chosen(f) {
		return false
	}
	return f.Status == nil || *f.Status == s.statusOf(r)
}

// chosen compares with the filter all but the status.
func (in *facts) chosen(f *Filter) bool {
	return (f.Tenant == "" || in.tenant == f.Tenant) && (f.User == "" || in.user == f.User) &&
		(f.Device == "" || in.device == f.Device) && (f.Prefix == 0 || in.prefix == f.Prefix)
}

// statusOf gives a session's status as orders have it. The caller holds the shard.
func (s *Store) statusOf(r *sessionRow) riskd.Status {
	in := &r.value.facts
	c := in.claim(r.key, r.value.family)
	s.disguise(&c)
	switch {
	case s.ended(r):
		return riskd.StatusRevoked
	case in.status == riskd.StatusExpired:
		return riskd.StatusExpired
	case s.suspension(&c) != nil:
		return riskd.StatusSuspended
	case in.status == riskd.StatusSuspended:
		return riskd.StatusActive
	}
	return in.status
}

// page keeps the first few of many entries.
type page[T any] struct {
	size    int
	compare func(a, b T) int
	entries []T
	full    bool // entries[size-1] is the last that matters
}

// newPage makes a page for one entry more than the limit, which tells whether
// there is another page.
func newPage[T any](limit int, compare func(a, b T) int) *page[T] {
	if limit <= 0 {
		limit = DefaultPage
	}
	return &page[T]{size: min(limit, MaxPage) + 1, compare: compare}
}

func (p *page[T]) add(x T) {
	if p.full && p.compare(x, p.entries[p.size-1]) >= 0 {
		return
	}
	p.entries = append(p.entries, x)
	if len(p.entries) == 2*p.size {
		p.trim()
	}
}

func (p *page[T]) trim() {
	slices.SortFunc(p.entries, p.compare)
	if len(p.entries) >= p.size {
		p.entries, p.full = p.entries[:p.size], true
	}
}

func (p *page[T]) close() (entries []T, more bool) {
	p.trim()
	if p.full {
		return p.entries[:p.size-1], true
	}
	return p.entries, false
}

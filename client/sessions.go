package client

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// cache remembers sessions: the leases on them, and riskd's last word. Those asked
// about longest ago make room.
type cache struct {
	seed   maphash.Seed
	shards [64]shard
	limit  int // of a shard
}

type shard struct {
	mu    sync.Mutex
	known map[name]*remembered
	order list.List // of *remembered, the latest in front
}

// name is what a session goes by.
type name struct{ tenant, id string }

// remembered is one session.
type remembered struct {
	name
	place  *list.Element
	leases [2]lease // of open and of standard routes
	ref    string
	// word is riskd's last about the session, epoch what that knows of, resets of
	// which numbers.
	word   riskd.Outcome
	epoch  uint64
	resets uint64
	// allowed is when riskd last allowed, in which context, by class.
	allowed [4]allowed
}

// lease is a decision that may be gone by.
type lease struct {
	event    Event // that it was given for, without what differs from request to request
	decision Decision
	until    moment
	resets   uint64
	checked  uint64 // up to this number nothing ends it
}

type allowed struct {
	event Event
	at    moment
}

func newCache(sessions int) *cache {
	c := &cache{seed: maphash.MakeSeed(), limit: max(1, sessions/64)}
	for i := range c.shards {
		c.shards[i].known = map[name]*remembered{}
	}
	return c
}

func (c *cache) shard(n name) *shard {
	return &c.shards[maphash.Comparable(c.seed, n)%uint64(len(c.shards))]
}

// get finds a session. The caller holds the shard.
func (s *shard) get(n name) *remembered {
	r := s.known[n]
	if r != nil {
		s.order.MoveToFront(r.place)
	}
	return r
}

// make gives a session, which may be new. The caller holds the shard.
func (s *shard) make(n name, limit int) *remembered {
	if r := s.get(n); r != nil {
		return r
	}
	if len(s.known) >= limit {
		last := s.order.Back()
		delete(s.known, last.Value.(*remembered).name)
		s.order.Remove(last)
	}
	r := &remembered{name: n}
	r.place = s.order.PushFront(r)
	s.known[n] = r
	return r
}

// slot is where the lease of a class is, nil if the class has none: what can do
// harm is asked about every time, whatever anybody says.
func (r *remembered) slot(c riskd.Class) *lease {
	switch c {
	case riskd.ClassOpen:
		return &r.leases[0]
	case riskd.ClassStandard:
		return &r.leases[1]
	}
	return nil
}

// find gives the decision that may be gone by, if there is one.
func (c *cache) find(e *Event, now moment, n *notices) (Decision, bool) {
	s := c.shard(name{e.Tenant, e.Session.ID})
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.get(name{e.Tenant, e.Session.ID})
	if r == nil {
		return Decision{}, false
	}
	l := r.slot(e.Request.Class)
	if l == nil || l.decision.Outcome != riskd.Allow || !now.before(l.until) || l.resets != n.resets.Load() || !sameContext(&l.event, e) {
		return Decision{}, false
	}
	// applied is read first: what comes in meanwhile is looked at the next time.
	if applied := n.applied.Load(); applied > l.checked {
		if n.overtakes(&l.event, l.decision.Session, l.checked) {
			l.decision = Decision{}
			return Decision{}, false
		}
		l.checked = applied
	}
	return l.decision, true
}

// remember takes a decision of riskd's in, that was asked for at sent, after so
// many resets.
func (c *cache) remember(e *Event, d *Decision, sent moment, resets uint64, lend bool) {
	s := c.shard(name{e.Tenant, e.Session.ID})
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.make(name{e.Tenant, e.Session.ID}, c.limit)
	if r.resets == resets && r.epoch > d.epoch {
		return // a later one was faster
	}
	r.ref, r.epoch, r.resets = d.Session, d.epoch, resets
	if firm(d, e.Request.Class) {
		r.word = d.Outcome
	}
	kept := *e
	kept.ID, kept.Time, kept.Request = "", time.Time{}, Request{Class: e.Request.Class}
	r.allowed[e.Request.Class] = allowed{}
	if d.Outcome == riskd.Allow && d.Source == "fresh" {
		r.allowed[e.Request.Class] = allowed{kept, sent}
	}
	l := r.slot(e.Request.Class)
	if l == nil {
		return
	}
	*l = lease{}
	if lend && d.lease > 0 {
		leased := *d
		leased.Source = SourceLease
		*l = lease{event: kept, decision: leased, until: sent.add(d.lease), resets: resets, checked: d.epoch}
	}
}

// firm reports whether a decision says something of its session that holds for
// other requests, too: an action that asks for a proof of its own doesn't, nor
// does what stands in for a policy that has failed.
func firm(d *Decision, c riskd.Class) bool {
	harmless := c == riskd.ClassStandard || c == riskd.ClassOpen
	switch {
	case d.Source == "fallback":
		return false
	case d.Outcome == riskd.StepUpNeeded:
		return harmless || d.Source == "suspension" || d.Score >= riskd.StepUpScore
	}
	return d.Outcome == riskd.Revoke || c != riskd.ClassOpen
}

// last is what is remembered of a session for when riskd doesn't answer.
type last struct {
	ref   string
	word  riskd.Outcome
	epoch uint64
	// allowed is when riskd last allowed the like of the event.
	allowed moment
}

func (c *cache) last(e *Event, resets uint64) (in last) {
	s := c.shard(name{e.Tenant, e.Session.ID})
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.get(name{e.Tenant, e.Session.ID})
	if r == nil {
		return in
	}
	in.ref, in.word = r.ref, r.word
	if r.resets == resets {
		in.epoch = r.epoch
	}
	if a := &r.allowed[e.Request.Class]; sameContext(&a.event, e) {
		in.allowed = a.at
	}
	return in
}

// forgetWords forgets what riskd has said of sessions: an order was lifted, and
// nobody knows which of them it has met.
func (c *cache) forgetWords() {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for _, r := range s.known {
			r.word = riskd.NoOutcome
		}
		s.mu.Unlock()
	}
}

// moment is a time by both clocks: the one that nobody sets, and the one that goes
// on while a machine sleeps.
type moment struct{ steady, wall time.Duration }

var began = time.Now()

func momentOf(t time.Time) moment {
	return moment{t.Sub(began), time.Duration(t.UnixNano())}
}

func (m moment) add(d time.Duration) moment { return moment{m.steady + d, m.wall + d} }

// before reports whether a moment is before another by both clocks.
func (m moment) before(o moment) bool { return m.steady < o.steady && m.wall < o.wall }

// within reports whether so long, at most, has passed since another moment.
func (m moment) within(d time.Duration, since moment) bool {
	return since != moment{} && m.before(since.add(d+1))
}

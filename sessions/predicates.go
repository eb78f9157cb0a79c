package sessions

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// predicates are the revocations by predicate. Readers take no lock: a list is
// never changed, another takes its place.
type predicates struct {
	writing sync.Mutex
	list    atomic.Pointer[[]*record]
}

func (p *predicates) all() []*record {
	if l := p.list.Load(); l != nil {
		return *l
	}
	return nil
}

func (p *predicates) put(in *record) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.keep(func(r *record) bool { return r.Number != in.Number }, in)
}

func (p *predicates) drop(number uint64) (dropped *riskd.Epoch) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.keep(func(r *record) bool {
		if r.Number == number {
			dropped = &r.Epoch
		}
		return r.Number != number
	})
	return dropped
}

// sweep takes out those that have been in force for longer than the retention.
func (p *predicates) sweep(now time.Time, retention time.Duration) (swept int) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.keep(func(r *record) bool {
		over := now.Sub(r.At) > retention && now.Sub(r.Until) > retention
		if over {
			swept++
		}
		return !over
	})
	return swept
}

func (p *predicates) keep(which func(*record) bool, more ...*record) {
	var kept []*record
	for _, r := range p.all() {
		if which(r) {
			kept = append(kept, r)
		}
	}
	kept = append(kept, more...)
	p.list.Store(&kept)
}

// Standing finds the standing revocation whose predicate an event hits, if any.
// The event's place has to be known already.
func (s *Store) Standing(e *riskd.Event, a riskd.Agent, now time.Time) (riskd.Epoch, bool) {
	for _, r := range s.predicates.all() {
		if t := &r.Target; now.Before(r.Until) && t.Tenant == e.Tenant && t.Predicate.HitsEvent(e, a, now) {
			return r.Epoch, true
		}
	}
	return riskd.Epoch{}, false
}

// imposePredicate takes a predicate in, with the sessions that it hits now and
// all that they're linked to by rotation.
func (s *Store) imposePredicate(e *riskd.Epoch, hit []riskd.SessionID) []line {
	e.Number = s.number.Add(1)
	s.predicates.put(&record{Epoch: *e})
	lines := []line{{Order: newOrderLine(e, 0)}}
	for _, id := range hit {
		for _, id := range append(s.family(id), id) {
			if s.orders[e.Effect].sessions.inherit(id, *e) {
				lines = append(lines, line{Inherit: newOrderLine(e, 0), For: id.String()})
			}
		}
	}
	return lines
}

// hitBy gives the sessions that a predicate hits and that aren't over.
func (s *Store) hitBy(t *riskd.Target) (ids []riskd.SessionID) {
	s.search(t, func(in *riskd.Session) { ids = append(ids, in.ID) })
	return ids
}

// previewed is how many sessions a preview shows.
const previewed = 10

// Preview tells how many sessions that aren't over a revocation of the target
// would meet, and shows some of them. It changes nothing.
func (s *Store) Preview(t riskd.Target) (matched int, sample []riskd.Session) {
	if t.Kind == riskd.TargetSession {
		for _, id := range append(s.family(t.Session), t.Session) {
			if in, ok := s.Session(id); ok && !in.Status.Over() {
				matched++
				sample = append(sample, in)
			}
		}
		return matched, sample[:min(len(sample), previewed)]
	}
	s.search(&t, func(in *riskd.Session) {
		matched++
		if len(sample) < previewed {
			sample = append(sample, clone(in))
		}
	})
	return matched, sample
}

// search visits the sessions of a target that aren't over, be they in memory or
// not. It walks all there are, and waits for decisions that are being taken.
func (s *Store) search(t *riskd.Target, visit func(*riskd.Session)) {
	meets := func(in *riskd.Session) bool {
		f := factsOf(in)
		if t.Kind == riskd.TargetPredicate {
			return in.Tenant == t.Tenant && t.Predicate.Hits(in)
		}
		return f.of(t)
	}
	for i := range s.sessions.shards {
		for _, r := range s.sessions.pinAll(i) {
			r.value.mu.Lock()
			if !r.value.Status.Over() && !s.isEnded(r) && meets(&r.value.Session) {
				visit(&r.value.Session)
			}
			r.value.mu.Unlock()
			r.home.unpin(r)
		}
	}
	if s.archive == nil {
		return
	}
	s.eachCold(func(in *stored) bool {
		if !in.Status.Over() && !s.coldOver(in) && meets(&in.Session) {
			visit(&in.Session)
		}
		return true
	})
}

// pinAll pins all rows of a shard.
func (t *table[K, V]) pinAll(i int) []*row[K, V] {
	home := &t.shards[i]
	home.Lock()
	defer home.Unlock()
	all := slices.Concat(home.list[:]...)
	for _, r := range all {
		r.pins++
	}
	return all
}

func (h *shard[K, V]) unpin(r *row[K, V]) {
	h.Lock()
	r.pins--
	h.Unlock()
}

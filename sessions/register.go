package sessions

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// register keeps for every key the epoch with the latest time: a max-register,
// so that it doesn't matter in which order or how often epochs arrive.
//
// Every request reads it and hardly any writes it. So a reader takes no lock: he
// loads a pointer to a map that is never changed, and a writer puts a changed
// copy in its place. A thousand shards keep the copies small: at 100,000 epochs
// one has a hundred entries.
type register[K comparable] struct {
	seed   maphash.Seed
	count  atomic.Int64
	shards [registerShards]registerShard[K]
}

const registerShards = 1024

type registerShard[K comparable] struct {
	writing sync.Mutex
	records atomic.Pointer[map[K]*record]
}

// record is an epoch as it is kept. It doesn't change but for since.
type record struct {
	riskd.Epoch
	// inherited says that the target named another session, with which this one
	// ended.
	inherited bool
	// since is when its age began; zero until a sweep has met it, which takes age,
	// from before a restart, into account. Both guarded by writing.
	since time.Time
	age   time.Duration
}

func (r *register[K]) shard(key K) *registerShard[K] {
	return &r.shards[maphash.Comparable(r.seed, key)%registerShards]
}

func (s *registerShard[K]) load() map[K]*record {
	if m := s.records.Load(); m != nil {
		return *m
	}
	return nil
}

// get finds the key's epoch, nil if there is none.
func (r *register[K]) get(key K) *record {
	if r.count.Load() == 0 {
		return nil
	}
	return r.shard(key).load()[key]
}

// raise puts the epoch in unless there is one as late already; it gives the one
// that stays. A number of 0 becomes the next one.
func (r *register[K]) raise(key K, e riskd.Epoch, number *atomic.Uint64) riskd.Epoch {
	s := r.shard(key)
	s.writing.Lock()
	defer s.writing.Unlock()
	if there := s.load()[key]; there != nil && !there.inherited && !e.At.After(there.At) {
		return there.Epoch
	}
	if e.Number == 0 {
		e.Number = number.Add(1)
	}
	r.put(s, key, &record{Epoch: e})
	return e
}

// drop takes the epoch of a number out, with all that have inherited it, and
// gives it unless only heirs were there.
func (r *register[K]) drop(number uint64) (dropped *riskd.Epoch) {
	for i := range r.shards {
		s := &r.shards[i]
		s.writing.Lock()
		old := s.load()
		kept := maps.Clone(old)
		for key, in := range old {
			if in.Number == number {
				delete(kept, key)
				if !in.inherited {
					dropped = &in.Epoch
				}
			}
		}
		if len(kept) < len(old) {
			s.records.Store(&kept)
			r.count.Add(int64(len(kept) - len(old)))
		}
		s.writing.Unlock()
	}
	return dropped
}

// remove takes a key's epoch out.
func (r *register[K]) remove(key K) {
	s := r.shard(key)
	s.writing.Lock()
	defer s.writing.Unlock()
	m := maps.Clone(s.load())
	delete(m, key)
	r.count.Add(int64(len(m) - len(s.load())))
	s.records.Store(&m)
}

// inherit lets an epoch of another key hold for this one too, unless the key
// has one that isn't just an earlier one of the same target. It reports whether
// that is news.
func (r *register[K]) inherit(key K, e riskd.Epoch) bool {
	s := r.shard(key)
	if !s.load()[key].yields(&e) {
		return false
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if !s.load()[key].yields(&e) {
		return false
	}
	r.put(s, key, &record{Epoch: e, inherited: true})
	return true
}

// yields reports whether an inherited epoch may take the place.
func (in *record) yields(e *riskd.Epoch) bool {
	return in == nil || in.inherited && in.Target == e.Target && in.Number < e.Number
}

// ageOf says how long a record has been in force.
func (r *register[K]) ageOf(key K, in *record, now time.Time) time.Duration {
	s := r.shard(key)
	s.writing.Lock()
	defer s.writing.Unlock()
	if in.since.IsZero() {
		return in.age
	}
	return now.Sub(in.since)
}

func (r *register[K]) put(s *registerShard[K], key K, in *record) {
	old := s.load()
	m := make(map[K]*record, len(old)+1)
	maps.Copy(m, old)
	m[key] = in
	s.records.Store(&m)
	r.count.Add(int64(len(m) - len(old)))
}

// each visits the epochs that name their key.
func (r *register[K]) each(visit func(*riskd.Epoch)) {
	r.all(func(_ K, in *record) {
		if !in.inherited {
			visit(&in.Epoch)
		}
	})
}

// all visits what every key has.
func (r *register[K]) all(visit func(K, *record)) {
	for i := range r.shards {
		for key, in := range r.shards[i].load() {
			visit(key, in)
		}
	}
}

// restore takes in what was kept on disk; later epochs win whatever the order.
func (r *register[K]) restore(key K, in *record) {
	s := r.shard(key)
	there := s.load()[key]
	if there == nil || there.inherited && !in.inherited || there.inherited == in.inherited && in.At.After(there.At) {
		r.put(s, key, in)
	}
}

// sweep takes out what is older than the retention, and counts it. Age begins
// with the first sweep that meets an epoch: an epoch's own time may lie anywhere,
// and between two readings of one clock Go measures by the monotonic one. So a
// clock that is set makes nothing older, and one that goes back nothing younger.
func (r *register[K]) sweep(now time.Time, retention time.Duration) (swept int) {
	for i := range r.shards {
		if s := &r.shards[i]; s.records.Load() != nil {
			swept += s.sweep(now, retention)
		}
	}
	r.count.Add(-int64(swept))
	return swept
}

func (s *registerShard[K]) sweep(now time.Time, retention time.Duration) int {
	s.writing.Lock()
	defer s.writing.Unlock()
	old := s.load()
	m := make(map[K]*record, len(old))
	for key, in := range old {
		if in.since.IsZero() {
			in.since = now.Add(-in.age)
		}
		if now.Sub(in.since) <= retention || now.Sub(in.At) <= retention {
			m[key] = in
		}
	}
	if len(m) < len(old) {
		s.records.Store(&m)
	}
	return len(old) - len(m)
}

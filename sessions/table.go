package sessions

import (
	"hash/maphash"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
)

// table is a map that never holds more rows than its bound. It comes in shards,
// chosen by a seeded hash: nobody outside can aim at one of them.
//
// At the bound a new row takes the place of another: of some rows of its shard
// the one seen longest ago. Sampling a few comes close to the oldest of all and
// spares every look-up the upkeep of an order (Redis' maxmemory-policy does the
// same with five). Rows of rank kept go only when there is no other row in the
// whole table, and rows that somebody is working on never.
type table[K comparable, V any] struct {
	seed    maphash.Seed
	max     int64
	rows    atomic.Int64
	evicted atomic.Uint64
	// evicting is told of a row that is about to go, under its shard's lock.
	evicting func(*row[K, V])
	// keeping says that rows are written to an archive, and go only once they have
	// been; crowded is called when all of them have still to be written.
	keeping atomic.Bool
	crowded func()
	// taken are the rows that are being written; the slice isn't changed.
	taken  atomic.Pointer[[]*row[K, V]]
	shards [tableShards]shard[K, V]
}

const (
	tableShards = 256
	// evictionSample is how many rows an eviction compares.
	evictionSample = 8
)

// rank says which rows are evicted first.
type rank uint8

const (
	clean rank = iota
	kept
	ranks
)

type shard[K comparable, V any] struct {
	sync.Mutex
	rows map[K]*row[K, V]
	// list holds the same rows by rank, in no order, to draw from and to walk.
	list [ranks][]*row[K, V]
	// changed are the rows that have still to be written; loads are the keys that
	// somebody is reading from the archive.
	changed []*row[K, V]
	loads   map[K]*load
}

// load is the reading of a key's row from the archive. It is stale when the row
// has been in memory meanwhile and has left it: there may be a later one.
type load struct {
	readers int
	stale   bool
}

// written says whether the archive has a row as it is.
type written uint8

const (
	saved     written = iota
	changed           // it is in its shard's list
	saving            // it was taken from that, and is being written
	discarded         // it is no row of the table any more
)

// row is guarded by its shard's lock but for what V says otherwise, and but for
// key and home, which never change.
type row[K comparable, V any] struct {
	value V
	key   K
	home  *shard[K, V]
	seen  int64 // Unix milliseconds
	pins  int32 // how many are working on it
	slot  int32 // its place in its home's list
	rank  rank
	state written
}

func (t *table[K, V]) init(limit, byDefault int) {
	t.seed = maphash.MakeSeed()
	t.max = int64(limit)
	if limit == 0 {
		t.max = int64(byDefault)
	}
	for i := range t.shards {
		t.shards[i].rows = map[K]*row[K, V]{}
		t.shards[i].loads = map[K]*load{}
	}
}

func (t *table[K, V]) index(key K) int {
	return int(maphash.Comparable(t.seed, key) % tableShards)
}

func (t *table[K, V]) home(key K) *shard[K, V] { return &t.shards[t.index(key)] }

// pin gives the key's row, nil if there is none. The row stays in the table
// until it is settled as often as it was pinned.
func (t *table[K, V]) pin(key K) *row[K, V] {
	home := t.home(key)
	home.Lock()
	r := home.rows[key]
	if r != nil {
		r.pins++
	}
	home.Unlock()
	return r
}

// seek is pin for a table with an archive: if there is no row, a load begins that
// has to end with add or abandon.
func (t *table[K, V]) seek(key K) (*row[K, V], *load) {
	home := t.home(key)
	home.Lock()
	defer home.Unlock()
	if r := home.rows[key]; r != nil {
		r.pins++
		return r, nil
	}
	l := home.loads[key]
	if l == nil || l.stale { // what is read from now on isn't
		l = &load{}
		home.loads[key] = l
	}
	l.readers++
	return nil, l
}

func (t *table[K, V]) abandon(key K, l *load) {
	home := t.home(key)
	home.Lock()
	home.unload(key, l)
	home.Unlock()
}

// unload ends a load, and reports whether it is stale. The caller holds the shard.
func (h *shard[K, V]) unload(key K, l *load) (stale bool) {
	if l == nil {
		return false
	}
	if l.readers--; l.readers == 0 && h.loads[key] == l {
		delete(h.loads, key)
	}
	return l.stale
}

// add puts a row in and pins it. If there is a row with its key already, that
// one is pinned instead. It gives nil if the load that the row comes from is stale.
func (t *table[K, V]) add(r *row[K, V], as rank, l *load) (in *row[K, V], added bool) {
	i := t.index(r.key)
	t.reserve(i)
	home := &t.shards[i]
	home.Lock()
	defer home.Unlock()
	stale := home.unload(r.key, l)
	if there := home.rows[r.key]; there != nil {
		t.rows.Add(-1)
		there.pins++
		return there, false
	}
	if stale {
		t.rows.Add(-1)
		return nil, false
	}
	r.home, r.pins = home, 1
	home.rows[r.key] = r
	home.enlist(r, as)
	return r, true
}

// reserve counts a row that is about to be added, and makes room for it. While
// all rows are being worked on it waits for one of them; for that, more events
// have to be in work at once than the table may have rows.
func (t *table[K, V]) reserve(near int) {
	for {
		n := t.rows.Load()
		switch {
		case n >= t.max:
			if !t.evict(near) {
				t.wait()
			}
		case t.rows.CompareAndSwap(n, n+1):
			return
		}
	}
}

func (t *table[K, V]) wait() {
	if t.keeping.Load() {
		t.crowded()
	}
	runtime.Gosched()
}

func (t *table[K, V]) evict(near int) bool {
	for as := range ranks {
		for i := range t.shards {
			if t.evictFrom(&t.shards[(near+i)%tableShards], as) {
				return true
			}
		}
	}
	return false
}

func (t *table[K, V]) evictFrom(home *shard[K, V], as rank) bool {
	home.Lock()
	defer home.Unlock()
	r := home.oldest(as, t.keeping.Load())
	if r == nil {
		return false
	}
	if t.evicting != nil {
		t.evicting(r)
	}
	t.remove(r)
	t.evicted.Add(1)
	return true
}

// remove takes a row out. The caller holds its shard; nobody works on the row.
func (t *table[K, V]) remove(r *row[K, V]) {
	home := r.home
	if l := home.loads[r.key]; l != nil {
		l.stale = true
	}
	delete(home.rows, r.key)
	home.delist(r)
	t.rows.Add(-1)
}

// oldest draws some rows of a rank that nobody works on and gives the one seen
// longest ago, nil if there are none at all.
func (h *shard[K, V]) oldest(as rank, keeping bool) (oldest *row[K, V]) {
	// A prime longer than any list: steps of it come to every place once, in no
	// order that has to do with age.
	const stride = 1_000_000_007
	list := h.list[as]
	if len(list) == 0 {
		return nil
	}
	i, drawn := rand.IntN(len(list)), 0
	for range list {
		if r := list[i]; r.pins == 0 && (!keeping || r.state == saved) {
			if oldest == nil || r.seen < oldest.seen {
				oldest = r
			}
			if drawn++; drawn == evictionSample {
				break
			}
		}
		i = (i + stride) % len(list)
	}
	return oldest
}

// each visits all rows, holding the shard of the one visited, which visit may
// move to the rank clean.
func (t *table[K, V]) each(visit func(*row[K, V])) {
	for i := range t.shards {
		t.shards[i].each(visit)
	}
}

func (h *shard[K, V]) each(visit func(*row[K, V])) {
	h.Lock()
	defer h.Unlock()
	for as := range ranks {
		// Backwards, for what takes the place of a row that moves was visited before.
		for i := len(h.list[as]) - 1; i >= 0; i-- {
			visit(h.list[as][i])
		}
	}
}

// settle ends what pin began: it says when the row was seen and what rank it has
// now. The caller holds the shard.
func (h *shard[K, V]) settle(r *row[K, V], seen int64, as rank) {
	r.pins--
	r.seen = max(r.seen, seen)
	h.move(r, as)
}

// touch notes that a row has to be written. The caller holds the shard.
func (t *table[K, V]) touch(r *row[K, V]) {
	if r.state <= saved && t.keeping.Load() || r.state == saving {
		r.state = changed
		r.home.changed = append(r.home.changed, r)
	}
}

// take gives the rows of all shards that have to be written.
func (t *table[K, V]) take() []*row[K, V] {
	var rows []*row[K, V]
	for i := range t.shards {
		home := &t.shards[i]
		home.Lock()
		for _, r := range home.changed {
			if r.state == changed {
				r.state = saving
				rows = append(rows, r)
			}
		}
		if len(home.changed) > 0 {
			soFar := rows
			t.taken.Store(&soFar) // before they're in no list
		}
		clear(home.changed)
		home.changed = home.changed[:0]
		home.Unlock()
	}
	return rows
}

// unwritten visits the rows that the archive may not have as they are, holding the
// shard of the one visited. What it doesn't visit, whoever reads the archive
// afterwards finds there; a row may be visited twice.
func (t *table[K, V]) unwritten(visit func(*row[K, V])) {
	for i := range t.shards {
		home := &t.shards[i]
		home.Lock()
		for _, r := range home.changed {
			if r.state == changed {
				visit(r)
			}
		}
		home.Unlock()
	}
	taken := t.taken.Load()
	if taken == nil {
		return
	}
	for _, r := range *taken {
		r.home.Lock()
		if r.state != discarded {
			visit(r)
		}
		r.home.Unlock()
	}
}

// wrote notes that a row that was taken is in the archive, or that it isn't.
func (t *table[K, V]) wrote(r *row[K, V], ok bool) {
	r.home.Lock()
	defer r.home.Unlock()
	switch {
	case r.state != saving: // it has changed meanwhile
	case ok:
		r.state = saved
	default:
		r.state = saved
		t.touch(r)
	}
}

func (h *shard[K, V]) move(r *row[K, V], as rank) {
	if r.rank != as {
		h.delist(r)
		h.enlist(r, as)
	}
}

func (h *shard[K, V]) enlist(r *row[K, V], as rank) {
	r.rank, r.slot = as, int32(len(h.list[as]))
	h.list[as] = append(h.list[as], r)
}

func (h *shard[K, V]) delist(r *row[K, V]) {
	list := h.list[r.rank]
	last := list[len(list)-1]
	list[r.slot], last.slot = last, r.slot
	list[len(list)-1] = nil
	h.list[r.rank] = list[:len(list)-1]
}

// Package geo says where an address is and what kind of network it belongs to,
// out of mmdb databases and plain lists of networks; it also builds such
// databases from CSV.
//
// Files are read into memory, verified, and swapped in whole: one that goes
// missing, breaks or shrinks while riskd serves costs a mark on the decision,
// never the process. It is not for fetching databases, nor for judging what a
// network is worth: that is a rule's.
package geo

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/riskd/riskd"
)

// DefaultMaxBytes is the size that no database and no list may exceed unless
// Options say otherwise: three times the largest published city database.
const DefaultMaxBytes = 512 << 20

// cached is how many addresses are remembered with all that is known of them:
// 24 MB when full. BenchmarkLocate says what for: on addresses that come again
// the cache is 3 to 5 times as fast as three databases and a list, on a Zipf-like
// load 1.5 to 2.6 times, and on addresses that never come again it costs 10 to
// 90 % more.
const cached = 1 << 16

// Options say what a [Locator] reads.
type Options struct {
	// Files is where the paths lead; nil is the machine's own file system.
	Files fs.FS
	// Databases are the paths of mmdb files of any mixture of types. Where two
	// of them know the place of an address, the first with coordinates counts,
	// then the first with a country.
	Databases []string
	Lists     []List
	// MaxBytes limits every single file; 0 means DefaultMaxBytes.
	MaxBytes int64
	// Now tells the age of databases. Without it none is ever stale: right for
	// synthetic ones, whose build time is part of the fixture.
	Now func() time.Time
}

func (o *Options) validate() error {
	if o.MaxBytes < 0 {
		return fmt.Errorf("max_bytes: is %d; it must not be negative", o.MaxBytes)
	}
	for i, p := range o.Databases {
		if p == "" {
			return fmt.Errorf("databases[%d]: is empty; give the path of an mmdb file", i)
		}
	}
	for i, l := range o.Lists {
		if l.Path == "" {
			return fmt.Errorf("lists[%d].path: is required", i)
		}
		if l.Kind == riskd.NetworkUnknown {
			return fmt.Errorf("lists[%d].kind: is required: what kind of network the list names", i)
		}
	}
	return nil
}

// Locator answers for addresses. Its methods may be called concurrently.
type Locator struct {
	options Options
	loading sync.Mutex // one load at a time; Locate never takes it
	current atomic.Pointer[snapshot]
	cache   *ristretto.Cache[uint64, *answer]
	seed    maphash.Seed
}

// answer is one address's entry in the cache. It names the snapshot that it came
// from by number, because a pointer would keep a replaced database in memory.
type answer struct {
	address    netip.Addr
	generation uint64
	place      riskd.Place
	degraded   []string
}

// Open reads all files and returns a Locator that must be closed. A file that
// can't be used is no error here: riskd serves without it, and [Locator.Status]
// says why. An error names an option that is wrong.
func Open(o Options) (*Locator, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.Files == nil {
		o.Files = ownFiles{}
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	cache, err := ristretto.NewCache(&ristretto.Config[uint64, *answer]{
		NumCounters:        10 * cached, // ten for each entry, as ristretto advises
		MaxCost:            cached,
		BufferItems:        64,
		IgnoreInternalCost: true, // cost counts entries, not bytes
	})
	if err != nil {
		return nil, err
	}
	l := &Locator{options: o, cache: cache, seed: maphash.MakeSeed()}
	empty := &snapshot{}
	for _, p := range o.Databases {
		empty.sources = append(empty.sources, source{status: Status{Path: p}})
	}
	for _, list := range o.Lists {
		empty.sources = append(empty.sources, source{status: Status{Path: list.Path, Type: listType}, kind: list.Kind})
	}
	l.current.Store(empty)
	l.refresh(true)
	return l, nil
}

// Close ends the cache's goroutines. A closed Locator still answers, slower.
func (l *Locator) Close() { l.cache.Close() }

// Locate says what is known of an address. It never blocks and never fails:
// what isn't known stays zero, and the codes say what didn't work. The codes
// are shared: callers must not change them.
func (l *Locator) Locate(a netip.Addr) (riskd.Place, []string) {
	a = plain(a)
	s := l.current.Load()
	if k := l.remembered(a, s); k != nil {
		return k.place, k.degraded
	}
	place, marks := s.locate(a)
	l.cache.Set(l.key(a), &answer{a, s.generation, place, codes[marks]}, 1) // may drop it: it's only a cache
	return place, codes[marks]
}

// remembered gives the answer of a snapshot out of the cache, nil when it isn't
// there.
func (l *Locator) remembered(a netip.Addr, s *snapshot) *answer {
	if k, ok := l.cache.Get(l.key(a)); ok && k.address == a && k.generation == s.generation {
		return k
	}
	return nil
}

func (l *Locator) key(a netip.Addr) uint64 { return maphash.Comparable(l.seed, a) }

// plain gives the address as databases know it: IPv4 as IPv4, without a zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// Status says how every file fares, databases first, in the order of the Options.
func (l *Locator) Status() []Status {
	s := l.current.Load()
	status := make([]Status, len(s.sources))
	for i := range s.sources {
		status[i] = s.sources[i].status
	}
	return status
}

// Reload reads every file again, changed or not. A file that fails leaves in
// force what was read of it before; the error says which failed and why.
func (l *Locator) Reload() error {
	l.refresh(true)
	var faults []error
	for _, s := range l.Status() {
		faults = append(faults, s.Err)
	}
	return errors.Join(faults...)
}

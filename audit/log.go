package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

const (
	// DefaultSegmentBytes is the size of a file if Options don't say.
	DefaultSegmentBytes = 64 << 20
	// MaxOffers is how many offered entries wait before one more is dropped.
	MaxOffers = 4096
	// reserve is kept free for when the disk is full: what can't be put on record
	// isn't acknowledged.
	reserve = 16 << 20
	// name is that of the journal, and so of the files.
	name = "audit"
)

// Options say where the log is and how much of it is kept.
type Options struct {
	FS           vfs.FS // nil is the machine's
	Dir          string
	SegmentBytes int64 // 0: DefaultSegmentBytes
	// Keep is how many files' worth of entries stay at least, 0 for all. There is at
	// most about one more.
	Keep int
	// Ref gives the reference of a user ("u") or a device ("d"), as
	// SessionKey.Ref does: the key is no business of the log's.
	Ref    func(kind, tenant, id string) string
	Repair bool // as journal.Options.Repair; the chain stays broken there, visibly
}

// Head is the end of the chain: the number of an entry and the hash of its bytes.
type Head struct {
	N    uint64
	Hash string
}

func (h Head) String() string { return fmt.Sprintf("%d:%s", h.N, h.Hash) }

// Log is open for writing, in this process alone. It is safe for concurrent use.
type Log struct {
	journal *journal.Journal
	ref     func(kind, tenant, id string) string
	keep    int64 // bytes; 0 is all
	segment int64

	mu     sync.Mutex
	state           // of the last entry appended
	firm   state    // of the last one known to be on disk
	flight []flight // those in between
	seen   time.Time
	trimAt int64  // the size at which to trim
	told   uint64 // of the dropped, by entries that were appended

	offers                    chan Entry
	trim                      chan struct{}
	offering                  sync.RWMutex // held by Close while it shuts the door
	closed                    bool         // guarded by offering
	quit, done                chan struct{}
	offered, written, dropped atomic.Uint64
	missed                    atomic.Int64 // the time of the last entry dropped
}

// state is where a chain stands.
type state struct {
	head  Head
	epoch uint64
}

// flight is what one append put on its way to the disk.
type flight struct {
	state
	commit  journal.Commit
	offered bool
	told    uint64
}

// Open opens the log, which is made if it isn't there. Damage is a
// *journal.Damage; only the newest file is looked at, Verify looks at all.
func Open(o Options) (*Log, journal.Report, error) {
	switch {
	case o.Ref == nil:
		return nil, journal.Report{}, errors.New("audit.Options.Ref: is required")
	case o.Keep < 0 || o.SegmentBytes < 0:
		return nil, journal.Report{}, errors.New("audit.Options: Keep and SegmentBytes must not be negative")
	case o.SegmentBytes == 0:
		o.SegmentBytes = DefaultSegmentBytes
	}
	l := &Log{ref: o.Ref, keep: int64(o.Keep) * o.SegmentBytes, segment: o.SegmentBytes}
	l.offers, l.trim = make(chan Entry, MaxOffers), make(chan struct{}, 1)
	l.quit, l.done, l.trimAt = make(chan struct{}), make(chan struct{}), l.keep+l.segment
	last := []byte(Genesis)
	j, report, err := journal.Open(journal.Options{
		FS: o.FS, Dir: o.Dir, Name: name, SegmentBytes: o.SegmentBytes, Newest: true, Repair: o.Repair,
		Reserve: reserve,
	}, func(_ uint64, payload []byte) error {
		last = append(last[:0], payload...)
		return nil
	})
	if err != nil {
		return nil, report, err
	}
	if l.journal = j; report.Records > 0 {
		e, err := decode(last)
		if err != nil {
			return nil, report, errors.Join(fmt.Errorf("audit: entry %d: %w", report.Last, err), j.Close())
		}
		l.epoch = e.LastEpoch
	}
	l.head = Head{report.Last, hashOf(last)}
	l.firm = l.state
	go l.work()
	return l, report, nil
}

// Append takes entries, all or none, in this order: what has to be on disk before
// it is acknowledged. It blocks as journal.Journal.Append does. Without entries the
// Commit is that of all before.
func (l *Log) Append(entries ...Entry) journal.Commit {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, err := l.append(false, entries)
	if err != nil {
		return journal.Refused(err)
	}
	return c
}

// append takes entries on, unless they're no entries. The caller holds mu.
func (l *Log) append(offered bool, entries []Entry) (journal.Commit, error) {
	l.settle()
	payloads, next, told, err := l.chain(entries)
	if err != nil {
		return journal.Commit{}, err
	}
	c := l.journal.Append(payloads...)
	if len(entries) == 0 {
		return c, nil
	}
	l.flight = append(l.flight, flight{next, c, offered, told})
	l.state, l.seen = next, entries[len(entries)-1].At
	l.told += told
	if l.keep > 0 && l.journal.Size().Bytes >= l.trimAt {
		select {
		case l.trim <- struct{}{}:
		default:
		}
	}
	return c, nil
}

// chain makes entries the next ones. The first tells how many were dropped before.
func (l *Log) chain(entries []Entry) (payloads [][]byte, next state, told uint64, err error) {
	next, told = l.state, l.dropped.Load()-l.told
	payloads = make([][]byte, len(entries))
	for i, e := range entries {
		if err := e.validate(); err != nil {
			return nil, next, 0, err
		}
		next.epoch = max(next.epoch, e.Epoch)
		e.N, e.Prev, e.LastEpoch, e.Dropped = next.head.N+1, next.head.Hash, next.epoch, 0
		if i == 0 {
			e.Dropped = told
		}
		if payloads[i], err = e.encode(); err != nil {
			return nil, next, 0, err
		}
		next.head = Head{e.N, hashOf(payloads[i])}
	}
	return payloads, next, told, nil
}

// settle looks what became of what was appended. After a failure the chain goes on
// where the disk has it, and what the lost entries told is still to be told.
func (l *Log) settle() {
	n := 0
	for ; n < len(l.flight) && l.flight[n].landed(); n++ {
		f := &l.flight[n]
		switch lost := f.commit.Seq() == 0; {
		case lost:
			l.told -= f.told
			if f.offered {
				l.drop(l.seen)
			}
		default:
			l.firm = f.state
			if f.offered {
				l.written.Add(1)
			}
		}
	}
	if n == 0 {
		return
	}
	l.flight = append(l.flight[:0], l.flight[n:]...)
	if len(l.flight) == 0 {
		l.state = l.firm
	}
}

func (f *flight) landed() bool {
	select {
	case <-f.commit.Done():
		return true
	default:
		return false
	}
}

// Last is the last entry that is on disk and the highest number of an order up to
// it. An owner who appends orders in the order of their numbers knows at the start
// which ones are missing here.
func (l *Log) Last() (Head, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle()
	return l.firm.head, l.firm.epoch
}

// Err is why nothing is taken, nil while all is well.
func (l *Log) Err() error { return l.journal.Err() }

// Heal goes on after a failure, in a new file after the last entry that is on
// disk. Entries that were refused stay out.
func (l *Log) Heal(ctx context.Context) error { return l.journal.Resume(ctx) }

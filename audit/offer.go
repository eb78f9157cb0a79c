package audit

import (
	"context"
	"math"
	"strconv"
	"time"
)

// Counts tell what became of offered entries: as soon as none waits any more,
// Offered is Written and Dropped.
type Counts struct{ Offered, Written, Dropped uint64 }

// Counts are those since the log was opened. It never blocks: while a disk stands
// still, Written lags behind.
func (l *Log) Counts() Counts {
	if l.mu.TryLock() {
		l.settle()
		l.mu.Unlock()
	}
	return Counts{l.offered.Load(), l.written.Load(), l.dropped.Load()}
}

// Offer takes an entry if there is room, and reports whether it did. It never
// blocks. The next entry that is written says how many were dropped before.
func (l *Log) Offer(e Entry) bool {
	l.offering.RLock()
	defer l.offering.RUnlock()
	l.offered.Add(1)
	if !l.closed {
		select {
		case l.offers <- e:
			return true
		default:
		}
	}
	l.drop(e.At)
	return false
}

func (l *Log) drop(at time.Time) {
	l.missed.Store(at.UnixNano())
	l.dropped.Add(1)
}

// work passes offers on and keeps the log within its bounds.
func (l *Log) work() {
	defer close(l.done)
	for {
		select {
		case e := <-l.offers:
			l.pass(e)
		case <-l.trim:
			l.keepWithin()
		case <-l.quit:
			for len(l.offers) > 0 {
				l.pass(<-l.offers)
			}
			if len(l.trim) > 0 {
				l.keepWithin()
			}
			return
		}
	}
}

func (l *Log) pass(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.append(true, []Entry{e}); err != nil {
		l.drop(e.At)
	}
}

// keepWithin removes the oldest files until the log is within its bounds: while it
// does, others append.
func (l *Log) keepWithin() {
	for l.journal.Size().Bytes >= l.keep+l.segment && l.trimOnce() {
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trimAt = max(l.keep+l.segment, l.journal.Size().Bytes+l.segment/8)
}

// trimOnce removes files once an entry has said so, and reports whether it did.
func (l *Log) trimOnce() bool {
	first := l.journal.Boundary(l.keep)
	if first <= l.journal.Boundary(math.MaxInt64) {
		return false
	}
	l.mu.Lock()
	e := Entry{Act: Trim, At: l.seen, Details: map[string]string{detailFirst: strconv.FormatUint(first, 10)}}
	c, err := l.append(false, []Entry{e})
	l.mu.Unlock()
	ctx := context.Background()
	return err == nil && c.Wait(ctx) == nil && l.journal.Trim(ctx, first) == nil
}

// detailFirst is the detail of Trim that says from which entry on the log is kept.
const detailFirst = "first"

// Close writes what waits, and a Gap if nothing else has told what was dropped.
func (l *Log) Close() error {
	l.offering.Lock()
	first := !l.closed
	l.closed = true
	l.offering.Unlock()
	if first {
		close(l.quit)
	}
	<-l.done
	_ = l.Append().Wait(context.Background()) // so that settle knows of all
	l.mu.Lock()
	l.settle()
	if l.dropped.Load() > l.told {
		_, _ = l.append(false, []Entry{{Act: Gap, At: time.Unix(0, l.missed.Load())}})
	}
	l.mu.Unlock()
	return l.journal.Close() // tells if the last entry failed
}

package sessions

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/journal"
)

// writer brings what has changed in memory to the archive, behind the decisions
// that have changed it.
type writer struct {
	// sessions, profiles and crowd are held by whoever writes the one or the other.
	sessions, profiles sync.Mutex
	crowd              sync.Mutex
	fault              atomic.Pointer[error]     // the last one
	broken             atomic.Bool               // the archive takes nothing any more
	brokenAt           atomic.Pointer[time.Time] // when an event was first the worse for it
	stop               context.CancelFunc
	stopped            sync.WaitGroup
}

// How often the archive is brought up to date, and synced: a crash of the process
// loses what the first says of sessions and profiles, a crash of the machine what
// the second says, and neither loses an order that was acknowledged.
const (
	writeEvery = 100 * time.Millisecond
	syncEvery  = time.Second
)

// writeBatch is how many rows are written at once.
const writeBatch = 512

// open begins with what the folder holds.
func (s *Store) open(o Options) (err error) {
	ledger := journal.Options{FS: o.FS, Dir: o.Dir, Name: "orders", Reserve: reserve, Repair: o.Repair}
	if s.ledger, s.opened, err = journal.Open(ledger, s.restore); err != nil {
		return err
	}
	dir := "archive"
	if o.FS != nil {
		dir = o.FS.PathJoin(o.Dir, dir)
	} else {
		dir = o.Dir + "/" + dir
	}
	if s.archive, err = openArchive(o.FS, dir, o.Cells, o.CacheBytes, s.archiveFailed); err != nil {
		return errors.Join(err, s.ledger.Close())
	}
	if s.archive.reading = o.ReadDeadline; o.ReadDeadline == 0 {
		s.archive.reading = DefaultReadDeadline
	}
	if err := s.readCrowd(); err != nil {
		return errors.Join(err, s.archive.close(), s.ledger.Close())
	}
	s.sessions.keeping.Store(true)
	s.profiles.keeping.Store(true)
	s.sessions.crowded = func() { _ = s.writeSessions() }
	s.profiles.crowded = func() { _ = s.writeProfiles() }
	ctx, stop := context.WithCancel(context.Background())
	s.writer.stop = stop
	s.writer.stopped.Go(func() { s.writeOn(ctx) })
	return nil
}

// Close writes what has still to be written, and lets go of the folder. Nothing
// may be asked of the store afterwards.
func (s *Store) Close() error {
	if s.archive == nil {
		return nil
	}
	s.writer.stop()
	s.writer.stopped.Wait()
	return errors.Join(s.flush(), s.writeCrowd(), s.archive.sync(), s.archive.close(), s.ledger.Close())
}

// Opened is what was found in the ledger of orders when the store was opened.
func (s *Store) Opened() journal.Report { return s.opened }

// Fault is what is wrong with the folder, nil if all is well.
func (s *Store) Fault() error {
	if s.archive == nil {
		return nil
	}
	var errs []error
	if err := s.ledger.Err(); err != nil {
		errs = append(errs, fmt.Errorf("revocations are in force, but not on disk: %w", err))
	}
	if err := s.writer.fault.Load(); err != nil {
		errs = append(errs, *err)
	}
	return errors.Join(errs...)
}

// archiveFailed is told, once, that the archive can't go on.
func (s *Store) archiveFailed(err error) {
	err = fmt.Errorf("sessions and profiles are kept in memory alone: %w", err)
	s.writer.fault.Store(&err)
	s.writer.broken.Store(true)
	s.sessions.keeping.Store(false)
	s.profiles.keeping.Store(false)
}

// unreadable notes that something in the archive couldn't be read.
func (s *Store) unreadable(err error) {
	if err != nil {
		err = fmt.Errorf("the archive of sessions: %w", err)
		s.writer.fault.Store(&err)
	}
}

// writeOn writes until ctx ends.
func (s *Store) writeOn(ctx context.Context) {
	write, sync, crowd := time.NewTicker(writeEvery), time.NewTicker(syncEvery), time.NewTicker(crowdEvery)
	defer write.Stop()
	defer sync.Stop()
	defer crowd.Stop()
	for {
		select {
		case <-write.C:
			_ = s.flush() // Fault tells
		case <-sync.C:
			s.unreadable(s.archive.sync())
		case <-crowd.C:
			if s.archived() {
				s.unreadable(s.writeCrowd())
			}
		case <-ctx.Done():
			return
		}
	}
}

// flush brings the archive up to date with all that happened before. It waits
// for decisions that are being taken, so nobody who holds a session may call it.
func (s *Store) flush() error {
	s.writeHeirs()
	return errors.Join(s.writeProfiles(), s.writeSessions())
}

// writeHeirs puts what has inherited a revocation into the ledger.
func (s *Store) writeHeirs() {
	s.heirs.Lock()
	lines := s.heirs.lines
	s.heirs.lines = nil
	s.heirs.Unlock()
	for _, l := range lines {
		s.ledger.Append(l.bytes())
	}
}

func (s *Store) writeSessions() error {
	s.writer.sessions.Lock()
	defer s.writer.sessions.Unlock()
	var in stored
	return writeRows(s, &s.sessions, func(w *writing, r *sessionRow) {
		v := &r.value
		v.mu.Lock()
		defer v.mu.Unlock()
		v.freeze(&in)
		v.indexed = w.session(&in, v.indexed)
	})
}

func (s *Store) writeProfiles() error {
	s.writer.profiles.Lock()
	defer s.writer.profiles.Unlock()
	var p riskd.Profile
	return writeRows(s, &s.profiles, func(w *writing, r *row[subject, riskd.Profile]) {
		r.home.Lock()
		p = r.value
		r.home.Unlock()
		w.profile(r.key, &p)
	})
}

// writeRows writes what has changed in a table.
func writeRows[K comparable, V any](s *Store, t *table[K, V], put func(*writing, *row[K, V])) error {
	rows := t.take()
	defer t.taken.Store(nil)
	for len(rows) > 0 {
		batch := rows[:min(len(rows), writeBatch)]
		w := s.archive.begin()
		for _, r := range batch {
			put(w, r)
		}
		err := w.commit()
		for _, r := range batch {
			t.wrote(r, err == nil)
		}
		if err != nil {
			for _, r := range rows[len(batch):] {
				t.wrote(r, false)
			}
			return fmt.Errorf("sessions can't be written to the archive: %w", err)
		}
		rows = rows[len(batch):]
	}
	return nil
}

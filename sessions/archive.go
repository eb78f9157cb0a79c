package sessions

import (
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
)

// archive keeps sessions and profiles on disk, in a Pebble database: sessions by
// id, profiles by subject, and indexes of the sessions of a user and of a device.
// What it is given is written behind: a crash loses the latest batches, from some
// point on, and leaves none by half.
//
// It is safe for concurrent use. Once something has happened after which Pebble
// can't go on, each call gives errBroken at once, those under way included; only a
// new process can open the folder then.
type archive struct {
	guard
	fs      disk
	dir     string
	options *pebble.Options
	layouts layouts
	buffers sync.Pool  // of *writing
	erasing sync.Mutex // held by compactAway
}

// The sizes of what Pebble holds in memory beside its cache: at most two memtables,
// one that is written to and one that is being flushed.
const (
	memtableBytes = 8 << 20
	memtables     = 2
)

// openArchive opens the folder dir, which is made if it isn't there. cells are the
// names of the signals by the place of their cell in a session, cacheBytes bounds
// the cache of what is on disk (0 is 64 MiB), and fs is the machine's if it is nil.
//
// failed is told, once, that the archive has broken and why. It must not wait for
// anybody who might be waiting for the archive.
func openArchive(fs vfs.FS, dir string, cells []string, cacheBytes int64, failed func(error)) (*archive, error) {
	a := newArchive(fs, dir, cacheBytes, failed)
	if err := a.open(cells); err != nil {
		return nil, fmt.Errorf("archive %s: %w", dir, err)
	}
	return a, nil
}

func newArchive(fs vfs.FS, dir string, cacheBytes int64, failed func(error)) *archive {
	if fs == nil {
		fs = vfs.Default
	}
	if cacheBytes == 0 {
		cacheBytes = 64 << 20
	}
	a := &archive{dir: dir, guard: guard{jobs: make(chan func()), broken: make(chan struct{}), failed: failed, patience: patience}}
	a.fs = disk{fs, &a.guard}
	a.options = a.pebbleOptions(cacheBytes)
	a.buffers.New = func() any { return &writing{a: a, codec: codec{layouts: &a.layouts}} }
	return a
}

func (a *archive) pebbleOptions(cacheBytes int64) *pebble.Options {
	o := &pebble.Options{
		FS:                 a.fs,
		FormatMajorVersion: pebble.FormatNewest,
		MemTableSize:       memtableBytes,
		// Pebble takes the memtables out of its cache.
		CacheSize:                   cacheBytes + memtables*memtableBytes,
		MemTableStopWritesThreshold: memtables,
		Cleaner:                     cleaner{},
		Logger:                      logger{&a.guard},
		EventListener: &pebble.EventListener{
			// Such as a compaction that meets a damaged block: Pebble would try again a
			// thousand times a second, and for ever.
			BackgroundError: a.park,
			// Whoever reads the block is told.
			DataCorruption: func(pebble.DataCorruptionInfo) {},
		},
	}
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // 1 % false positives
	}
	return o
}

// cleaner deletes obsolete files. It says that it needs what is in them, which
// keeps Pebble from writing new logs over old ones: there, what was deleted would
// outlast its deletion.
type cleaner struct {
	pebble.DeleteCleaner
	needsFileContents
}

type needsFileContents struct{ pebble.ArchiveCleaner }

func (a *archive) open(cells []string) error {
	_, err := enter(&a.guard, a.patience, func() (_ none, err error) {
		a.calls.Lock()
		defer a.calls.Unlock()
		if err := a.fs.MkdirAll(a.dir, 0o700); err != nil {
			return none{}, err
		}
		if err := a.syncFolder(a.fs.PathDir(a.dir)); err != nil {
			return none{}, err
		}
		if a.db, err = pebble.Open(a.dir, a.options); err != nil {
			return none{}, err
		}
		if err := a.loadLayouts(cells); err != nil {
			return none{}, errors.Join(err, a.db.Close())
		}
		return none{}, nil
	})
	return err
}

func (a *archive) syncFolder(dir string) error {
	f, err := a.fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// session reads a session.
func (a *archive) session(id riskd.SessionID) (s *stored, found bool, err error) {
	record, err := a.get(sessionKey(nil, id))
	if record == nil {
		return nil, false, err
	}
	s = new(stored)
	if err := decodeSession(record, &a.layouts, id, s); err != nil {
		return nil, false, fmt.Errorf("session %s: %w", id, err)
	}
	return s, true, nil
}

// profile reads a profile into into, which it leaves alone if there is none.
func (a *archive) profile(key subject, into *riskd.Profile) (found bool, err error) {
	record, err := a.get(profileKey(nil, key))
	if record == nil {
		return false, err
	}
	var p riskd.Profile
	if err := decodeProfile(record, &p); err != nil {
		return false, fmt.Errorf("profile of a user: %w", err)
	}
	*into = p
	return true, nil
}

// get reads a record, nil if there is none. Most keys that are asked for aren't
// there; Pebble's own Get doesn't ask the filters of the lowest level.
func (a *archive) get(key []byte) ([]byte, error) {
	return ask(&a.guard, a.reading, func(db *pebble.DB) (record []byte, err error) {
		it, err := db.NewIter(&exactly)
		if err != nil {
			return nil, err
		}
		if it.SeekPrefixGE(key) {
			var value []byte
			value, err = it.ValueAndErr()
			record = append(make([]byte, 0, len(value)), value...)
		}
		if err = errors.Join(err, it.Error(), it.Close()); err != nil {
			return nil, err
		}
		return record, nil
	})
}

var exactly = pebble.IterOptions{UseL6Filters: true}

// sync returns when all that was committed before is on disk.
func (a *archive) sync() error {
	_, err := ask(&a.guard, a.patience, func(db *pebble.DB) (none, error) {
		return none{}, db.LogData(nil, pebble.Sync)
	})
	return err
}

// size is how many bytes the folder takes.
func (a *archive) size() (int64, error) {
	return ask(&a.guard, 0, func(db *pebble.DB) (int64, error) {
		return int64(db.Metrics().DiskSpaceUsage()), nil
	})
}

// close lets go of the folder once all other calls have returned. It doesn't sync.
func (a *archive) close() error {
	_, err := alone(&a.guard, a.patience, func(db *pebble.DB) (none, error) {
		a.db = nil
		return none{}, db.Close()
	})
	return err
}

//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/dgraph-io/badger/v4"
	"go.etcd.io/bbolt"
)

// store is what riskd would need of one.
type store interface {
	// put writes all of a batch or nothing; with sync it is on disk afterwards.
	put(keys, values [][]byte, sync bool) error
	get(key []byte) (found bool, err error)
	close() error
}

type opener func(dir string) (store, error)

var stores = map[string]opener{
	"pebble": func(dir string) (store, error) {
		o := &pebble.Options{
			FormatMajorVersion: pebble.FormatNewest, CacheSize: cacheBytes, MemTableSize: 16 << 20,
			Logger: silent{},
		}
		for i := range o.Levels {
			o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		}
		db, err := pebble.Open(dir, o)
		return inPebble{db}, err
	},
	"bbolt": func(dir string) (store, error) {
		err := os.MkdirAll(dir, 0o700)
		if err != nil {
			return nil, err
		}
		db, err := bbolt.Open(filepath.Join(dir, "db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
		if err == nil {
			err = db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucketIfNotExists(bucket)
				return err
			})
		}
		return inBbolt{db}, err
	},
	"badger": func(dir string) (store, error) {
		db, err := badger.Open(badger.DefaultOptions(dir).WithLogger(nil).WithBlockCacheSize(cacheBytes).
			WithMemTableSize(16 << 20).WithNumMemtables(2).WithValueLogFileSize(64 << 20))
		return inBadger{db}, err
	},
}

type inPebble struct{ db *pebble.DB }

// silent drops what Pebble tells, but not what it can't go on after.
type silent struct{}

func (silent) Infof(string, ...any)           {}
func (silent) Errorf(string, ...any)          {}
func (silent) Fatalf(format string, _ ...any) { panic(format) }

func (s inPebble) put(keys, values [][]byte, sync bool) error {
	b := s.db.NewBatch()
	for i, key := range keys {
		if err := b.Set(key, values[i], nil); err != nil {
			return err
		}
	}
	return b.Commit(&pebble.WriteOptions{Sync: sync})
}

// get uses an iterator, since Pebble's own Get doesn't ask the filters of the
// lowest level.
func (s inPebble) get(key []byte) (bool, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{UseL6Filters: true})
	if err != nil {
		return false, err
	}
	found := it.SeekPrefixGE(key)
	return found, errors.Join(it.Error(), it.Close())
}

func (s inPebble) close() error { return s.db.Close() }

type inBbolt struct{ db *bbolt.DB }

var bucket = []byte("sessions")

// put without sync leaves it to the kernel in which order pages get to the disk.
// bbolt has no log: after a power cut such a file may not open again.
func (s inBbolt) put(keys, values [][]byte, sync bool) error {
	s.db.NoSync = !sync
	return s.db.Update(func(tx *bbolt.Tx) (err error) {
		for i, key := range keys {
			err = errors.Join(err, tx.Bucket(bucket).Put(key, values[i]))
		}
		return err
	})
}

func (s inBbolt) get(key []byte) (found bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		found = tx.Bucket(bucket).Get(key) != nil
		return nil
	})
	return found, err
}

func (s inBbolt) close() error { return s.db.Close() }

type inBadger struct{ db *badger.DB }

func (s inBadger) put(keys, values [][]byte, sync bool) error {
	err := s.db.Update(func(tx *badger.Txn) (err error) {
		for i, key := range keys {
			err = errors.Join(err, tx.Set(key, values[i]))
		}
		return err
	})
	if err == nil && sync {
		err = s.db.Sync()
	}
	return err
}

func (s inBadger) get(key []byte) (found bool, err error) {
	err = s.db.View(func(tx *badger.Txn) error {
		item, err := tx.Get(key)
		if err != nil {
			return unless(err, badger.ErrKeyNotFound)
		}
		found = true
		return item.Value(func([]byte) error { return nil })
	})
	return found, err
}

func (s inBadger) close() error { return s.db.Close() }

func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

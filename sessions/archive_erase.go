package sessions

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// compactAway returns when no byte is left in the folder of what was forgotten in
// batches that were committed before: not in a log, nor in a table, nor among the
// bounds of tables in a manifest. It rewrites most of the archive, and in the end
// opens the folder anew, for which all other calls wait.
func (a *archive) compactAway() error {
	a.erasing.Lock()
	defer a.erasing.Unlock()
	latest, err := ask(&a.guard, 0, compactAll)
	if err == nil {
		_, err = alone(&a.guard, 0, func(db *pebble.DB) (none, error) { return none{}, a.expunge(db, latest) })
	}
	if err != nil {
		return fmt.Errorf("archive %s: what was forgotten may still be on disk: %w", a.dir, err)
	}
	return nil
}

// compactAll brings everything down to the last level, where what is deleted goes,
// and gives the latest change that it has brought there.
func compactAll(db *pebble.DB) (latest pebble.SeqNum, err error) {
	if err := db.Flush(); err != nil {
		return 0, err
	}
	levels, err := db.SSTables()
	for _, t := range slices.Concat(levels...) {
		latest = max(latest, t.LargestSeqNum)
	}
	return latest, errors.Join(err, db.Compact(context.Background(), []byte{0}, []byte{0xff}, false))
}

// expunge removes what compaction may leave: tombstones in tables that nothing was
// in the way of, which are moved as they are, and the bounds of former tables in the
// manifest. While it looks for the ones Pebble must not move any, and the others
// take a new manifest.
func (a *archive) expunge(db *pebble.DB, latest pebble.SeqNum) error {
	still := a.options.Clone()
	still.DisableAutomaticCompactions = true
	db, err := a.exchange(db, still)
	if db == nil {
		return err
	}
	err = errors.Join(err, stir(db, latest))
	_, failed := a.exchange(db, a.options)
	return errors.Join(err, failed)
}

// exchange opens the folder anew, which begins a new manifest, and removes the ones
// before: Pebble would keep the last of them.
func (a *archive) exchange(db *pebble.DB, o *pebble.Options) (*pebble.DB, error) {
	a.db = nil
	old, err := a.manifests()
	if err = errors.Join(err, db.Close()); err == nil {
		a.db, err = pebble.Open(a.dir, o)
	}
	if err != nil {
		a.db = nil
		a.fail(err)
		return nil, err
	}
	for _, name := range old {
		// Pebble may just have done so itself.
		if gone := a.fs.Remove(a.fs.PathJoin(a.dir, name)); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return a.db, errors.Join(err, a.syncFolder(a.dir))
}

// stir rewrites the tables that hold tombstones up to the latest. A compaction
// rewrites a table if something lies upon it: here the deletion of two keys on both
// sides of its first one, which no session or profile can have.
func stir(db *pebble.DB, latest pebble.SeqNum) error {
	for range 4 { // once is enough, but for what one doesn't know of Pebble
		levels, err := db.SSTables(pebble.WithProperties())
		if err != nil {
			return err
		}
		settled := true
		for _, t := range slices.Concat(levels...) {
			if t.Properties.NumDeletions == 0 || t.LargestSeqNum > latest {
				continue
			}
			settled = false
			first := t.Smallest.UserKey
			low, high := first[:len(first)-1], append(slices.Clone(first), 0)
			err = errors.Join(err, db.Delete(low, pebble.NoSync), db.Delete(high, pebble.NoSync), db.Flush(),
				db.Compact(context.Background(), low, append(high, 0), false))
		}
		if err != nil || settled {
			return err
		}
	}
	return errors.New("there are tombstones that don't go")
}

func (a *archive) manifests() ([]string, error) {
	names, err := a.fs.List(a.dir)
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "MANIFEST-") }), err
}

package sessions

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
)

func TestNothingOfWhoIsErasedIsLeftInTheFolder(t *testing.T) {
	t.Parallel()
	for name, others := range map[string]int{"alone": 0, "among few": 30, "among many": 10_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "archive")
			a := newArchive(nil, dir, 1<<20, func(err error) { t.Errorf("failed: %v", err) })
			for i := range a.options.Levels { // so that nothing can hide
				a.options.Levels[i].Compression = func() *block.CompressionProfile { return block.NoCompression }
			}
			must(t, a.open(nil))
			his := map[riskd.SessionID]indexed{}
			for round := range 3 {
				w := a.begin()
				for i := range others {
					s := typical(i)
					w.session(s, indexed{})
					w.profile(subject{"acme", s.User}, &riskd.Profile{Tenant: "acme", User: s.User})
				}
				for i := range 20 {
					s := typical(1_000_000 + i)
					s.User, s.DeviceID = "canary-user", "canary-device"
					if i%2 == 0 {
						s.DeviceID = fmt.Sprint("canary-device-", round)
					}
					his[s.ID] = w.session(s, his[s.ID])
				}
				w.profile(subject{"acme", "canary-user"}, &riskd.Profile{Tenant: "acme", User: "canary-user"})
				must(t, w.commit())
				if round != 1 {
					flushed(t, a)
				}
			}
			must(t, a.sync())
			if n := canaries(t, dir, his); n == 0 {
				t.Fatal("he is nowhere to be found: the test finds nothing")
			}
			w := a.begin()
			for id, was := range his {
				w.forget(id, was)
			}
			w.forgetProfile(subject{"acme", "canary-user"})
			must(t, w.commit())
			must(t, a.sync())
			must(t, a.compactAway())
			if n := canaries(t, dir, his); n != 0 {
				t.Errorf("he is still found in %d places", n)
			}
			n := 0
			must(t, a.each(riskd.SessionID{}, func(*stored) bool { n++; return true }))
			if n != others {
				t.Errorf("%d sessions are left, want %d", n, others)
			}
			w = a.begin() // it is still of use
			w.session(typical(1), indexed{})
			must(t, w.commit())
			must(t, a.close())
			if n := canaries(t, dir, his); n != 0 {
				t.Errorf("after the end he is found in %d places", n)
			}
		})
	}
}

// What is written and forgotten again leaves tombstones at places where Pebble sees
// no reason to remove them: few among many.
func TestTombstonesGoWithWhatTheyBuried(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		a := archiveIn(t, vfs.NewMem())
		for range 1 + r.IntN(6) {
			from, n := r.IntN(100_000), r.IntN(1000)
			w := a.begin()
			for i := range n {
				s := typical(from + i)
				w.session(s, indexed{})
				if r.IntN(20) == 0 {
					w.forget(s.ID, indexedOf(s))
				}
			}
			must(t, w.commit())
			if r.IntN(2) == 0 {
				flushed(t, a)
			}
		}
		must(t, a.compactAway())
		levels, err := a.db.SSTables(pebble.WithProperties())
		must(t, err)
		for _, table := range slices.Concat(levels...) {
			if n := table.Properties.NumDeletions; n > 0 {
				t.Errorf("seed %d: a table still has %d tombstones", seed, n)
			}
		}
		must(t, a.close())
	}
}

// Whoever reads and writes while somebody is erased loses nothing.
func TestErasureBesideOthers(t *testing.T) {
	t.Parallel()
	a := archiveIn(t, vfs.NewMem())
	const each = 300
	var others sync.WaitGroup
	for part := range 3 {
		others.Go(func() {
			for i := part * each; i < (part+1)*each; i++ {
				w := a.begin()
				w.session(typical(i), indexed{})
				if err := w.commit(); err != nil {
					t.Error(err)
				}
				if _, found, err := a.session(idOf(i)); !found || err != nil {
					t.Errorf("session %d: %t, %v", i, found, err)
				}
			}
		})
	}
	for range 3 {
		must(t, a.compactAway())
	}
	others.Wait()
	n := 0
	must(t, a.each(riskd.SessionID{}, func(*stored) bool { n++; return true }))
	if n != 3*each {
		t.Errorf("%d sessions are left, want %d", n, 3*each)
	}
	must(t, a.close())
}

// canaries counts the files' occurrences of one who isn't to be found.
func canaries(t *testing.T, dir string, ids map[riskd.SessionID]indexed) (n int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // Pebble has just deleted it
		}
		found := bytes.Count(content, []byte("canary"))
		for id := range ids {
			found += bytes.Count(content, id[:])
		}
		if n += found; found > 0 {
			t.Logf("%s: %d", filepath.Base(path), found)
		}
		return err
	}))
	return n
}

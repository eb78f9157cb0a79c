package sessions

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
	"pgregory.net/rapid"
)

// archiveIn opens an archive that must not break.
func archiveIn(t testing.TB, fs vfs.FS, cells ...string) *archive {
	t.Helper()
	a, err := openArchive(fs, "archive", cells, 1<<20, func(err error) { t.Errorf("failed: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// flushed brings what is in memory into a table.
func flushed(t testing.TB, a *archive) {
	t.Helper()
	_, err := ask(&a.guard, 0, func(db *pebble.DB) (none, error) { return none{}, db.Flush() })
	must(t, err)
}

func TestArchiveOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	a := archiveIn(t, fs, "one", "two", "three", "four")
	in := typical(1)
	p := riskd.Profile{Tenant: "acme", User: "ann", Requests: 3}
	w := a.begin()
	w.session(in, indexed{})
	w.profile(subject{"acme", "ann"}, &p)
	must(t, w.commit())
	must(t, a.close())

	a = archiveIn(t, fs, "four", "three", "one")
	s, found, err := a.session(in.ID)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	want := *in
	want.Cells = []riskd.Cell{in.Cells[3], in.Cells[2], in.Cells[0]}
	if !reflect.DeepEqual(*s, want) {
		t.Errorf("session is\n%+v, want\n%+v", s, want)
	}
	var q riskd.Profile
	if found, err := a.profile(subject{"acme", "ann"}, &q); err != nil || !found || q != p {
		t.Errorf("profile is %+v, %t, %v", q, found, err)
	}
	if _, found, err := a.session(idOf(2)); found || err != nil {
		t.Errorf("a session that never was: %t, %v", found, err)
	}
	if found, err := a.profile(subject{"acm", "eann"}, &q); found || err != nil {
		t.Errorf("a profile that never was: %t, %v", found, err)
	}
	if n, err := a.size(); n == 0 || err != nil {
		t.Errorf("size is %d, %v", n, err)
	}
	must(t, a.close())
	if _, _, err := a.session(in.ID); !errors.Is(err, errClosed) {
		t.Errorf("a closed archive gives %v", err)
	}
	if err := a.close(); !errors.Is(err, errClosed) {
		t.Errorf("closed twice: %v", err)
	}
}

func TestArchiveForgets(t *testing.T) {
	t.Parallel()
	a := archiveIn(t, vfs.NewMem())
	in, key := typical(1), subject{"acme", "ann"}
	w := a.begin()
	was := w.session(in, indexed{})
	w.profile(key, &riskd.Profile{})
	must(t, w.commit())
	w = a.begin()
	w.forget(in.ID, was)
	w.forgetProfile(key)
	must(t, w.commit())
	if _, found, err := a.session(in.ID); found || err != nil {
		t.Errorf("session: %t, %v", found, err)
	}
	if found, err := a.profile(key, new(riskd.Profile)); found || err != nil {
		t.Errorf("profile: %t, %v", found, err)
	}
	must(t, a.of(riskd.TargetUser, in.Tenant, in.User, func(riskd.SessionID) bool { t.Error("is still in the index"); return true }))
	must(t, a.close())
}

func TestWalksStopWhereTheyreTold(t *testing.T) {
	t.Parallel()
	a := archiveIn(t, vfs.NewMem())
	const n = 3*pageSize + 1
	var ids []riskd.SessionID
	w := a.begin()
	for i := range n {
		s := typical(i)
		s.User = "ann"
		w.session(s, indexed{})
		ids = append(ids, s.ID)
	}
	must(t, w.commit())
	slices.SortFunc(ids, func(a, b riskd.SessionID) int { return bytes.Compare(a[:], b[:]) })
	for _, from := range []int{0, 1, pageSize, n - 1, n} {
		for _, take := range []int{1, pageSize, n} {
			var got []riskd.SessionID
			start := riskd.SessionID{}
			if from > 0 {
				start = ids[from-1]
			}
			must(t, a.each(start, func(s *stored) bool { got = append(got, s.ID); return len(got) < take }))
			if want := ids[from:min(from+take, n)]; !slices.Equal(got, want) {
				t.Errorf("%d from %d are %d", take, from, len(got))
			}
		}
	}
	var got []riskd.SessionID
	must(t, a.of(riskd.TargetUser, "acme", "ann", func(id riskd.SessionID) bool { got = append(got, id); return len(got) < n-1 }))
	if !slices.Equal(got, ids[:n-1]) {
		t.Errorf("%d sessions of the user, want %d", len(got), n-1)
	}
	must(t, a.close())
}

func TestADamagedRecordHidesNoOther(t *testing.T) {
	t.Parallel()
	a := archiveIn(t, vfs.NewMem())
	w := a.begin()
	for i := range 3 {
		w.session(typical(i), indexed{})
	}
	w.set(sessionKey(nil, idOf(1)), []byte{recordVersion, 1, 2})
	must(t, w.commit())
	if _, _, err := a.session(idOf(1)); !errors.Is(err, errDamaged) {
		t.Errorf("session: %v", err)
	}
	n := 0
	if err := a.each(riskd.SessionID{}, func(*stored) bool { n++; return true }); !errors.Is(err, errDamaged) || n != 2 {
		t.Errorf("visited %d, %v", n, err)
	}
	must(t, a.close())
}

// The archive against a map: what is written is there, and the indexes name it and
// nothing else.
func TestIndexesFollowSessions(t *testing.T) {
	t.Parallel()
	names := []string{"", "a", "ab", "b", "a\x01b"}
	rapid.Check(t, func(t *rapid.T) {
		a, err := openArchive(vfs.NewMem(), "archive", nil, 1<<20, func(err error) { panic(err) })
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.close() }()
		model, was := map[riskd.SessionID]indexed{}, map[riskd.SessionID]indexed{}
		name := func(what string) string { return rapid.SampledFrom(names).Draw(t, what) }
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			w := a.begin()
			for range rapid.IntRange(0, 6).Draw(t, "changes") {
				id := idOf(rapid.IntRange(0, 5).Draw(t, "id"))
				if rapid.IntRange(0, 3).Draw(t, "forget") == 0 {
					w.forget(id, was[id])
					delete(model, id)
					delete(was, id)
					continue
				}
				s := &stored{Session: riskd.Session{ID: id, Tenant: name("tenant"), User: name("user"), DeviceID: name("device")}}
				was[id] = w.session(s, was[id])
				model[id] = indexedOf(s)
			}
			if err := w.commit(); err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "read anew") {
				for id := range was {
					s, _, err := a.session(id)
					if err != nil {
						t.Fatal(err)
					}
					was[id] = indexedOf(s)
				}
			}
			if msg := disagree(a, model, names); msg != "" {
				t.Fatal(msg)
			}
		}
	})
}

// disagree says in what an archive isn't the sessions of a model.
func disagree(a *archive, model map[riskd.SessionID]indexed, names []string) string {
	got := map[riskd.SessionID]indexed{}
	if err := a.each(riskd.SessionID{}, func(s *stored) bool { got[s.ID] = indexedOf(s); return true }); err != nil {
		return err.Error()
	}
	if !reflect.DeepEqual(got, model) {
		return fmt.Sprintf("sessions are %v, want %v", got, model)
	}
	entries := 0
	for _, kind := range []riskd.TargetKind{riskd.TargetUser, riskd.TargetDevice} {
		for _, tenant := range names {
			for _, name := range names {
				err := a.of(kind, tenant, name, func(id riskd.SessionID) bool {
					in, ok := model[id]
					if has := [...]string{riskd.TargetUser: in.user, riskd.TargetDevice: in.device}[kind]; !ok || in.tenant != tenant || has != name {
						entries = -1 << 20
					}
					entries++
					return true
				})
				if err != nil {
					return err.Error()
				}
			}
		}
	}
	for _, in := range model {
		for _, name := range []string{in.user, in.device} {
			if name != "" {
				entries--
			}
		}
	}
	total := 0
	for _, prefix := range []byte{keyUser, keyDevice} {
		_ = a.walk([]byte{prefix}, []byte{prefix}, func(entry) bool { total++; return true })
	}
	for _, in := range model {
		for _, name := range []string{in.user, in.device} {
			if name != "" {
				total--
			}
		}
	}
	if entries != 0 || total != 0 {
		return fmt.Sprintf("the indexes don't have what they should: %d, %d", entries, total)
	}
	return ""
}

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

func TestTheFolderIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := openArchive(nil, dir, nil, 1<<20, func(err error) { t.Error(err) })
	must(t, err)
	must(t, a.close())
	info, err := os.Stat(dir)
	must(t, err)
	if p := info.Mode().Perm(); p != 0o700 {
		t.Errorf("mode is %o", p)
	}
	if _, err := openArchive(nil, filepath.Join(dir, "LOCK"), nil, 1<<20, func(error) {}); err == nil || !strings.Contains(err.Error(), "LOCK") {
		t.Errorf("a folder that is a file: %v", err)
	}
}

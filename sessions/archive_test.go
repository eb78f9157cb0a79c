package sessions

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
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

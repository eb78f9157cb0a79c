package sessions

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/riskd/riskd"
)

// trouble is what a disk does to the files whose names it knows.
type trouble struct {
	on    atomic.Bool
	kinds []errorfs.OpKind
	files string        // the names' beginning or end
	hangs chan struct{} // until it is closed, if it isn't nil
	met   chan struct{} // is closed as soon as it has struck
	once  sync.Once
}

func (m *trouble) String() string { return m.files }

func (m *trouble) MaybeError(op errorfs.Op) error {
	name := filepath.Base(op.Path)
	if !m.on.Load() || !slices.Contains(m.kinds, op.Kind) || !strings.HasPrefix(name, m.files) && !strings.HasSuffix(name, m.files) {
		return nil
	}
	m.once.Do(func() { close(m.met) })
	if m.hangs != nil {
		<-m.hangs
		return nil
	}
	return errors.New("input/output error")
}

var (
	syncs  = []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData}
	writes = []errorfs.OpKind{errorfs.OpFileWrite}
	create = []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}
)

// After an error that Pebble can't go on after, all calls return, and riskd is told
// once.
func TestArchiveBreaksForGood(t *testing.T) {
	t.Parallel()
	flush := func(a *archive) error {
		_, err := ask(&a.guard, 0, func(db *pebble.DB) (none, error) { return none{}, db.Flush() })
		return err
	}
	for name, c := range map[string]struct {
		files string
		kinds []errorfs.OpKind
		do    func(*archive) error
	}{
		"log isn't synced":             {".log", syncs, (*archive).sync},
		"log isn't written":            {".log", writes, (*archive).sync},
		"log isn't made":               {".log", create, flush},
		"table isn't written":          {".sst", writes, flush},
		"table isn't made":             {".sst", create, flush},
		"table isn't synced":           {".sst", syncs, flush},
		"manifest isn't synced":        {"MANIFEST", syncs, flush},
		"manifest isn't written":       {"MANIFEST", writes, flush},
		"erasure: log isn't made":      {".log", create, (*archive).compactAway},
		"erasure: manifest isn't made": {"MANIFEST", create, (*archive).compactAway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &trouble{files: c.files, kinds: c.kinds, met: make(chan struct{})}
			told := make(chan error, 10)
			a, err := openArchive(errorfs.Wrap(vfs.NewMem(), m), "archive", nil, 1<<20, func(err error) { told <- err })
			must(t, err)
			w := a.begin()
			w.session(typical(1), indexed{})
			must(t, w.commit())
			m.on.Store(true)
			if err := c.do(a); !errors.Is(err, errBroken) {
				t.Errorf("gives %v", err)
			}
			if err := <-told; !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "input/output error") {
				t.Errorf("riskd is told %v", err)
			}
			isBroken(t, a)
			if len(told) > 0 {
				t.Errorf("riskd is told again: %v", <-told)
			}
		})
	}
}

// isBroken checks that every method says so.
func isBroken(t *testing.T, a *archive) {
	t.Helper()
	_, _, get := a.session(idOf(1))
	_, profile := a.profile(subject{}, new(riskd.Profile))
	w := a.begin()
	w.session(typical(1), indexed{})
	_, size := a.size()
	for name, err := range map[string]error{
		"session": get, "profile": profile, "commit": w.commit(), "sync": a.sync(), "size": size,
		"each": a.each(riskd.SessionID{}, func(*stored) bool { return true }),
		"of":   a.of(riskd.TargetUser, "", "ann", func(riskd.SessionID) bool { return true }),
		"away": a.compactAway(), "close": a.close(),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s gives %v", name, err)
		}
	}
}

// Unsynced writes fail behind the back of those who wrote.
func TestAFailedWriteIsFoundOut(t *testing.T) {
	t.Parallel()
	m := &trouble{files: ".log", kinds: writes, met: make(chan struct{})}
	a, err := openArchive(errorfs.Wrap(vfs.NewMem(), m), "archive", nil, 1<<20, func(error) {})
	must(t, err)
	m.on.Store(true)
	for i := 0; err == nil; i++ {
		w := a.begin()
		w.session(typical(i), indexed{})
		err = w.commit()
	}
	if !errors.Is(err, errBroken) {
		t.Errorf("gives %v", err)
	}
}

func TestADiskThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	m := &trouble{files: ".log", kinds: syncs, met: make(chan struct{}), hangs: make(chan struct{})}
	defer close(m.hangs)
	a, err := openArchive(errorfs.Wrap(vfs.NewMem(), m), "archive", nil, 1<<20, func(error) {})
	must(t, err)
	a.patience = time.Millisecond
	m.on.Store(true)
	if err := a.sync(); !errors.Is(err, errBroken) {
		t.Errorf("gives %v", err)
	}
	isBroken(t, a)
}

// A reader who waits for the disk is let go when the archive breaks.
func TestReadersAreLetGo(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	a := archiveIn(t, fs)
	w := a.begin()
	w.session(typical(1), indexed{})
	must(t, w.commit())
	flushed(t, a)
	must(t, a.close())
	m := &trouble{files: ".sst", kinds: []errorfs.OpKind{errorfs.OpFileReadAt}, met: make(chan struct{}), hangs: make(chan struct{})}
	defer close(m.hangs)
	a, err := openArchive(errorfs.Wrap(fs, m), "archive", nil, 1<<20, func(error) {})
	must(t, err)
	m.on.Store(true)
	answer := make(chan error)
	go func() {
		_, _, err := a.session(idOf(1))
		answer <- err
	}()
	<-m.met
	a.fail(errors.New("for a test"))
	if err := <-answer; !errors.Is(err, errBroken) {
		t.Errorf("gives %v", err)
	}
}

func TestADamagedTableIsAnError(t *testing.T) {
	t.Parallel()
	fs := vfs.NewMem()
	a := archiveIn(t, fs)
	w := a.begin()
	for i := range 100 {
		w.session(typical(i), indexed{})
	}
	must(t, w.commit())
	flushed(t, a)
	must(t, a.close())
	names, err := fs.List("archive")
	must(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, ".sst") {
			damage(t, fs, "archive/"+name)
		}
	}
	told := make(chan error, 100)
	a, err = openArchive(fs, "archive", nil, 1<<20, func(err error) { told <- err })
	must(t, err)
	failed := 0
	for i := range 100 {
		s, found, err := a.session(idOf(i))
		switch {
		case err != nil && (found || s != nil):
			t.Errorf("%v, but a session all the same", err)
		case err != nil:
			failed++
		case !found || s.User != typical(i).User:
			t.Errorf("session %d: %+v", i, s)
		}
	}
	if failed == 0 || failed == 100 {
		t.Errorf("%d of 100 sessions can't be read", failed)
	}
	if err := a.each(riskd.SessionID{}, func(*stored) bool { return true }); err == nil {
		t.Error("all can be visited")
	}
	if len(told) > 0 {
		t.Errorf("a block that can't be read breaks the archive: %v", <-told)
	}
	// Nor does it, until a compaction can't get round it.
	w = a.begin()
	w.session(typical(1), indexed{})
	must(t, w.commit())
	if err := a.compactAway(); !errors.Is(err, errBroken) {
		t.Fatalf("compaction gives %v", err)
	}
	if err := <-told; !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("riskd is told %v", err)
	}
}

// damage changes some bytes in the middle of a file.
func damage(t *testing.T, fs vfs.FS, path string) {
	t.Helper()
	f, err := fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	must(t, err)
	info, err := f.Stat()
	must(t, err)
	_, err = f.WriteAt([]byte("damage"), info.Size()/2)
	must(t, errors.Join(err, f.Close()))
}

// After a crash of the machine the archive is what it was after some batch, not
// before the last one that was synced.
func TestArchiveAfterACrash(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			crashOnce(t, rand.New(rand.NewPCG(seed, 0)))
		})
	}
}

func crashOnce(t *testing.T, r *rand.Rand) {
	fs := vfs.NewCrashableMem()
	a := archiveIn(t, fs)
	names := []string{"", "a", "b"}
	past := []map[riskd.SessionID]indexed{{}}
	was, synced := map[riskd.SessionID]indexed{}, 0
	for range 5 + r.IntN(30) {
		w, now := a.begin(), map[riskd.SessionID]indexed{}
		for id, in := range past[len(past)-1] {
			now[id] = in
		}
		for range 1 + r.IntN(10) {
			id := idOf(r.IntN(8))
			if r.IntN(4) == 0 {
				w.forget(id, was[id])
				delete(now, id)
				delete(was, id)
				continue
			}
			s := typical(1)
			s.ID, s.User, s.DeviceID = id, names[r.IntN(3)], names[r.IntN(3)]
			was[id] = w.session(s, was[id])
			now[id] = was[id]
		}
		must(t, w.commit())
		past = append(past, now)
		switch r.IntN(6) {
		case 0:
			must(t, a.sync())
			synced = len(past) - 1
		case 1:
			flushed(t, a)
			synced = len(past) - 1
		}
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
	must(t, a.close())
	a = archiveIn(t, crashed)
	tenants := append(names, "acme")
	matches := 0
	var faults []string
	for i := synced; i < len(past); i++ {
		if msg := disagree(a, past[i], tenants); msg == "" {
			matches++
		} else {
			faults = append(faults, msg)
		}
	}
	if matches == 0 {
		t.Errorf("is like none of the %d states that it may have: %s", len(past)-synced, strings.Join(faults, "\n"))
	}
	must(t, a.close())
}

// changes are the changes to a folder that no sync has settled.
type changes struct {
	mu        sync.Mutex
	open      []string
	markers   int
	unsettled []string // markers that were changed before others were settled
}

func (*changes) String() string { return "changes" }

func (c *changes) MaybeError(op errorfs.Op) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := filepath.Base(op.Path)
	switch op.Kind {
	case errorfs.OpCreate, errorfs.OpRemove:
		if strings.HasPrefix(name, "marker.") {
			c.markers++
			if len(c.open) > 0 {
				c.unsettled = append(c.unsettled, fmt.Sprintf("%s after %v", name, c.open))
			}
		}
		c.open = append(c.open, name)
	case errorfs.OpFileSync:
		if name == "archive" {
			c.open = nil
		}
	}
	return nil
}

// What a marker names is on disk before the marker is, and the marker before the
// one that it replaces goes.
func TestMarkersComeLast(t *testing.T) {
	t.Parallel()
	c := &changes{}
	fs := errorfs.Wrap(vfs.NewMem(), c)
	for range 3 {
		a, err := openArchive(fs, "archive", nil, 1<<20, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		if err := a.close(); err != nil {
			t.Fatal(err)
		}
	}
	if c.markers < 4 || len(c.unsettled) > 0 {
		t.Errorf("%d markers changed; too early: %q", c.markers, c.unsettled)
	}
}

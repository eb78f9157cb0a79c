package journal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

// On a real file system, over several lives.
func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	o := journal.Options{Dir: dir, Name: "orders", Reserve: 1 << 20, SegmentBytes: 4096}
	var want []string
	for life := range 5 {
		j, c, report := open(t, o)
		if !slices.Equal(c.payloads, want) || report.Records != int64(len(want)) || j.Size().Records != int64(len(want)) {
			t.Fatalf("life %d: %d records, %v, %v; want %d", life, len(c.payloads), report, j.Size(), len(want))
		}
		for i, seq := range c.seqs {
			if seq != uint64(i+1) {
				t.Fatalf("life %d: record %d has the number %d", life, i+1, seq)
			}
		}
		for i := range 100 {
			batch := []string{fmt.Sprintf(`{"life":%d,"i":%d}`, life, i), `{"second":true}`}
			if c := appended(t, j, batch...); c.Seq() != uint64(len(want)+1) {
				t.Fatalf("number %d after %d records", c.Seq(), len(want))
			}
			want = append(want, batch...)
		}
		if _, _, err := journal.Open(o, func(uint64, []byte) error { return nil }); err == nil || !strings.Contains(err.Error(), "another riskd") {
			t.Fatalf("opened twice: %v", err)
		}
		closed(t, j)
		closed(t, j)
		if err := j.Append([]byte("{}")).Wait(t.Context()); !errors.Is(err, journal.ErrClosed) {
			t.Fatal(err)
		}
	}
	private(t, dir)
}

func private(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Restarts don't leave a file each as long as they're small.
func TestRestartsLeaveFewFiles(t *testing.T) {
	t.Parallel()
	o := journal.Options{FS: vfs.NewMem(), Dir: "d", Name: "orders"}
	for i := range 50 {
		j, c, _ := open(t, o)
		if len(c.payloads) != i || j.Size().Files != 1 {
			t.Fatalf("life %d: %d records in %d files", i, len(c.payloads), j.Size().Files)
		}
		appended(t, j, `{"start":true}`)
		closed(t, j)
	}
}

// A big last file stays; only its last group goes into the new one.
func TestBigFilesAreNotCopied(t *testing.T) {
	t.Parallel()
	o := journal.Options{FS: vfs.NewMem(), Dir: "d", Name: "orders"}
	j, _, _ := open(t, o)
	big := fmt.Sprintf("%q", strings.Repeat("x", 200_000))
	for range 7 {
		appended(t, j, big)
	}
	closed(t, j)
	for range 3 {
		j, c, _ := open(t, o)
		if size := j.Size(); len(c.payloads) != 7 || size.Files != 2 || size.Records != 7 || size.Bytes > 1_700_000 {
			t.Fatalf("%d records, %v", len(c.payloads), size)
		}
		closed(t, j)
	}
}

func TestPayloadsThatAreNoLine(t *testing.T) {
	t.Parallel()
	j, _, _ := open(t, journal.Options{FS: vfs.NewMem(), Dir: "d", Name: "orders"})
	defer closed(t, j)
	for name, p := range map[string]string{"empty": "", "newline": "{\n}", "NUL": "\x00", "long": strings.Repeat("1", journal.MaxPayload+1)} {
		if err := j.Append([]byte("1"), []byte(p)).Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "journal orders: payload") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (journal.Commit{}).Wait(t.Context()); err == nil {
		t.Error("a commit of nothing")
	}
	if size := j.Size(); size.Records != 0 || j.Err() != nil {
		t.Errorf("%v, %v", size, j.Err())
	}
	longest := strings.Repeat("1", journal.MaxPayload)
	appended(t, j, longest)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]journal.Options{
		"Options.Dir": {Name: "orders"}, "Options.Name: is required": {Dir: "d"},
		`"../x" may hold`: {Dir: "d", Name: "../x"}, "must not be negative": {FS: vfs.NewMem(), Dir: "d", Name: "x", Reserve: -1},
	} {
		if _, _, err := journal.Open(o, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %s", err, want)
		}
	}
}

// After the first failure nothing is acknowledged, nor is the file touched again,
// even if it would succeed; a Rewrite heals.
func TestFailuresLast(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"fsync", "write"} {
		t.Run(failing, func(t *testing.T) {
			t.Parallel()
			var armed, failed, touched, acks atomic.Int64
			mem := vfs.NewCrashableMem()
			fs := &disk{FS: mem, before: func(op string, _ int64) error {
				if op != "fsync" && op != "write" {
					return nil
				}
				touched.Add(failed.Load())
				if armed.Load() == 1 && op == failing {
					armed.Store(0) // the next one would succeed
					failed.Store(1)
					return syscall.EIO
				}
				return nil
			}}
			j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "orders"})
			var writers sync.WaitGroup
			acked := make([][]string, 8)
			for i := range acked {
				writers.Go(func() {
					for n := range 10_000 {
						p := fmt.Sprintf(`{"writer":%d,"n":%d}`, i, n)
						if j.Append([]byte(p)).Wait(t.Context()) != nil {
							return
						}
						acked[i] = append(acked[i], p)
						if acks.Add(1) == 50 {
							armed.Store(1)
						}
					}
					t.Errorf("writer %d was never refused", i)
				})
			}
			writers.Wait()
			err := j.Append([]byte("{}")).Wait(t.Context())
			if !errors.Is(err, syscall.EIO) || !errors.Is(j.Err(), syscall.EIO) || touched.Load() > 0 {
				t.Fatalf("%v, %v, touched %d times", err, j.Err(), touched.Load())
			}
			_, c, err := reopened(mem)
			for _, p := range slices.Concat(acked...) {
				if err != nil || !slices.Contains(c.payloads, p) {
					t.Fatalf("%s was acknowledged and is lost: %v", p, err)
				}
			}
			failed.Store(0)
			heal(t, j)
			_, c, err = reopened(mem)
			if err != nil || !slices.Equal(c.payloads, []string{`{"healed":true}`, `{"after":true}`}) {
				t.Fatalf("%q, %v", c.payloads, err)
			}
			closed(t, j)
		})
	}
}

func heal(t *testing.T, j *journal.Journal) {
	t.Helper()
	if err := j.Rewrite(t.Context(), one(`{"healed":true}`)); err != nil || j.Err() != nil {
		t.Fatal(err, j.Err())
	}
	appended(t, j, `{"after":true}`)
}

func one(payload string) func(func([]byte) bool) {
	return func(yield func([]byte) bool) { yield([]byte(payload)) }
}

// reopened opens what would be left after a power failure now.
func reopened(mem *vfs.MemFS) (journal.Report, *collector, error) {
	var c collector
	j, report, err := journal.Open(journal.Options{FS: mem.CrashClone(vfs.CrashCloneCfg{}), Dir: "d", Name: "orders"}, c.replay)
	if err == nil {
		err = j.Close()
	}
	return report, &c, err
}

// A record whose fsync failed is still read by the next process, whose owner then
// counts on it: by that time it has to be on disk.
func TestReplayedIsOnDisk(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small file": 10, "big file": 600_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var failing atomic.Bool
			mem := vfs.NewCrashableMem()
			fs := &disk{FS: mem, before: func(op string, _ int64) error {
				if failing.Load() && op == "fsync" {
					return syscall.EIO
				}
				return nil
			}}
			j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "orders"})
			big := fmt.Sprintf("%q", strings.Repeat("x", size))
			appended(t, j, big, big)
			failing.Store(true)
			if j.Append([]byte("3"), []byte("4")).Wait(t.Context()) == nil || j.Close() == nil {
				t.Fatal("a broken disk went unnoticed")
			}
			j, c, _ := open(t, journal.Options{FS: mem, Dir: "d", Name: "orders"})
			if !slices.Equal(c.payloads, []string{big, big, "3", "4"}) {
				t.Fatalf("%d records", len(c.payloads))
			}
			_, after, err := reopened(mem)
			if err != nil || !slices.Equal(after.payloads, c.payloads) {
				t.Fatalf("%d of %d records after a power failure, %v", len(after.payloads), len(c.payloads), err)
			}
			closed(t, j)
		})
	}
}

// What was acknowledged is there after Resume, and nothing that was refused.
func TestResume(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	mem := vfs.NewCrashableMem()
	o := journal.Options{Dir: "d", Name: "orders", FS: &disk{FS: mem, before: func(op string, _ int64) error {
		if failing.Load() && op == "fsync" {
			return syscall.EIO
		}
		return nil
	}}}
	j, _, _ := open(t, o)
	appended(t, j, "1", "2")
	refuse := func() {
		t.Helper()
		failing.Store(true)
		if j.Append([]byte(`"refused"`)).Wait(t.Context()) == nil || j.Resume(t.Context()) == nil || j.Err() == nil {
			t.Fatal("a broken disk went unnoticed")
		}
	}
	resume := func() {
		t.Helper()
		failing.Store(false)
		for range 2 {
			if err := j.Resume(t.Context()); err != nil || j.Err() != nil {
				t.Fatal(err, j.Err())
			}
		}
	}
	refuse()
	resume()
	if c := appended(t, j, "3"); c.Seq() != 3 {
		t.Fatal(c.Seq())
	}
	closed(t, j)
	failing.Store(true)
	j, _, _ = open(t, o) // the new file can't be made
	refuse()
	resume()
	appended(t, j, "4")
	_, c, err := reopened(mem)
	if err != nil || !slices.Equal(c.payloads, []string{"1", "2", "3", "4"}) || j.Size().Records != 4 || j.Size().Files != 2 {
		t.Fatalf("%q, %v, %v", c.payloads, err, j.Size())
	}
	closed(t, j)
}

// With Newest a long journal is opened by its end.
func TestNewest(t *testing.T) {
	t.Parallel()
	mem := vfs.NewMem()
	o := journal.Options{FS: mem, Dir: "d", Name: "orders", SegmentBytes: 2 << 20, Newest: true}
	big := fmt.Sprintf("%q", strings.Repeat("x", 500_000))
	for life := range 4 {
		j, c, report := open(t, o)
		if want := uint64(life * 10); report.Last != want || life > 0 && (len(c.seqs) == 0 || len(c.seqs) > 5 || c.seqs[len(c.seqs)-1] != want) {
			t.Fatalf("life %d: records %v, %v", life, c.seqs, report)
		}
		for range 10 {
			appended(t, j, big)
		}
		closed(t, j)
	}
	report, err := journal.Read(o, func(journal.Record) error { return nil })
	if err != nil || report.Records != 40 || len(report.Lost) > 0 {
		t.Fatal(report, err)
	}
}

// On a full disk the reserve takes records; what doesn't fit is refused, the
// journal is read even so, and with room again it heals.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	const reserve = 64 << 10
	free := int64(1 << 20)
	mem := vfs.NewCrashableMem()
	o := journal.Options{FS: &disk{FS: mem, before: quota(&free)}, Dir: "d", Name: "orders", Reserve: reserve}
	j, _, _ := open(t, o)
	free = 0
	n, size := 0, j.Size().Bytes
	for ; ; n++ {
		before := j.Size().Bytes
		if err := j.Append([]byte(`{"order":true}`)).Wait(t.Context()); err != nil {
			if !errors.Is(err, syscall.ENOSPC) || before-size < reserve-100 {
				t.Fatalf("%d records, %d bytes: %v", n, before-size, err)
			}
			break
		}
	}
	if err := j.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	j, c, _ := open(t, o)
	if len(c.payloads) != n || !errors.Is(j.Err(), syscall.ENOSPC) {
		t.Fatalf("%d records, %v; want %d", len(c.payloads), j.Err(), n)
	}
	if err := j.Append([]byte("{}")).Wait(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := j.Rewrite(t.Context(), one("{}")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	free = 1 << 20
	heal(t, j)
	closed(t, j)
}

func TestRewrite(t *testing.T) {
	t.Parallel()
	var refuse atomic.Pointer[string]
	none := ""
	refuse.Store(&none)
	mem := vfs.NewMem()
	o := journal.Options{Dir: "d", Name: "orders", FS: &disk{FS: mem, before: func(op string, _ int64) error {
		if op == *refuse.Load() {
			return syscall.EIO
		}
		return nil
	}}}
	j, _, _ := open(t, o)
	appended(t, j, "1", "2", "3")
	late := j.Append([]byte("4"))
	ctx, cancel := context.WithCancel(t.Context())
	err := j.Rewrite(ctx, func(yield func([]byte) bool) {
		if late.Seq() != 4 {
			t.Error("it runs before what was appended is written")
		}
		cancel()
		yield([]byte("5"))
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := j.Rewrite(t.Context(), one("two\nlines")); err == nil {
		t.Fatal("took a payload of two lines")
	}
	for _, op := range []string{"create", "write", "fsync", "rename"} {
		refuse.Store(&op)
		if err := j.Rewrite(t.Context(), one("5")); !errors.Is(err, syscall.EIO) || j.Err() != nil {
			t.Fatalf("%s: %v, %v", op, err, j.Err())
		}
	}
	refuse.Store(&none)
	if c := appended(t, j, "6"); c.Seq() != 5 {
		t.Fatal(c.Seq())
	}
	if err := j.Rewrite(t.Context(), one("7")); err != nil || j.Size().Records != 1 || j.Size().Files != 1 {
		t.Fatal(err, j.Size())
	}
	if names, err := mem.List("d"); err != nil || len(names) != 2 { // with the lock
		t.Fatalf("%q, %v", names, err)
	}
	if c := appended(t, j, "8"); c.Seq() != 7 {
		t.Fatal(c.Seq())
	}
	dir := "fsync dir" // whether the name stays is not known: that is a failure
	refuse.Store(&dir)
	if err := j.Rewrite(t.Context(), one("9")); !errors.Is(err, syscall.EIO) || !errors.Is(j.Err(), syscall.EIO) {
		t.Fatal(err, j.Err())
	}
	refuse.Store(&none)
	heal(t, j)
	closed(t, j)
	_, c, _ := open(t, o)
	if !slices.Equal(c.payloads, []string{`{"healed":true}`, `{"after":true}`}) {
		t.Fatalf("%q", c.payloads)
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	o := journal.Options{FS: vfs.NewMem(), Dir: "d", Name: "orders", SegmentBytes: 1000}
	j, _, _ := open(t, o)
	for i := range 100 {
		appended(t, j, fmt.Sprintf(`{"i":%d,"pad":%q}`, i+1, strings.Repeat("x", 60)))
	}
	if j.Boundary(1<<40) != 1 {
		t.Fatal(j.Boundary(1 << 40))
	}
	first := j.Boundary(4000)
	if first < 40 || first > 65 {
		t.Fatal(first)
	}
	for range 2 {
		if err := j.Trim(t.Context(), first); err != nil {
			t.Fatal(err)
		}
	}
	appended(t, j, `{"i":101}`)
	closed(t, j)
	j, c, _ := open(t, o)
	if c.seqs[0] != first || len(c.seqs) != 102-int(first) || j.Size().Bytes < 4000 || j.Size().Bytes > 6000 {
		t.Fatalf("from %d to %d, %v; want %d", c.seqs[0], c.seqs[len(c.seqs)-1], j.Size(), first)
	}
	closed(t, j)
}

// A full queue holds Append back, and lets it go as soon as there is room or no
// hope.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(error) error{
		"written": func(error) error { return nil }, "failed": func(err error) error { return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				var held atomic.Bool
				fs := &disk{FS: vfs.NewMem(), before: func(op string, _ int64) error {
					if op == "fsync" && held.Load() {
						<-gate
						return end(syscall.EIO)
					}
					return nil
				}}
				j, _, _ := open(t, journal.Options{FS: fs, Dir: "d", Name: "orders"})
				held.Store(true)
				half := []byte(strings.Repeat("1", journal.MaxPayload/2))
				first := j.Append(half)
				synctest.Wait() // the writer has it
				for range journal.MaxQueue / len(half) {
					j.Append(half)
				}
				var last journal.Commit
				through := make(chan struct{})
				go func() { last = j.Append(half); close(through) }()
				synctest.Wait()
				select {
				case <-through:
					t.Fatal("the queue has no bound")
				default:
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := first.Wait(ctx); !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				close(gate)
				<-through
				if err := errors.Join(first.Wait(t.Context()), last.Wait(t.Context())); !errors.Is(err, end(syscall.EIO)) {
					t.Fatal(err)
				}
				if err := j.Close(); !errors.Is(err, end(syscall.EIO)) {
					t.Fatal(err)
				}
			})
		})
	}
}

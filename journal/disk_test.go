package journal_test

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

// disk is a file system that a test interferes with: before is asked before each
// operation that changes something, with how many bytes it takes, and may refuse
// it or, with errSkip, have it succeed without being done.
type disk struct {
	vfs.FS
	before func(op string, takes int64) error
}

var errSkip = errors.New("skip")

// ask does an operation, unless it is refused or skipped.
func (d *disk) ask(op string, takes int64, do func() error) error {
	switch err := d.before(op, takes); {
	case errors.Is(err, errSkip):
		return nil
	case err != nil:
		return err
	}
	return do()
}

func (d *disk) Unwrap() vfs.FS { return d.FS }

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f := &diskFile{disk: d}
	err := d.ask("create", 0, func() (err error) { f.File, err = d.FS.Create(name, c); return err })
	return f, err
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	return &diskFile{File: f, disk: d, dir: true}, err
}

func (d *disk) Rename(from, to string) error {
	return d.ask("rename", 0, func() error { return d.FS.Rename(from, to) })
}

func (d *disk) Remove(name string) error {
	return d.ask("remove", 0, func() error { return d.FS.Remove(name) })
}

type diskFile struct {
	vfs.File
	disk *disk
	dir  bool
	end  int64
	has  int64 // bytes on disk, with those allocated
}

func (f *diskFile) Write(b []byte) (n int, err error) {
	n = len(b)
	err = f.disk.ask("write", max(f.end+int64(n)-f.has, 0), func() (err error) { n, err = f.File.Write(b); return err })
	if err == nil {
		f.end += int64(n)
		f.has = max(f.has, f.end)
	}
	return n, err
}

func (f *diskFile) Sync() error {
	op := "fsync"
	if f.dir {
		op = "fsync dir"
	}
	return f.disk.ask(op, 0, f.File.Sync)
}

func (f *diskFile) SyncData() error { return f.Sync() }

func (f *diskFile) Preallocate(offset, length int64) error {
	err := f.disk.ask("allocate", max(offset+length-f.has, 0), func() error { return f.File.Preallocate(offset, length) })
	if err == nil {
		f.has = max(f.has, offset+length)
	}
	return err
}

// quota is a disk with room for so many bytes.
func quota(free *int64) func(string, int64) error {
	var mu sync.Mutex
	return func(_ string, takes int64) error {
		mu.Lock()
		defer mu.Unlock()
		if takes > *free {
			return syscall.ENOSPC
		}
		*free -= takes
		return nil
	}
}

// collector replays into memory.
type collector struct {
	seqs     []uint64
	payloads []string
}

func (c *collector) replay(seq uint64, payload []byte) error {
	c.seqs = append(c.seqs, seq)
	c.payloads = append(c.payloads, string(payload))
	return nil
}

func open(t testing.TB, o journal.Options) (*journal.Journal, *collector, journal.Report) {
	t.Helper()
	var c collector
	j, report, err := journal.Open(o, c.replay)
	if err != nil {
		t.Fatal(err)
	}
	return j, &c, report
}

func closed(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func appended(t testing.TB, j *journal.Journal, payloads ...string) journal.Commit {
	t.Helper()
	c := j.Append(bytesOf(payloads)...)
	if err := c.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func bytesOf(payloads []string) [][]byte {
	out := make([][]byte, len(payloads))
	for i, p := range payloads {
		out[i] = []byte(p)
	}
	return out
}

func contents(t testing.TB, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t testing.TB, fs vfs.FS, name string, b []byte) {
	t.Helper()
	if err := fs.MkdirAll(fs.PathDir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append([]byte(nil), b...)); err != nil {
		t.Fatal(err)
	}
	closed(t, f)
}

package sessions_test

import (
	"errors"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// failing is a file system on which nothing more gets to the disk while it fails.
type failing struct {
	vfs.FS
	fails atomic.Bool
}

var errDisk = errors.New("input/output error")

func (f *failing) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if f.fails.Load() {
		return nil, errDisk
	}
	file, err := f.FS.Create(name, c)
	return failingFile{file, f}, err
}

type failingFile struct {
	vfs.File
	fs *failing
}

func (f failingFile) Sync() error     { return f.or(f.File.Sync) }
func (f failingFile) SyncData() error { return f.or(f.File.SyncData) }
func (f failingFile) SyncTo(n int64) (bool, error) {
	if f.fs.fails.Load() {
		return false, errDisk
	}
	return f.File.SyncTo(n)
}

func (f failingFile) or(sync func() error) error {
	if f.fs.fails.Load() {
		return errDisk
	}
	return sync()
}

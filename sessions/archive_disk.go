package sessions

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk breaks the archive at the first thing that isn't written as it should be,
// and doesn't return from it: Pebble would end the process, or panic with its locks
// in disorder, or try again without end, each where it is hit.
type disk struct {
	vfs.FS
	guard *guard
}

func (d disk) Unwrap() vfs.FS { return d.FS }

func (d disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	d.settle(name)
	return d.file(d.FS.Create(name, c))
}

func (d disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return d.file(d.FS.ReuseForWrite(from, to, c))
}

func (d disk) OpenDir(name string) (vfs.File, error) { return d.file(d.FS.OpenDir(name)) }

func (d disk) Remove(name string) error {
	d.settle(name)
	return d.FS.Remove(name)
}

// settle syncs the folder before one of Pebble's markers is made or removed. A
// marker names the file that the database begins with. Pebble syncs the folder only
// when both are done: a file system that forgets some of what wasn't synced, in any
// order, could keep the marker without its file, or no marker at all.
func (d disk) settle(name string) {
	if !strings.HasPrefix(d.PathBase(name), "marker.") {
		return
	}
	folder, err := d.FS.OpenDir(d.PathDir(name))
	if err == nil {
		err = errors.Join(folder.Sync(), folder.Close())
	}
	d.written(err)
}

func (d disk) file(f vfs.File, err error) (vfs.File, error) {
	d.written(err)
	return diskFile{f, d}, nil
}

func (d disk) written(err error) {
	if err != nil {
		d.guard.park(err)
	}
}

// diskFile is a file that is being written.
type diskFile struct {
	vfs.File
	disk disk
}

func (f diskFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.disk.written(err)
	return n, nil
}

func (f diskFile) Sync() error {
	f.disk.written(f.File.Sync())
	return nil
}

func (f diskFile) SyncData() error {
	f.disk.written(f.File.SyncData())
	return nil
}

func (f diskFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	f.disk.written(err)
	return full, nil
}

func (f diskFile) Close() error {
	f.disk.written(f.File.Close())
	return nil
}

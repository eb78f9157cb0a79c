//go:build linux

package main

import (
	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk is a file system on which every change can be met before it happens, and
// every fsync can go otherwise than it should.
type disk struct {
	vfs.FS
	// before is told of each change: write, fsync, fsync folder, create, rename or
	// remove. Optional.
	before func(op string)
	// fsync carries an fsync out, or says that it did. Optional.
	fsync func(op string, do func() error) error
}

// The names of changes.
const (
	opWrite       = "write"
	opFsync       = "fsync"
	opFsyncFolder = "fsync folder"
	opCreate      = "create"
	opRename      = "rename"
	opRemove      = "remove"
)

func (d *disk) meet(op string) {
	if d.before != nil {
		d.before(op)
	}
}

func (d *disk) sync(op string, do func() error) error {
	d.meet(op)
	if d.fsync != nil {
		return d.fsync(op, do)
	}
	return do()
}

func (d *disk) Unwrap() vfs.FS { return d.FS }

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	d.meet(opCreate)
	return d.file(opFsync)(d.FS.Create(name, c))
}

func (d *disk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	d.meet(opRename)
	return d.file(opFsync)(d.FS.ReuseForWrite(from, to, c))
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return d.file(opFsync)(d.FS.OpenReadWrite(name, c, o...))
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	return d.file(opFsyncFolder)(d.FS.OpenDir(name))
}

func (d *disk) Rename(from, to string) error {
	d.meet(opRename)
	return d.FS.Rename(from, to)
}

func (d *disk) Remove(name string) error {
	d.meet(opRemove)
	return d.FS.Remove(name)
}

func (d *disk) file(op string) func(vfs.File, error) (vfs.File, error) {
	return func(f vfs.File, err error) (vfs.File, error) {
		if err != nil {
			return nil, err
		}
		return &diskFile{f, d, op}, nil
	}
}

// diskFile is a file or a folder that is open for changes.
type diskFile struct {
	vfs.File
	disk *disk
	op   string
}

func (f *diskFile) Write(p []byte) (int, error) {
	f.disk.meet(opWrite)
	return f.File.Write(p)
}

func (f *diskFile) Sync() error     { return f.disk.sync(f.op, f.File.Sync) }
func (f *diskFile) SyncData() error { return f.disk.sync(f.op, f.File.SyncData) }

func (f *diskFile) SyncTo(length int64) (full bool, err error) {
	err = f.disk.sync(f.op, func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

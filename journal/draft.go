package journal

import (
	"encoding/json"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// draft is a file that is being made, under a name that nobody reads.
type draft struct {
	folder
	file    vfs.File
	buf     []byte
	bytes   int64
	records int64
}

const flushSize = 128 << 10

// draft begins a file whose records follow that of the number after.
func (f folder) draft(after, first uint64) (*draft, error) {
	path := f.other(newSuffix)
	file, err := f.fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	d := &draft{folder: f, file: file}
	if err := private(f.fs, path); err != nil {
		d.drop()
		return nil, err
	}
	payload, err := json.Marshal(header{f.name, version, first})
	if err != nil {
		d.drop()
		return nil, err
	}
	d.buf = appendLine(d.buf, &record{seq: after, mark: markHeader, payload: payload})
	return d, nil
}

// add writes a record, in time.
func (d *draft) add(r *record) error {
	d.buf = appendLine(d.buf, r)
	if r.mark != markGap {
		d.records++
	}
	if len(d.buf) < flushSize {
		return nil
	}
	return d.flush()
}

func (d *draft) flush() error {
	n, err := writeAll(d.file, d.buf)
	d.bytes += int64(n)
	d.buf = d.buf[:0]
	return err
}

// finish gives the file its name. With an error it is gone, unless it is named:
// then nobody can tell whether it has its name after a crash.
func (d *draft) finish(path string) (named bool, err error) {
	if err = d.flush(); err == nil {
		err = d.file.Sync()
	}
	if err == nil {
		err = d.fs.Rename(d.other(newSuffix), path)
	}
	if err != nil {
		d.drop()
		return false, err
	}
	return true, syncDir(d.fs, d.dir)
}

// drop forgets the file; if it can't be removed, the next one overwrites it.
func (d *draft) drop() {
	_ = d.file.Close()
	_ = d.fs.Remove(d.other(newSuffix))
}

func writeAll(file vfs.File, b []byte) (int, error) {
	n, err := file.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return n, err
}

package journal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Record is one record and where it stands.
type Record struct {
	Seq     uint64 // its number
	Payload []byte // holds during the call that it is given to
	File    string
	Line    int
	Offset  int64 // of the line, in bytes
}

// Read goes through a journal without opening it: nothing is locked, changed or
// repaired. Damage doesn't end it, but is in the Report, in the order of the
// files. Beside a process that has the journal open it may meet a file that is
// just being removed; that is an error, and the next time is another.
func Read(o Options, visit func(Record) error) (Report, error) {
	f, err := o.folder()
	if err != nil {
		return Report{}, err
	}
	all, first, headless, err := f.segments()
	if err != nil {
		return Report{}, err
	}
	w := walk{fs: f.fs, name: f.name}
	w.report.Torn.File = headless
	w.lost = func(*segment, *Damage) error { return nil }
	w.record = func(s *segment, r *record, at *item) error {
		if r.mark == markGap {
			return nil
		}
		return visit(Record{r.seq, r.payload, s.path, at.line, at.offset})
	}
	err = w.files(all, first)
	return w.report, err
}

// folder checks the options that say where the journal is.
func (o *Options) folder() (folder, error) {
	if o.Dir == "" {
		return folder{}, errors.New("journal.Options.Dir: is required")
	}
	for _, c := range o.Name {
		if (c < 'a' || c > 'z') && c != '_' {
			return folder{}, fmt.Errorf("journal.Options.Name: %q may hold only a to z and _", o.Name)
		}
	}
	if o.Name == "" {
		return folder{}, errors.New("journal.Options.Name: is required")
	}
	fs := o.FS
	if fs == nil {
		fs = vfs.Default
	}
	return folder{fs, o.Dir, o.Name}, nil
}

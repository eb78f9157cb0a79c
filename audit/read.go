package audit

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

// Filter chooses entries; the zero value of a field chooses all.
type Filter struct {
	Act     Act
	Tenant  string
	Session string // references, as in Entry
	User    string
	Device  string
	Since   time.Time // not before
	Until   time.Time // before
}

func (f *Filter) matches(e *Entry) bool {
	return (f.Act == "" || f.Act == e.Act) && (f.Tenant == "" || f.Tenant == e.Tenant) &&
		(f.Session == "" || f.Session == e.Session) && (f.User == "" || f.User == e.User) &&
		(f.Device == "" || f.Device == e.Device) &&
		!e.At.Before(f.Since) && (f.Until.IsZero() || e.At.Before(f.Until))
}

// Read visits the entries that a filter chooses, oldest first, with their bytes as
// they stand in the file, which hold during the call. The log may be open. Read
// checks no hashes; if parts can't be read it visits the rest and then returns the
// first *journal.Damage.
func Read(fs vfs.FS, dir string, f Filter, visit func(e Entry, raw []byte) error) error {
	report, err := journal.Read(journal.Options{FS: fs, Dir: dir, Name: name}, func(r journal.Record) error {
		e, err := decode(r.Payload)
		if err != nil {
			return fmt.Errorf("audit %s:%d: entry %d is no entry: %w", r.File, r.Line, r.Seq, err)
		}
		if !f.matches(&e) {
			return nil
		}
		return visit(e, r.Payload)
	})
	if err == nil && len(report.Lost) > 0 {
		err = report.Lost[0]
	}
	return err
}

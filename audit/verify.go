package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd/journal"
)

// Report is what Verify found.
type Report struct {
	Files    int
	Entries  uint64
	First    uint64 // the number of the oldest entry that is there
	From, To time.Time
	// Head is the end of the chain, to be noted where the log's writers can't
	// change it.
	Head Head
	// Dropped counts the offered entries that the log itself says are not in it.
	Dropped uint64
	// Torn is what a crash left at the end; nobody was told that it was on disk.
	Torn   journal.Torn
	Faults []Fault
}

// Fault is a place where the log is not what was written.
type Fault struct {
	File   string
	Line   int   // from 1; 0 where no line is to blame
	Offset int64 // of the line, in bytes
	What   string
}

func (f Fault) String() string {
	if f.Line == 0 {
		return f.What
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.What)
}

// Verify walks through all of a log, which may be open, and lists what is wrong
// with it. If a head was noted before, the chain has to lead through it: a log that
// was cut off, or written anew from somewhere on, is seen by nothing else. An error
// means that the files couldn't be read.
func Verify(fs vfs.FS, dir string, noted ...Head) (Report, error) {
	v := verification{prev: hashOf(Genesis), kept: 1, noted: map[uint64]string{}}
	for _, h := range noted {
		v.noted[h.N] = h.Hash
	}
	found, err := journal.Read(journal.Options{FS: fs, Dir: dir, Name: name}, v.entry)
	if err != nil {
		return Report{}, err
	}
	v.damage(found.Lost)
	v.ends(noted)
	v.report.Files, v.report.Torn = found.Files, found.Torn
	slices.SortStableFunc(v.report.Faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return v.report, nil
}

type verification struct {
	report Report
	prev   string // the hash that the next entry has to carry
	kept   uint64 // from which entry on the log has to be there
	noted  map[uint64]string
	jumps  []jump
}

// jump is a place where numbers are missing.
type jump struct {
	from, to uint64
	at       journal.Record
}

func (v *verification) fault(r *journal.Record, format string, args ...any) {
	v.report.Faults = append(v.report.Faults, Fault{r.File, r.Line, r.Offset, fmt.Sprintf(format, args...)})
}

func (v *verification) entry(r journal.Record) error {
	last := v.report.Head.N
	hash := hashOf(r.Payload)
	e, err := decode(r.Payload)
	switch {
	case err != nil:
		v.fault(&r, "entry %d is no entry: %v", r.Seq, err)
	case e.N != r.Seq:
		v.fault(&r, "entry %d says that it is entry %d: it was changed, or comes from elsewhere", r.Seq, e.N)
	case v.report.Entries == 0 && r.Seq > 1:
		// What it follows was removed: see ends.
	case r.Seq > last+1:
		v.jumps = append(v.jumps, jump{last + 1, r.Seq - 1, r})
	case e.Prev != v.prev && r.Seq == 1:
		v.fault(&r, "entry 1 doesn't begin a log: it was changed")
	case e.Prev != v.prev:
		v.fault(&r, "entry %d doesn't follow entry %d: one of them was changed, or comes from elsewhere", r.Seq, last)
	}
	if want, ok := v.noted[r.Seq]; ok && want != hash {
		v.fault(&r, "entry %d is not the one whose hash was noted: the log was written anew up to it", r.Seq)
	}
	if v.report.Entries == 0 {
		v.report.First, v.report.From = r.Seq, e.At
	}
	v.report.Entries++
	v.report.To, v.report.Head, v.prev = e.At, Head{r.Seq, hash}, hash
	v.report.Dropped += e.Dropped
	if first, err := strconv.ParseUint(e.Details[detailFirst], 10, 64); e.Act == Trim && err == nil {
		v.kept = max(v.kept, first)
	}
	return nil
}

// damage adds what the journal can't read. Where numbers are missing without it,
// a repair has given them up, or they were taken out.
func (v *verification) damage(lost []*journal.Damage) {
	for _, d := range lost {
		v.report.Faults = append(v.report.Faults, Fault{d.File, d.Line, d.Offset, d.What()})
	}
	for _, j := range v.jumps {
		known := slices.ContainsFunc(lost, func(d *journal.Damage) bool { return d.From <= j.from && j.to <= d.To })
		if !known {
			v.fault(&j.at, "%s missing before entry %d: given up by a repair, or taken out", entries(j.from, j.to), j.at.Seq)
		}
	}
}

// ends compares both ends of the log with what they should be.
func (v *verification) ends(noted []Head) {
	r := &v.report
	missing := func(format string, args ...any) {
		r.Faults = append(r.Faults, Fault{What: fmt.Sprintf(format, args...)})
	}
	if r.Entries > 0 && r.First > v.kept {
		missing("%s missing at the beginning, and no entry says that they were to be removed", entries(v.kept, r.First-1))
	}
	for _, h := range noted {
		switch {
		case h.N > r.Head.N:
			missing("%s missing at the end: entry %d was noted", entries(r.Head.N+1, h.N), h.N)
		case h.N < r.First:
			missing("entry %d, which was noted, was removed with the oldest files: note a later one", h.N)
		}
	}
}

func entries(from, to uint64) string {
	if from == to {
		return fmt.Sprintf("entry %d is", from)
	}
	return fmt.Sprintf("entries %d to %d are", from, to)
}

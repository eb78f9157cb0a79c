package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
)

// smallFile is up to what size, in bytes, a new process takes over its
// predecessor's last file as a whole, so that restarts don't leave a file each.
const smallFile = 1 << 20

// Open reads a journal, tells replay of its records in their order, and goes on
// with it in a new file. A payload holds during the call; replay's error ends Open.
//
// Damage is an error, *Damage, unless Options.Repair is set. What a crash tore off
// at the end is none: nobody was told that it was on disk. If the new file can't be
// made, the journal is there all the same, but it has failed: see Err.
func Open(o Options, replay func(seq uint64, payload []byte) error) (*Journal, Report, error) {
	f, err := o.folder()
	if err != nil {
		return nil, Report{}, err
	}
	if o.Reserve < 0 || o.SegmentBytes < 0 {
		return nil, Report{}, errors.New("journal.Options: Reserve and SegmentBytes must not be negative")
	}
	if err := makeDir(f.fs, f.dir); err != nil {
		return nil, Report{}, fmt.Errorf("journal %s: %w", f.name, err)
	}
	lock, err := f.fs.Lock(f.other(lockSuffix))
	if err != nil {
		return nil, Report{}, fmt.Errorf("journal %s: %s can't be locked: is another riskd using the folder? %w", f.name, f.other(lockSuffix), err)
	}
	j := &Journal{folder: f, segmentBytes: o.SegmentBytes, reserve: o.Reserve, lock: lock}
	j.queue, j.written = newGroup(), make(chan struct{})
	j.work.L, j.room.L = &j.mu, &j.mu
	report, err := j.load(o.Repair, replay)
	if err != nil {
		return nil, report, errors.Join(err, lock.Close())
	}
	go j.write()
	return j, report, nil
}

func (j *Journal) load(repair bool, replay func(uint64, []byte) error) (Report, error) {
	if err := errors.Join(private(j.fs, j.other(lockSuffix)), j.clean()); err != nil {
		return Report{}, fmt.Errorf("journal %s: %w", j.name, err)
	}
	var lost []*Damage
	if repair {
		var err error
		if lost, err = j.repair(); err != nil {
			return Report{Lost: lost}, err
		}
	}
	all, first, headless, err := j.folder.segments()
	if err != nil {
		return Report{Lost: lost}, err
	}
	report, t, err := j.replay(all, first, replay)
	report.Lost = append(lost, report.Lost...)
	if err != nil {
		return report, err
	}
	if headless != "" {
		report.Torn.File = headless
		if err := errors.Join(j.fs.Remove(headless), syncDir(j.fs, j.dir)); err != nil {
			return report, fmt.Errorf("journal %s: %w", j.name, err)
		}
	}
	j.takeOver(all, first, t)
	return report, nil
}

// clean removes files whose making was broken off.
func (j *Journal) clean() error {
	if err := j.fs.Remove(j.other(newSuffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (j *Journal) replay(all []*segment, first uint64, replay func(uint64, []byte) error) (Report, *tail, error) {
	t := &tail{}
	if n := len(all); n > 0 {
		t.of, t.whole = all[n-1], all[n-1].bytes <= smallFile
	}
	w := walk{fs: j.fs, name: j.name}
	w.lost = func(_ *segment, d *Damage) error { return d }
	w.record = func(s *segment, r *record, at *item) error {
		t.take(s, r)
		if r.mark == markGap {
			return nil
		}
		if err := replay(r.seq, r.payload); err != nil {
			return fmt.Errorf("journal %s:%d: record %d: %w", s.path, at.line, r.seq, err)
		}
		return nil
	}
	err := w.files(all, first)
	if t.seq = w.seq; len(t.records) == 0 {
		t.after = w.seq
	}
	return w.report, t, err
}

// takeOver begins the new file with the last file's tail, after which nothing in
// older ones counts.
func (j *Journal) takeOver(all []*segment, first uint64, t *tail) {
	w := &j.writer
	w.seq, w.first = t.seq, first
	var kept, old []*segment
	for i, s := range all {
		w.number = s.number
		if s.limit = min(s.limit, t.after); s.void(first) {
			old = append(old, all[i])
			continue
		}
		kept = append(kept, all[i])
	}
	s, _, err := j.begin(t.after, first, func(add func(*record) error) error {
		for i := range t.records {
			if err := add(&t.records[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		j.segments = all
		_ = j.fail(err)
		return
	}
	if n := len(kept); n > 0 && kept[n-1] == t.of {
		kept[n-1].records -= s.records
	}
	j.segments = append(kept, s)
	j.remove(old)
}

// tail is what a new file takes over: the last group, as nobody knows whether its
// fsync succeeded, or all of the last file.
type tail struct {
	of      *segment
	whole   bool
	group   uint64
	after   uint64 // the number of the record before
	seq     uint64 // the last number
	records []record
}

func (t *tail) take(s *segment, r *record) {
	if s != t.of {
		return
	}
	settled := r.group == 0 || r.mark == markGap
	if !t.whole && (settled || r.group != t.group) {
		t.records, t.group = t.records[:0], r.group
		if settled {
			t.group = 0
			return
		}
	}
	if len(t.records) == 0 {
		t.after = r.from() - 1
	}
	kept := *r
	kept.payload = bytes.Clone(r.payload)
	if kept.mark != markGap {
		kept.group = 0
	}
	t.records = append(t.records, kept)
}

// String tells what was found, in a line.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records in %d files", r.Records, r.Files)
	if r.Torn.File != "" {
		fmt.Fprintf(&b, "; %s: %d torn bytes at %d left out", r.Torn.File, r.Torn.Bytes, r.Torn.Offset)
	}
	if r.Gaps > 0 {
		fmt.Fprintf(&b, "; %d records given up before", r.Gaps)
	}
	for _, d := range r.Lost {
		fmt.Fprintf(&b, "; %s: %s", d.Place(), d.What())
	}
	return b.String()
}

package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
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
	report, err := j.load(&o, replay)
	if err != nil {
		return nil, report, errors.Join(err, lock.Close())
	}
	go j.write()
	return j, report, nil
}

func (j *Journal) load(o *Options, replay func(uint64, []byte) error) (Report, error) {
	if err := errors.Join(private(j.fs, j.other(lockSuffix)), j.clean()); err != nil {
		return Report{}, fmt.Errorf("journal %s: %w", j.name, err)
	}
	var lost []*Damage
	if o.Repair {
		var err error
		if lost, err = j.repair(); err != nil {
			return Report{Lost: lost}, err
		}
	}
	all, first, headless, err := j.folder.segments()
	if err != nil {
		return Report{Lost: lost}, err
	}
	from := 0
	if o.Newest {
		from = max(len(all)-1, 0)
	}
	report, t, err := j.replay(all, from, first, replay)
	for ; err == nil && report.Records == 0 && from > 0; from-- {
		report, t, err = j.replay(all, from-1, first, replay)
	}
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
	w := &j.writer
	w.seq, w.first, w.tail, j.segments = t.seq, first, t, all
	if len(all) > 0 {
		w.number = all[len(all)-1].number
	}
	if _, err := j.goOn(); err != nil {
		_ = j.fail(err)
	}
	return report, nil
}

// clean removes files whose making was broken off.
func (j *Journal) clean() error {
	if err := j.fs.Remove(j.other(newSuffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// replay goes through the files from one on.
func (j *Journal) replay(all []*segment, from int, first uint64, replay func(uint64, []byte) error) (Report, *tail, error) {
	t := &tail{}
	if n := len(all); n > 0 {
		t.of, t.whole = all[n-1], all[n-1].bytes <= smallFile
	}
	if from > 0 {
		first = max(first, all[from].after+1)
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
	err := w.files(all[from:], first)
	if t.seq = w.seq; len(t.records) == 0 {
		t.after = w.seq
	}
	return w.report, t, err
}

// goOn begins a new file: with what is to be taken over, or else after the last
// record that is on disk. Nothing that follows it in older files counts any more.
func (j *Journal) goOn() (named bool, err error) {
	w := &j.writer
	after, fill := w.seq, nothing
	if w.tail != nil {
		after, fill = w.tail.after, w.tail.fill
	}
	s, named, err := j.begin(after, w.first, fill)
	if err != nil {
		return named, err
	}
	if w.tail != nil && w.tail.of != nil {
		w.tail.of.records -= s.records
	}
	w.tail = nil
	var kept, old []*segment
	for _, before := range j.segments {
		if before.limit = min(before.limit, after); before.void(w.first) {
			old = append(old, before)
		} else {
			kept = append(kept, before)
		}
	}
	j.mu.Lock()
	j.segments, j.err = append(kept, s), nil
	j.mu.Unlock()
	j.remove(old)
	return true, nil
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

func (t *tail) fill(add func(*record) error) error {
	for i := range t.records {
		if err := add(&t.records[i]); err != nil {
			return err
		}
	}
	return nil
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

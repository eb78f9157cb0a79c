package journal

import (
	"bytes"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// walk goes through the files of a journal, record by record.
type walk struct {
	fs   vfs.FS
	name string
	// enter is told of each file that counts, before its records; may be nil.
	enter func(s *segment) error
	// record is told of records and gaps. The payload holds during the call.
	record func(s *segment, r *record, at *item) error
	// lost is told of damage; with an error the walk ends.
	lost func(s *segment, d *Damage) error

	seq    uint64 // the last record that is accounted for
	batch  []held
	report Report
}

// held is a record of a batch whose end is still to come.
type held struct {
	record
	at item
}

// files goes through all files. Nothing before first counts.
func (w *walk) files(all []*segment, first uint64) error {
	w.seq = first - 1
	defer func() { w.report.Last = w.seq }()
	for _, s := range all {
		if s.fault != nil && (s.blank || !s.void(first)) {
			if err := w.lose(s, s.fault); err != nil {
				return err
			}
		}
		if s.void(first) {
			continue
		}
		w.report.Files++
		w.report.Bytes += s.bytes
		if err := w.file(s); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) file(s *segment) error {
	if w.enter != nil {
		if err := w.enter(s); err != nil {
			return err
		}
	}
	if s.after > w.seq {
		if err := w.lose(s, lossAt(s.path, &stretch{line: 1}, w.seq+1, s.after)); err != nil {
			return err
		}
	}
	file, err := w.fs.Open(s.path)
	if err != nil {
		return fmt.Errorf("journal %s: %w", w.name, err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	scan := newScanner(file)
	for w.seq < s.limit {
		it, err := scan.next()
		if err != nil {
			return fmt.Errorf("journal %s: %w", s.path, err)
		}
		if it.end {
			return w.leave(s, &it)
		}
		torn, err := w.take(s, file, &it)
		if err != nil {
			return err
		}
		if torn {
			return w.cut(s, it.bad.offset)
		}
	}
	return w.flush(s)
}

// take accounts for one record, and for those that are missing before it.
func (w *walk) take(s *segment, file vfs.File, it *item) (torn bool, err error) {
	if it.mark == markHeader || it.seq <= w.seq {
		return false, nil // seen before, or void
	}
	if to := min(it.from()-1, s.limit); to > w.seq {
		if s.last() && it.bad.holed && it.group > 0 && it.group <= w.seq+1 {
			newest, err := newestGroup(file, it)
			if err != nil || newest == it.group {
				return true, err
			}
		}
		if err := w.lose(s, lossAt(s.path, &it.bad, w.seq+1, to)); err != nil || it.seq > s.limit {
			return false, err
		}
	}
	if it.mark == markGap {
		w.report.Gaps += it.seq - w.seq
		if err := w.flush(s); err != nil {
			return false, err
		}
	}
	w.seq = it.seq
	return false, w.hold(s, it)
}

// newestGroup finds the last group of a file from one of its records on.
func newestGroup(file vfs.File, from *item) (uint64, error) {
	newest, seq := from.group, from.seq
	for scan := (&scanner{file: file, at: from.offset}); ; {
		it, err := scan.next()
		if err != nil || it.end {
			return newest, err
		}
		if it.seq > seq && it.mark != markHeader {
			newest, seq = it.group, it.seq
		}
	}
}

// hold passes records on once their batch is whole.
func (w *walk) hold(s *segment, it *item) error {
	if it.mark == markMore {
		h := held{it.record, *it}
		h.payload = bytes.Clone(it.payload)
		w.batch = append(w.batch, h)
		return nil
	}
	if err := w.flush(s); err != nil {
		return err
	}
	return w.pass(s, &it.record, it)
}

// flush passes on what is there of a batch.
func (w *walk) flush(s *segment) error {
	for i := range w.batch {
		if err := w.pass(s, &w.batch[i].record, &w.batch[i].at); err != nil {
			return err
		}
	}
	w.batch = w.batch[:0]
	return nil
}

func (w *walk) pass(s *segment, r *record, at *item) error {
	if r.mark != markGap {
		w.report.Records++
		s.records++
	}
	return w.record(s, r, at)
}

// leave judges how a file ends.
func (w *walk) leave(s *segment, it *item) error {
	switch {
	case !s.last():
		return w.lose(s, lossAt(s.path, &it.bad, w.seq+1, s.limit))
	case it.bad.torn():
		return w.cut(s, it.bad.offset)
	case !it.bad.empty():
		return w.lose(s, lossAt(s.path, &it.bad, w.seq+1, w.seq+1)) // or more
	case len(w.batch) > 0:
		return w.cut(s, it.offset)
	}
	return nil
}

// cut leaves out the rest of the last file, with the beginning of the batch that
// was torn.
func (w *walk) cut(s *segment, offset int64) error {
	if len(w.batch) > 0 {
		offset, w.seq = w.batch[0].at.offset, w.batch[0].seq-1
		w.batch = nil
	}
	w.report.Torn = Torn{s.path, offset, s.bytes - offset}
	return nil
}

// lose accounts for damage.
func (w *walk) lose(s *segment, d *Damage) error {
	if err := w.flush(s); err != nil {
		return err
	}
	if err := w.lost(s, d); err != nil {
		return err
	}
	w.seq = max(w.seq, d.To)
	w.report.Lost = append(w.report.Lost, d)
	return nil
}

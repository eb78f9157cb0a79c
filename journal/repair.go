package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// repair writes every damaged file again without what can't be read, with a mark
// where records are lost, and keeps the damaged one beside it.
func (f folder) repair() ([]*Damage, error) {
	all, first, _, err := f.segments()
	if err != nil {
		return nil, err
	}
	damaged := map[*segment]bool{}
	find := walk{fs: f.fs, name: f.name, record: func(*segment, *record, *item) error { return nil }}
	find.lost = func(s *segment, _ *Damage) error { damaged[s] = true; return nil }
	if err := find.files(all, first); err != nil || len(damaged) == 0 {
		return nil, err
	}
	return find.report.Lost, f.replace(all, first, damaged)
}

func (f folder) replace(all []*segment, first uint64, damaged map[*segment]bool) error {
	r := replacement{folder: f, first: first, damaged: damaged}
	r.walk = walk{fs: f.fs, name: f.name, enter: r.enter, record: r.record, lost: r.lost}
	err := r.walk.files(all, first)
	if err == nil {
		err = r.finish()
	}
	if err != nil && r.draft != nil {
		r.draft.drop()
	}
	if err != nil {
		return fmt.Errorf("journal %s: repair: %w", f.name, err)
	}
	return nil
}

// replacement writes damaged files again, one at a time.
type replacement struct {
	folder
	walk    walk
	first   uint64
	damaged map[*segment]bool
	of      *segment
	draft   *draft // of the file that replaces it
}

func (r *replacement) enter(s *segment) error {
	if err := r.finish(); err != nil || !r.damaged[s] {
		return err
	}
	d, err := r.folder.draft(min(s.after, r.walk.seq), r.first)
	r.of, r.draft = s, d
	return err
}

func (r *replacement) record(s *segment, rec *record, _ *item) error {
	if s != r.of {
		return nil
	}
	return r.draft.add(rec)
}

func (r *replacement) lost(s *segment, d *Damage) error {
	switch {
	case s.blank:
		return r.setAside(s)
	case d.From == 0:
		return nil
	}
	why, err := json.Marshal(map[string]string{"lost": d.Fault})
	if err != nil {
		return err
	}
	return r.draft.add(&record{seq: d.To, group: d.From, mark: markGap, payload: why})
}

// finish puts the new file in the place of the damaged one.
func (r *replacement) finish() error {
	if r.draft == nil {
		return nil
	}
	d := r.draft
	r.draft = nil
	if err := r.keep(r.of); err != nil {
		d.drop()
		return err
	}
	named, err := d.finish(r.of.path)
	if named {
		err = errors.Join(err, d.file.Close())
	}
	r.of = nil
	return err
}

// setAside takes a file away that holds nothing that can be read.
func (r *replacement) setAside(s *segment) error {
	if err := r.keep(s); err != nil {
		return err
	}
	if err := r.fs.Remove(s.path); err != nil {
		return err
	}
	return syncDir(r.fs, r.dir)
}

// keep makes the *.damaged copy of a file.
func (r *replacement) keep(s *segment) error {
	for i := 1; ; i++ {
		to := s.path + damagedSuffix
		if i > 1 {
			to = fmt.Sprintf("%s-%d%s", s.path, i, damagedSuffix)
		}
		_, err := r.fs.Stat(to)
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := vfs.LinkOrCopy(r.fs, s.path, to); err != nil {
			return err
		}
		return errors.Join(private(r.fs, to), syncDir(r.fs, r.dir))
	}
}

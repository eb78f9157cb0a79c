package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writer is what only the writing goroutine touches.
type writer struct {
	file      vfs.File // nil after a failure
	seq       uint64   // the last record on disk
	first     uint64   // the oldest that counts
	number    uint64   // of the newest file
	allocated int64    // bytes of the file, with those ahead of its end
	lines     []byte
	spare     *group // whose buffers are used again
	tail      *tail  // what the next file takes over; nil once that is done
}

func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}

// write is the writing goroutine: a group, an fsync, all who wait for it, and
// then the next.
func (j *Journal) write() {
	defer close(j.written)
	for {
		g, tasks := j.next()
		if g == nil {
			return
		}
		j.commit(g)
		for _, task := range tasks {
			task()
		}
	}
}

// next waits for work: the group is nil when there won't be any.
func (j *Journal) next() (*group, []func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for !j.closed && !j.queue.taken && len(j.tasks) == 0 {
		j.work.Wait()
	}
	g, tasks := j.queue, j.tasks
	if !g.taken && len(tasks) == 0 {
		return nil, nil
	}
	j.queue, j.tasks = newGroup(), nil
	if spare := j.writer.spare; spare != nil {
		j.queue.payloads, j.queue.ends = spare.payloads[:0], spare.ends[:0]
		j.writer.spare = nil
	}
	j.room.Broadcast()
	return g, tasks
}

func (j *Journal) commit(g *group) {
	if g.err = j.Err(); g.err == nil && len(g.ends) > 0 {
		g.first = j.writer.seq + 1
		if err := j.put(g); err != nil {
			g.err = j.fail(err)
		}
	}
	j.writer.spare = &group{payloads: g.payloads, ends: g.ends}
	g.payloads, g.ends = nil, nil
	close(g.done)
}

// put writes a group and waits until it is on disk.
func (j *Journal) put(g *group) error {
	w := &j.writer
	s := j.segments[len(j.segments)-1]
	if j.segmentBytes > 0 && s.bytes >= j.segmentBytes {
		if err := j.rotate(); err != nil {
			return err
		}
		s = j.segments[len(j.segments)-1]
	}
	w.lines = append(w.lines[:0], "\n"[:pad(s.bytes)]...)
	from := 0
	for i, e := range g.ends {
		w.lines = appendLine(w.lines, &record{g.first + uint64(i), g.first, e.mark, g.payloads[from:e.at]})
		from = e.at
	}
	j.allocate(s.bytes + int64(len(w.lines)))
	if _, err := writeAll(w.file, w.lines); err != nil {
		return fmt.Errorf("write %s: %w", s.path, err)
	}
	if err := w.file.SyncData(); err != nil {
		return fmt.Errorf("fsync %s: %w", s.path, err)
	}
	w.seq += uint64(len(g.ends))
	j.mu.Lock()
	s.bytes += int64(len(w.lines))
	s.records += int64(len(g.ends))
	j.mu.Unlock()
	return nil
}

// allocate keeps the reserve. A file system that can't, and a full disk, are no
// fault: the next write will tell.
func (j *Journal) allocate(end int64) {
	w := &j.writer
	if j.reserve == 0 || w.allocated >= end+j.reserve {
		return
	}
	from := max(w.allocated, end)
	to := end + j.reserve + j.reserve/8
	if w.file.Preallocate(from, to-from) == nil {
		w.allocated = to
	}
}

// fail makes a failure last. The file isn't touched again: after a failed fsync
// its pages pass for clean although they were never written, so that the next
// fsync would succeed and mean nothing.
func (j *Journal) fail(err error) error {
	err = fmt.Errorf("journal %s: takes nothing until it was written to a new file: %w", j.name, err)
	_ = j.writer.close()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.err = err
	j.room.Broadcast()
	return err
}

// begin makes a new file and turns to it. named says that it may be there after a
// crash, although it failed.
func (j *Journal) begin(after, first uint64, fill func(add func(*record) error) error) (s *segment, named bool, err error) {
	d, err := j.draft(after, first)
	if err != nil {
		return nil, false, err
	}
	if err := fill(d.add); err != nil {
		d.drop()
		return nil, false, err
	}
	w := &j.writer
	s = &segment{number: w.number + 1, path: j.path(w.number + 1), after: after, first: first, limit: math.MaxUint64}
	if named, err = d.finish(s.path); named {
		w.number++
	}
	if err != nil {
		if named {
			_ = d.file.Close()
		}
		return nil, named, err
	}
	_ = w.close() // all that counts in it was fsynced
	s.bytes, s.records = d.bytes, d.records
	w.file, w.first, w.allocated = d.file, first, d.bytes
	j.allocate(s.bytes)
	return s, true, nil
}

func nothing(func(*record) error) error { return nil }

// rotate begins the next file. If that fails before the file had its name, the old
// one goes on.
func (j *Journal) rotate() error {
	s, named, err := j.begin(j.writer.seq, j.writer.first, nothing)
	switch {
	case err == nil:
		j.turn(append(j.segments[:len(j.segments):len(j.segments)], s))
	case named:
		return err
	}
	return nil
}

func (j *Journal) turn(to []*segment) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.segments = to
}

// remove takes away files that are void. One that can't be removed stays void.
func (j *Journal) remove(old []*segment) {
	for _, s := range old {
		_ = j.fs.Remove(s.path)
	}
	if len(old) > 0 {
		_ = syncDir(j.fs, j.dir)
	}
}

// Rewrite replaces all records by those that live yields: they are written to a
// new file, and once that is on disk the old files are removed. It waits until
// everything appended before is written; what is appended meanwhile comes after.
// With an error all stays as it was. On a journal that failed, success heals it.
//
// live runs in the writing goroutine: it must not append, nor wait for anyone who
// may be in Append, which blocks when the queue is full. ctx ends Rewrite up to the
// fsync.
func (j *Journal) Rewrite(ctx context.Context, live iter.Seq[[]byte]) error {
	return j.do(func() error { return j.rewrite(ctx, live) })
}

func (j *Journal) rewrite(ctx context.Context, live iter.Seq[[]byte]) error {
	after := j.writer.seq
	seq := after
	s, named, err := j.begin(after, after+1, func(add func(*record) error) (err error) {
		if err = ctx.Err(); err != nil {
			return err
		}
		for payload := range live {
			if err = errors.Join(ctx.Err(), validate(payload)); err != nil {
				return err
			}
			seq++
			if err = add(&record{seq: seq, mark: markEnd, payload: payload}); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		if named {
			return j.fail(err)
		}
		return fmt.Errorf("journal %s: rewrite: %w", j.name, err)
	}
	j.writer.seq, j.writer.tail = seq, nil
	old := j.segments
	j.mu.Lock()
	j.segments, j.err = []*segment{s}, nil
	j.mu.Unlock()
	j.remove(old)
	return nil
}

// Resume heals a journal that failed without replacing its records: it goes on in
// a new file, after the last record that is on disk. What was refused stays
// refused.
func (j *Journal) Resume(ctx context.Context) error {
	return j.do(func() error {
		if err := ctx.Err(); err != nil || j.Err() == nil {
			return err
		}
		named, err := j.goOn()
		if named && err != nil {
			return j.fail(err)
		}
		if err != nil {
			return fmt.Errorf("journal %s: resume: %w", j.name, err)
		}
		return nil
	})
}

// Boundary is the number of the first record that has to stay so that at least
// the newest keep bytes do. It is always the first of a file, and 1 or that of the
// oldest file if nothing can go.
func (j *Journal) Boundary(keep int64) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	var kept int64
	for i := len(j.segments) - 1; i > 0; i-- {
		if kept += j.segments[i].bytes; kept >= keep {
			return j.segments[i].after + 1
		}
	}
	if len(j.segments) == 0 {
		return 1
	}
	return j.segments[0].after + 1
}

// Trim removes the files that hold nothing but records before first, durably, and
// begins a new one. If there are none, it does nothing.
func (j *Journal) Trim(ctx context.Context, first uint64) error {
	return j.do(func() error { return j.trim(ctx, first) })
}

func (j *Journal) trim(ctx context.Context, first uint64) error {
	n := 0
	for n+1 < len(j.segments) && j.segments[n+1].after+1 <= first {
		n++
	}
	if err := errors.Join(ctx.Err(), j.Err()); err != nil || n == 0 {
		return err
	}
	s, named, err := j.begin(j.writer.seq, j.segments[n].after+1, nothing)
	if err != nil {
		if named {
			return j.fail(err)
		}
		return fmt.Errorf("journal %s: trim: %w", j.name, err)
	}
	old := j.segments[:n]
	j.turn(append(j.segments[n:len(j.segments):len(j.segments)], s))
	j.remove(old)
	return nil
}

// do runs a task in the writing goroutine, after all that was appended before.
func (j *Journal) do(task func() error) error {
	done := make(chan error, 1)
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return fmt.Errorf("journal %s: %w", j.name, ErrClosed)
	}
	j.tasks = append(j.tasks, func() { done <- task() })
	j.work.Signal()
	j.mu.Unlock()
	return <-done
}

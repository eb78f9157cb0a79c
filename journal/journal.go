package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options say where a journal is and how it is kept.
type Options struct {
	// FS is the file system; nil is the machine's.
	FS vfs.FS
	// Dir is the folder, Name the journal's name in it: a to z and _. The folder is
	// made if need be, for this user only, as all files in it.
	Dir, Name string
	// Reserve is how many bytes are kept allocated behind the end where the file
	// system can do so, so that a full disk takes records for a while.
	Reserve int64
	// SegmentBytes is the size past which a new file begins; 0: only Open, Rewrite
	// and Trim begin one.
	SegmentBytes int64
	// Newest has Open look no further back than to the newest file that holds
	// records: only they are replayed. Read goes through all of them.
	Newest bool
	// Repair goes on after damage: what can be read is kept, what can't is in the
	// Report, and damaged files stay as *.damaged.
	Repair bool
}

const (
	// MaxPayload is the longest record, in bytes.
	MaxPayload = 1 << 20
	// MaxQueue is how many bytes of records wait to be written, not counting the
	// batch that goes past it, before Append blocks.
	MaxQueue = 4 << 20
)

// ErrClosed is why a closed journal takes nothing.
var ErrClosed = errors.New("journal is closed")

// Journal is open for writing, in this process alone. It is safe for concurrent
// use.
type Journal struct {
	folder
	segmentBytes, reserve int64
	lock                  io.Closer
	written               chan struct{} // closed when the writer has ended
	closing               sync.Once
	closeErr              error

	mu         sync.Mutex
	work, room sync.Cond
	queue      *group
	tasks      []func()
	err        error
	closed     bool
	segments   []*segment // oldest first; changed by the writer alone

	writer writer
}

// group is what is written at once.
type group struct {
	taken    bool // somebody waits for it
	payloads []byte
	ends     []end
	done     chan struct{}
	// What follows holds once done is closed.
	err   error
	first uint64
}

// end is where a record ends in its group's payloads.
type end struct {
	at   int
	mark byte
}

func newGroup() *group { return &group{done: make(chan struct{})} }

// Commit is a batch on its way to the disk.
type Commit struct {
	group *group
	index int // of the batch's first record in the group
}

// Wait returns nil once the batch is on disk, an error if it isn't and never will
// be, or ctx's error, which leaves open what becomes of it.
func (c Commit) Wait(ctx context.Context) error {
	if c.group == nil {
		return errors.New("journal: nothing was appended")
	}
	select {
	case <-c.group.done:
		return c.group.err
	default:
	}
	select {
	case <-c.group.done:
		return c.group.err
	case <-ctx.Done():
		return fmt.Errorf("journal: not known yet to be on disk: %w", ctx.Err())
	}
}

// Done is closed when Wait would not block.
func (c Commit) Done() <-chan struct{} { return c.group.done }

// Seq is the number of the batch's first record, 0 unless Wait has returned nil.
func (c Commit) Seq() uint64 {
	select {
	case <-c.group.done:
		if c.group.err == nil {
			return c.group.first + uint64(c.index)
		}
	default:
	}
	return 0
}

// Refused is the commit of a batch that is not taken.
func Refused(err error) Commit {
	g := newGroup()
	g.err = err
	close(g.done)
	return Commit{group: g}
}

// Append takes one batch, which is replayed whole or not at all; the payloads are
// copied. Batches are written in the order of the calls. It blocks only while
// MaxQueue bytes wait to be written. A payload is JSON on one line: 1 to MaxPayload
// bytes with no newline and no NUL. Without payloads the Commit is that of all
// that was appended before.
//
// After a failure every batch is refused until Rewrite has succeeded.
func (j *Journal) Append(payloads ...[]byte) Commit {
	for _, p := range payloads {
		if err := validate(p); err != nil {
			return Refused(fmt.Errorf("journal %s: %w", j.name, err))
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.queue.payloads) >= MaxQueue && j.err == nil && !j.closed {
		j.room.Wait()
	}
	switch {
	case j.closed:
		return Refused(fmt.Errorf("journal %s: %w", j.name, ErrClosed))
	case j.err != nil:
		return Refused(j.err)
	}
	g := j.queue
	g.taken = true
	c := Commit{g, len(g.ends)}
	for i, p := range payloads {
		g.payloads = append(g.payloads, p...)
		mark := byte(markMore)
		if i == len(payloads)-1 {
			mark = markEnd
		}
		g.ends = append(g.ends, end{len(g.payloads), mark})
	}
	j.work.Signal()
	return c
}

func validate(payload []byte) error {
	switch {
	case len(payload) == 0:
		return errors.New("payload: is empty")
	case len(payload) > MaxPayload:
		return fmt.Errorf("payload: is %d bytes long; %d at most", len(payload), MaxPayload)
	case bytes.IndexByte(payload, '\n') >= 0 || bytes.IndexByte(payload, 0) >= 0:
		return errors.New("payload: holds a newline or a NUL; it must be JSON on one line")
	}
	return nil
}

// Err is why nothing is taken, nil while all is well.
func (j *Journal) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}

// Size is what a journal takes up on disk.
type Size struct {
	Files   int
	Records int64
	Bytes   int64 // without the reserve
}

// Size tells how big the journal is, to know when a Rewrite pays.
func (j *Journal) Size() Size {
	j.mu.Lock()
	defer j.mu.Unlock()
	size := Size{Files: len(j.segments)}
	for _, s := range j.segments {
		size.Records += s.records
		size.Bytes += s.bytes
	}
	return size
}

// Close writes what was appended, lets go of the files and returns the failure
// that the journal had, if any.
func (j *Journal) Close() error {
	j.closing.Do(func() {
		j.mu.Lock()
		j.closed = true
		j.work.Signal()
		j.room.Broadcast()
		j.mu.Unlock()
		<-j.written
		j.closeErr = errors.Join(j.Err(), j.writer.close(), j.lock.Close())
	})
	return j.closeErr
}

package journal

import (
	"bytes"
	"errors"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// scanner reads a file record by record and steps over what isn't one.
type scanner struct {
	file vfs.File
	buf  []byte // what was read and not stepped over yet
	room []byte // that buf is part of
	read int    // how much at once
	at   int64  // where buf begins in the file
	line int    // the line that buf begins in, from 1
	end  bool   // nothing comes after buf
}

// item is a record, or the end of the file, with the bytes before it that are
// none.
type item struct {
	record
	bad    stretch
	offset int64
	line   int
	end    bool
}

func newScanner(file vfs.File) *scanner { return &scanner{file: file, line: 1} }

const (
	readSize = 128 << 10
	longest  = MaxPayload + overhead // line
)

// next finds the next record. Its payload holds until the next call.
func (s *scanner) next() (item, error) {
	it := item{bad: stretch{offset: s.at, end: s.at, line: s.line}}
	for {
		chunk, err := s.chunk()
		if err != nil {
			return it, err
		}
		it.offset, it.line, it.end = s.at, s.line, len(chunk) == 0
		if it.end {
			return it, nil
		}
		n, ok := 0, false
		if it.record, n, ok = cutRecord(chunk); ok {
			it.bad.stop()
			s.skip(n)
			return it, nil
		}
		it.bad.add(chunk[:n])
		s.skip(n)
	}
}

// cutRecord takes the record that a chunk begins with, or else tells how much of
// it is none. What ends a record is its newline, a single other byte before the
// next record or the end of the file, or nothing: then the newline was lost, but
// not the record.
func cutRecord(chunk []byte) (r record, n int, ok bool) {
	if r, ok = parseLine(chunk[:len(chunk)-1]); ok {
		return r, len(chunk), true
	}
	body := bytes.TrimSuffix(chunk, []byte{'\n'})
	if len(body) == len(chunk) {
		body = bytes.TrimRight(body, "\x00")
		if r, ok = parseLine(body); ok {
			return r, len(body), true
		}
	}
	if n = nextStart(body); n == 0 {
		n = len(body)
	}
	if n > 0 {
		if r, ok = parseLine(body[:n-1]); ok {
			return r, n, true
		}
	}
	if n == len(body) {
		n = len(chunk)
	}
	return r, n, false
}

// nextStart finds a record further on in a line, 0 if there is none.
func nextStart(body []byte) int {
	for i := 1; i+sumSize < len(body); i++ {
		if body[i+sumSize] == ' ' {
			if _, ok := parseLine(body[i:]); ok {
				return i
			}
		}
	}
	return 0
}

// chunk gives a line with its newline, what is left of the file, a long run of
// NULs by itself, or as much as a line may hold.
func (s *scanner) chunk() ([]byte, error) {
	for seen := 0; ; {
		if run := nulls(s.buf); run >= hole {
			return s.buf[:run], nil
		}
		if i := bytes.IndexByte(s.buf[seen:], '\n'); i >= 0 {
			return s.buf[:seen+i+1], nil
		}
		if s.end || len(s.buf) >= longest {
			return s.buf, nil
		}
		seen = len(s.buf)
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more, little at first: often only the header is wanted.
func (s *scanner) fill() error {
	s.read = min(max(2*s.read, 4<<10), readSize)
	had := len(s.buf)
	if cap(s.buf)-had < s.read {
		if cap(s.room) < had+s.read {
			s.room = make([]byte, 2*(had+s.read))
		}
		s.buf = s.room[:copy(s.room, s.buf)]
	}
	n, err := s.file.ReadAt(s.buf[had:had+s.read], s.at+int64(had))
	s.buf = s.buf[:had+n]
	if s.end = errors.Is(err, io.EOF); s.end {
		return nil
	}
	return err
}

func (s *scanner) skip(n int) {
	s.line += bytes.Count(s.buf[:n], []byte{'\n'})
	s.at += int64(n)
	s.buf = s.buf[n:]
}

func nulls(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00")) }

// stretch is a part of a file that holds no record.
type stretch struct {
	offset int64 // where it begins
	end    int64
	line   int
	breaks int   // newlines in it
	last   byte  // the last byte that isn't NUL
	run    int64 // how many NULs it ends with
	holed  bool
}

const (
	// hole is how many NULs in a row only a block has that was never written.
	hole = 64
	// sector is the smallest unit in which disks write.
	sector = 512
)

// add takes in what is no record. A blank line is nothing: see pad.
func (s *stretch) add(b []byte) {
	if string(b) == "\n" {
		if s.end == s.offset {
			s.offset++
			s.line++
		}
		s.end++
		return
	}
	for _, c := range b {
		if c == 0 {
			s.run++
		} else {
			s.stop()
			s.last = c
		}
		if c == '\n' {
			s.breaks++
		}
		s.end++
	}
}

// stop ends a run of NULs: something was written behind it. It is a hole if it is
// long, or if it reaches from the last record to the end of that one's sector; a
// single NUL there would be a byte that was damaged (see pad).
func (s *stretch) stop() {
	fromRecord := s.run == s.end-s.offset && s.run > 1 && s.end%sector == 0
	s.holed = s.holed || s.run >= hole || fromRecord
	s.run = 0
}

// empty reports whether nothing was written there.
func (s *stretch) empty() bool { return s.last == 0 && !s.holed }

// torn reports whether a write that ended early left such a stretch at the end of
// a file: a block of it is missing, or there's the beginning of a line. A whole
// line that is wrong was damaged later.
func (s *stretch) torn() bool {
	return s.holed || s.last != 0 && s.breaks == 0
}

// pad is what has to be written before a group so that it doesn't begin with the
// last byte of a sector: if that NUL were all of it that is missing, nobody could
// tell a sector that wasn't written from a byte that was damaged.
func pad(offset int64) int { return int(offset % sector / (sector - 1)) }

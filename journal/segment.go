package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// segment is one file of a journal.
type segment struct {
	number  uint64
	path    string
	bytes   int64
	records int64

	after uint64 // the number of the record before it
	first uint64 // the oldest record that is still to be there; 0 if the header is damaged
	// limit is the last record that isn't void; later ones stand in the next file,
	// if there is one.
	limit uint64
	// fault is set if the header is damaged, blank if there's no record either.
	fault *Damage
	blank bool
}

// void reports whether nothing in the file counts any more.
func (s *segment) void(first uint64) bool { return s.after >= s.limit || s.limit < first }

// last reports whether no file goes on after this one, so that it may be torn.
func (s *segment) last() bool { return s.limit == math.MaxUint64 }

// header is the first line of a file.
type header struct {
	Journal string `json:"journal"`
	Version int    `json:"version"`
	First   uint64 `json:"first"`
}

const version = 1

const (
	logSuffix     = ".log"
	lockSuffix    = ".lock"
	newSuffix     = ".new" // of a file that is being made
	damagedSuffix = ".damaged"
)

// folder is where a journal's files are.
type folder struct {
	fs        vfs.FS
	dir, name string
}

func (f folder) path(number uint64) string {
	return f.fs.PathJoin(f.dir, fmt.Sprintf("%s-%06d%s", f.name, number, logSuffix))
}

func (f folder) other(suffix string) string { return f.fs.PathJoin(f.dir, f.name+suffix) }

// segments lists the files, oldest first, reads their headers and finds out what
// of them counts: first is the oldest record that does. Of a last file that was
// torn within its header nothing does; its path is given as headless.
func (f folder) segments() (all []*segment, first uint64, headless string, err error) {
	numbers, err := f.numbers()
	if err != nil {
		return nil, 0, "", err
	}
	for i, number := range numbers {
		s := &segment{number: number, path: f.path(number)}
		torn, err := f.readHeader(s)
		if err != nil {
			return nil, 0, "", err
		}
		if torn && i == len(numbers)-1 {
			headless = s.path
			break
		}
		all = append(all, s)
	}
	return all, limits(all), headless, nil
}

func (f folder) numbers() ([]uint64, error) {
	names, err := f.fs.List(f.dir)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", f.name, err)
	}
	var numbers []uint64
	for _, name := range names {
		digits, is := strings.CutPrefix(name, f.name+"-")
		digits, ends := strings.CutSuffix(digits, logSuffix)
		if n, err := strconv.ParseUint(digits, 10, 63); is && ends && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// readHeader reports as torn a file that holds nothing but a part of its header.
func (f folder) readHeader(s *segment) (torn bool, err error) {
	file, err := f.fs.Open(s.path)
	if err != nil {
		return false, fmt.Errorf("journal %s: %w", f.name, err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	info, err := file.Stat()
	if err != nil {
		return false, fmt.Errorf("journal %s: %w", f.name, err)
	}
	s.bytes = info.Size()
	it, err := newScanner(file).next()
	switch {
	case err != nil:
		return false, fmt.Errorf("journal %s: %w", s.path, err)
	case !it.end && it.mark == markHeader:
		return false, f.takeHeader(s, &it)
	}
	s.fault = &Damage{File: s.path, Line: 1, Fault: faultHeader}
	if s.blank = it.end; !it.end {
		s.after = it.from() - 1
	}
	return s.blank && (it.bad.empty() || it.bad.torn()), nil
}

func (f folder) takeHeader(s *segment, it *item) error {
	var h header
	if err := json.Unmarshal(it.payload, &h); err != nil {
		return fmt.Errorf("journal %s:1: header: %w", s.path, err)
	}
	if h.Journal != f.name {
		return fmt.Errorf("journal %s:1: is part of the journal %q, not of %q: put it back where it belongs", s.path, h.Journal, f.name)
	}
	if h.Version != version {
		return fmt.Errorf("journal %s:1: is of version %d, which this riskd doesn't read: use the one that wrote it, or a later one", s.path, h.Version)
	}
	s.after, s.first = it.seq, h.First
	return nil
}

// limits finds out what of the files counts. The newest header knows best which
// record has to be the oldest.
func limits(all []*segment) (first uint64) {
	limit := uint64(math.MaxUint64)
	for _, s := range slices.Backward(all) {
		if s.limit = limit; s.blank {
			s.after = limit
		}
		limit = min(limit, s.after)
		if first == 0 {
			first = s.first
		}
	}
	if first == 0 && len(all) > 0 {
		first = limit + 1
	}
	return max(first, 1)
}

// makeDir makes the folder, with all above it, durably.
func makeDir(fs vfs.FS, dir string) error {
	_, err := fs.Stat(dir)
	parent := fs.PathDir(dir)
	if err == nil {
		// Who made it may have died before it was durable. Not every parent may be
		// opened by who may use the folder.
		_ = syncDir(fs, parent)
		return nil
	}
	if !errors.Is(err, os.ErrNotExist) || parent == dir {
		return err
	}
	if err := makeDir(fs, parent); err != nil {
		return err
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// private takes a new file away from everybody else: vfs makes files as the umask
// says.
func private(fs vfs.FS, path string) error {
	if vfs.Root(fs) != vfs.Default {
		return nil
	}
	return os.Chmod(path, 0o600)
}

package geo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// MaxAge is the age past which a database is stale: addresses move, and the
// publishers bring out new databases every week or month.
const MaxAge = 30 * 24 * time.Hour

// maxAhead is how far a build time may lie in the future: a clock that is wrong,
// not a database that all later ones would be older than.
const maxAhead = 24 * time.Hour

// listType is the Type of a list's Status.
const listType = "list"

// Status is how one file fares.
type Status struct {
	Path string
	Type string // the database's own name of its type, "list" for lists
	// Build is when the loaded database was built; zero for lists.
	Build  time.Time
	Loaded bool // something of it answers, maybe what was read earlier
	Stale  bool // the database is older than MaxAge
	// Err is why the file can't be used as it is now, nil when it can.
	Err error
}

// source is one file and what was last read of it that was good.
type source struct {
	status   Status
	stamp    stamp
	kind     riskd.NetworkKind // of a list
	networks networks
	database *database
}

// stamp tells one version of a file from the next. The zero stamp is a file that
// couldn't be read.
type stamp struct {
	modified time.Time
	size     int64
}

// ownFiles is the machine's file system, with its own kind of paths.
type ownFiles struct{}

func (ownFiles) Open(name string) (fs.File, error)     { return os.Open(name) }
func (ownFiles) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

func stampOf(files fs.FS, path string) (stamp, error) {
	info, err := fs.Stat(files, path)
	if err != nil {
		return stamp{}, err
	}
	if !info.Mode().IsRegular() {
		return stamp{}, fmt.Errorf("%s: is not a regular file", path)
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// read reads a file whole, of the size that it had at first.
func read(files fs.FS, path string, limit int64) ([]byte, stamp, error) {
	at, err := stampOf(files, path)
	if err != nil {
		return nil, stamp{}, err
	}
	if at.size > limit {
		return nil, at, fmt.Errorf("%s: is %d bytes long; the limit is %d", path, at.size, limit)
	}
	f, err := files.Open(path)
	if err != nil {
		return nil, stamp{}, err
	}
	defer f.Close()
	data := make([]byte, at.size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, stamp{}, fmt.Errorf("%s: was cut short while being read: %w", path, err)
	}
	return data, at, nil
}

// load reads the source's file. What is in it replaces what was, unless it is no
// good.
func (s *source) load(o *Options) {
	data, at, err := read(o.Files, s.status.Path, o.MaxBytes)
	s.stamp = at
	if err == nil {
		err = s.take(data, o)
	}
	s.status.Err = err
	s.status.Loaded = s.status.Loaded || err == nil
}

func (s *source) take(data []byte, o *Options) error {
	if s.status.Type == listType {
		n, err := parseNetworks(s.status.Path, data)
		if err == nil {
			s.networks = n
		}
		return err
	}
	d, err := openDatabase(data)
	if err == nil {
		err = s.follows(d, o)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.status.Path, err)
	}
	s.database = d
	s.status.Type, s.status.Build = d.reader.Metadata.DatabaseType, d.build
	return nil
}

// follows reports whether a database may take the place of the loaded one.
func (s *source) follows(d *database, o *Options) error {
	if s.database != nil && d.build.Before(s.database.build) {
		return fmt.Errorf("was built %s, before the loaded one of %s, which stays", day(d.build), day(s.database.build))
	}
	if o.Now != nil && d.build.Sub(o.Now()) > maxAhead {
		return fmt.Errorf("was built %s, which is yet to come: check the clock", day(d.build))
	}
	return nil
}

func day(t time.Time) string { return t.Format(time.DateTime) }

// refresh loads the files that changed, or all of them, and puts what came of it
// in force. It returns the status of every file that was loaded, failed in a new
// way, or became stale.
func (l *Locator) refresh(all bool) []Status {
	l.loading.Lock()
	defer l.loading.Unlock()
	old := l.current.Load()
	sources := slices.Clone(old.sources)
	var news []Status
	tried := false
	for i := range sources {
		s, was := &sources[i], old.sources[i].status
		if now, _ := stampOf(l.options.Files, s.status.Path); all || now != s.stamp {
			s.load(&l.options)
			tried = true
		}
		s.status.Stale = s.database != nil && l.options.Now != nil && l.options.Now().Sub(s.status.Build) > MaxAge
		loaded := s.stamp != old.sources[i].stamp && s.status.Err == nil
		if loaded || s.status.Stale != was.Stale || message(s.status.Err) != message(was.Err) {
			news = append(news, s.status)
		}
	}
	if all || tried || len(news) > 0 {
		l.current.Store(newSnapshot(old.generation+1, sources))
	}
	return news
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// Watch looks every interval whether files changed, by time and size, loads those
// that did, and reports the status of each that was loaded, failed in a new way,
// or became stale. It returns when the context ends.
func (l *Locator) Watch(ctx context.Context, interval time.Duration, report func(Status)) error {
	if interval <= 0 {
		return errors.New("interval: must be positive")
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			for _, s := range l.refresh(false) {
				report(s)
			}
		}
	}
}

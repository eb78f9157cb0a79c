//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// filling fills the disk that riskd's folder lies on.
type filling struct {
	binary string
	mib    int
	// enough is how many orders have to be taken when the disk is full.
	enough int64
}

func fullFlags(flags *flag.FlagSet) action {
	f := &filling{enough: 1000}
	flags.IntVar(&f.mib, "mib", 64, "size of the disk in `MiB`: riskd needs some 40 to begin with")
	return f.run
}

func (f *filling) run(ctx context.Context, out io.Writer) (err error) {
	disk, err := newTmpfs(f.mib)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.close()) }()
	s, err := newSite(ctx, siteOptions{binary: f.binary, data: filepath.Join(disk.dir, "data")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer func() { r.kill() }() // before the disk goes

	var next atomic.Int64
	load, stop := context.WithCancel(ctx)
	defer stop()
	early := revoke(load, r, 16, &next)
	<-early.first
	time.Sleep(200 * time.Millisecond)
	stop()
	answers := early.wait()

	filled, err := disk.fill()
	if err != nil {
		return err
	}
	load, stop = context.WithCancel(ctx)
	defer stop()
	d := decide(load, r)
	w := revoke(load, r, 16, &next)
	began := time.Now()
	// Refusals come once the reserve is used up.
	if !untilRefused(ctx, w) {
		return s.explain(errors.New("riskd ended when the disk was full"))
	}
	took := time.Since(began)
	stop()
	decisions, wrong := d.wait()
	late := w.wait()
	n := count(late, time.Time{})
	answers = append(answers, late...)
	gone, err := lost(ctx, r, ordersOf(answers))
	if err != nil {
		return err
	}
	r.kill()
	if err := disk.free(); err != nil {
		return err
	}
	if r, err = s.start(ctx); err != nil {
		return err
	}
	forgotten, err := lost(ctx, r, acknowledged(answers))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "disk of %d MiB, %d MiB filled up: %d orders taken from the reserve in %s, then %d answered 503 applied and not durable, %d anything else\n",
		f.mib, filled>>20, n.after, took.Round(time.Millisecond), n.refused, n.other)
	fmt.Fprintf(out, "meanwhile %d decisions, %d wrong; %d of %d orders not in force; with space again, after a kill and a restart, %d acknowledged ones lost\n",
		decisions, wrong, len(gone), len(answers), len(forgotten))
	switch {
	case int64(n.after) < f.enough:
		return fmt.Errorf("%d orders were taken when the disk was full; it takes %d", n.after, f.enough)
	case n.other > 0 || wrong > 0 || len(gone) > 0 || len(forgotten) > 0:
		return errors.New("orders or decisions were answered as they must not be")
	case n.refused == 0:
		return errors.New("riskd refused nothing: was the disk full?")
	case decisions == 0:
		return errors.New("the run doesn't count: no decision was asked for")
	}
	return nil
}

// untilRefused waits until no order was taken for a second, and reports whether
// riskd has outlived it.
func untilRefused(ctx context.Context, w *revokers) bool {
	for last := int64(-1); wait(ctx, w.server, time.Second); {
		acks := w.acks.Load()
		if acks == last {
			return true
		}
		last = acks
	}
	return false
}

// tmpfs is a small disk.
type tmpfs struct{ dir, filler string }

func newTmpfs(mib int) (*tmpfs, error) {
	dir, err := os.MkdirTemp("", "riskd-disk-")
	if err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=700", mib)); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: a tmpfs can't be mounted, which takes root: %w", errSkipped, err), os.Remove(dir))
	}
	return &tmpfs{dir, filepath.Join(dir, "filler")}, nil
}

func (t *tmpfs) close() error {
	return errors.Join(unix.Unmount(t.dir, unix.MNT_DETACH), os.Remove(t.dir))
}

// fill takes all the space that is left.
func (t *tmpfs) fill() (bytes int64, err error) {
	f, err := os.Create(t.filler)
	if err != nil {
		return 0, err
	}
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		bytes += int64(n)
		switch {
		case errors.Is(err, unix.ENOSPC):
			size /= 2
		case err != nil:
			return bytes, errors.Join(err, f.Close())
		}
	}
	return bytes, f.Close()
}

func (t *tmpfs) free() error { return os.Remove(t.filler) }

//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

// plant is a bug, the check that has to catch it, and what that says then.
type plant struct {
	bug, check string
	run        func(ctx context.Context) error
	caught     string // part of the error
}

// bugs are planted around riskd's parts, not in them. binary is "" to build riskd.
func bugs(binary string) []plant {
	crashes := func(kept int, disk func(*disk), store func(crashStore) crashStore) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := (&crashing{crashes: 60, seed: 1, kept: kept, spoilDisk: disk, spoilStore: store}).run(ctx)
			return err
		}
	}
	const lost = "was acknowledged and is lost"
	return []plant{
		{"an order is acknowledged before it is written", "crashfs, even if only the process dies", crashes(100, nil, ackFirst), lost},
		{"nothing is fsynced", "crashfs", crashes(-1, skip(opFsync, opFsyncFolder), nil), "crash "},
		{"folders aren't fsynced after a rename", "crashfs", crashes(-1, skip(opFsyncFolder), nil), "crash "},
		{"the error of an fsync is ignored", "fsync, on a file system that fails", failingFsync(swallow), "acknowledged after the first failed fsync"},
		{"revocations are kept in ristretto", "card", func(ctx context.Context) error {
			return (&flooding{ids: 40_000, cap: 2000, planted: 2000, spoil: inRistretto}).run(ctx, io.Discard)
		}, "washed away"},
		{"decisions are cached for 200 µs", "lin", func(ctx context.Context) error {
			l := &linearizing{ops: 4000, seed: 1, front: cached}
			return l.one(ctx, "")
		}, errIllegal.Error()},
		{"a session id is in one line of the log", "canary", func(ctx context.Context) error {
			k := &canarying{binary: binary, spoil: func(log *slog.Logger, session string) { log.Info("decision", "session", session) }}
			return k.run(ctx, io.Discard)
		}, logName + " has what was sent"},
	}
}

func selftestFlags(*flag.FlagSet) action {
	return func(ctx context.Context, out io.Writer) error {
		var errs []error
		all := append(bugs(""), plant{"none (fsync on a file system that fails)", "fsync", failingFsync(nil), ""})
		for _, p := range all {
			err := p.judge(ctx)
			verdict := "caught"
			switch {
			case err != nil:
				verdict = "MISSED"
			case p.caught == "":
				verdict = "quiet"
			}
			fmt.Fprintf(out, "%-7s %-50s by %s\n", verdict, p.bug, p.check)
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	}
}

// judge fails unless the check fails as it ought to.
func (p *plant) judge(ctx context.Context) error {
	err := p.run(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.caught == "":
		return err
	case err == nil:
		return fmt.Errorf("%s: nobody noticed", p.bug)
	case !strings.Contains(err.Error(), p.caught):
		return fmt.Errorf("%s: noticed something else: %w", p.bug, err)
	}
	return nil
}

// ackFirst acknowledges orders before they're on disk.
func ackFirst(s crashStore) crashStore { return hasty{s} }

type hasty struct{ crashStore }

func (h hasty) Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	go func() { _, _ = h.crashStore.Impose(context.WithoutCancel(ctx), key, orders...) }()
	return riskd.Imposed{}, nil
}

// skip says of some fsyncs that they're done.
func skip(ops ...string) func(*disk) {
	return func(d *disk) {
		d.fsync = func(op string, do func() error) error {
			for _, skipped := range ops {
				if op == skipped {
					return nil
				}
			}
			return do()
		}
	}
}

var errDisk = errors.New("input/output error")

// failingFsync is the fsync check on a file system of its own: after some fsyncs
// all others fail, as its spoiled version doesn't tell.
func failingFsync(spoil func(error) error) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		var failing atomic.Bool
		fs := &disk{FS: vfs.NewMem(), fsync: func(_ string, do func() error) error {
			if !failing.Load() {
				return do()
			}
			if spoil != nil {
				return spoil(errDisk)
			}
			return errDisk
		}}
		s, err := sessions.New(sessions.Options{FS: fs, Dir: "data", ReadDeadline: time.Minute})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }() // which fails, as it ought to
		acks := 0
		for name := range 200 {
			failing.Store(name >= 100)
			_, err := s.Impose(ctx, "", riskd.Epoch{Target: targetOf(name), At: noon})
			switch {
			case err != nil && name < 100:
				return err
			case err != nil && !errors.Is(err, riskd.ErrNotDurable):
				return err
			case err == nil && name >= 100:
				acks++
			}
			if _, over := s.Revoked(eventOf(name)); !over {
				return fmt.Errorf("order %d is not in force", name)
			}
		}
		if acks > 0 {
			return fmt.Errorf("%d orders were acknowledged after the first failed fsync", acks)
		}
		return nil
	}
}

func swallow(error) error { return nil }

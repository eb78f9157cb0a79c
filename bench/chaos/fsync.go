//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// fsyncing lets riskd work for a while, and then lets each fsync of it fail.
type fsyncing struct {
	binary  string
	healthy time.Duration
	failing time.Duration // a minute and more meets the sweep, which tries to mend
}

func fsyncFlags(flags *flag.FlagSet) action {
	f := &fsyncing{healthy: time.Second}
	flags.DurationVar(&f.failing, "for", 5*time.Second, "how long fsyncs fail; past a minute riskd tries to mend its ledger")
	return f.run
}

// minHealthy is how many orders have to be acknowledged before anything fails.
const minHealthy = 100

func (f *fsyncing) run(ctx context.Context, out io.Writer) (err error) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		return fmt.Errorf("%w: strace is not installed", errSkipped)
	}
	s, err := newSite(ctx, siteOptions{binary: f.binary})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	r, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer r.kill()
	load, stop := context.WithCancel(ctx)
	defer stop()
	var next atomic.Int64
	w := revoke(load, r, 16, &next)
	if !wait(ctx, r, f.healthy) {
		return s.explain(errors.New("riskd ended while all was well"))
	}
	trace := filepath.Join(s.dir, "strace")
	t, err := attach(ctx, strace, r.cmd.Process.Pid, trace)
	if err != nil {
		return err
	}
	defer t.detach()
	failed, err := t.firstFailure(ctx)
	if err != nil {
		return err
	}
	d := decide(load, r)
	if !wait(ctx, r, f.failing) {
		return s.explain(errors.New("riskd ended when an fsync failed"))
	}
	status, ready, err := r.get(ctx, r.admin+"/readyz")
	if err != nil {
		return err
	}
	stop()
	decisions, wrong := d.wait()
	answers := w.wait()
	n := count(answers, failed)
	gone, err := lost(ctx, r, ordersOf(answers))
	if err != nil {
		return err
	}
	t.detach()
	r.kill()
	if r, err = s.start(ctx); err != nil {
		return err
	}
	defer r.kill()
	forgotten, err := lost(ctx, r, acknowledged(answers))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "before the first EIO: %d acknowledged, %d on their way answered 200 and not durable; after it: %d acknowledged, %d answered 503 applied and not durable, %d anything else\n",
		n.before, n.unsure, n.after, n.refused, n.other)
	fmt.Fprintf(out, "after it: %d decisions, %d wrong; %d of %d orders not in force; after a kill and a restart %d acknowledged ones lost\n",
		decisions, wrong, len(gone), len(answers), len(forgotten))
	switch {
	case n.before < minHealthy || n.refused < minHealthy || decisions < minHealthy:
		return errors.New("the run doesn't count: too little was asked")
	case n.after > 0:
		return fmt.Errorf("%d orders were acknowledged after the first failed fsync", n.after)
	case n.other > 0 || wrong > 0 || len(gone) > 0 || len(forgotten) > 0:
		return errors.New("orders or decisions were answered as they must not be")
	case status != http.StatusOK || !strings.Contains(string(ready), "not on disk"):
		return fmt.Errorf("/readyz doesn't tell: %d %s", status, ready)
	}
	return nil
}

// counts are how many orders were answered in which way, given before and after a
// moment. unsure are those that were on their way then, and were answered 200 but
// not durable, which is no promise.
type counts struct{ before, unsure, after, refused, other int }

func count(answers []answer, moment time.Time) (n counts) {
	for i := range answers {
		a := &answers[i]
		late := a.begun.After(moment)
		switch {
		case a.acknowledged() && late:
			n.after++
		case a.acknowledged():
			n.before++
		case a.refused():
			n.refused++
		case a.status == http.StatusOK && !late:
			n.unsure++
		default:
			n.other++
		}
	}
	return n
}

func ordersOf(answers []answer) []order {
	orders := make([]order, len(answers))
	for i := range answers {
		orders[i] = answers[i].order
	}
	return orders
}

// wait waits, and reports whether riskd has outlived it.
func wait(ctx context.Context, r *server, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	case <-r.ended:
	}
	return r.alive()
}

// tracer is a strace that lets fsyncs fail. It comes to a process that runs,
// because the when=N of strace counts for each thread alone.
type tracer struct {
	cmd   *exec.Cmd
	file  string
	ended chan struct{}
	said  strings.Builder
}

func attach(ctx context.Context, strace string, pid int, file string) (*tracer, error) {
	const calls = "fsync,fdatasync,sync_file_range"
	t := &tracer{file: file, ended: make(chan struct{})}
	t.cmd = exec.CommandContext(ctx, strace, "-f", "-p", strconv.Itoa(pid), "-y", "-ttt", "-o", file,
		"-e", "trace="+calls, "-e", "inject="+calls+":error=EIO")
	t.cmd.Stderr = &t.said
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := t.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = t.cmd.Wait()
		close(t.ended)
	}()
	return t, nil
}

func (t *tracer) detach() {
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	<-t.ended
}

// firstFailure waits for the first fsync of a journal that fails, and says when
// it was called.
func (t *tracer) firstFailure(ctx context.Context) (time.Time, error) {
	for {
		select {
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		case <-t.ended:
			return time.Time{}, fmt.Errorf("%w: strace can't trace: %s", errSkipped, t.said.String())
		case <-time.After(20 * time.Millisecond):
		}
		text, err := os.ReadFile(t.file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return time.Time{}, err
		}
		if at, ok := failureIn(string(text)); ok {
			return at, nil
		}
	}
}

// failureIn finds the first call for a file of the ledger or of the audit log in
// what strace wrote, if any call has failed by now. Without either no order may be
// acknowledged.
func failureIn(text string) (at time.Time, ok bool) {
	if !strings.Contains(text, "(INJECTED)") {
		return at, false
	}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text()) // pid, Unix seconds, the call
		if len(fields) < 3 || !strings.Contains(fields[2], "/orders-") && !strings.Contains(fields[2], "/audit-") {
			continue
		}
		seconds, micros, _ := strings.Cut(fields[1], ".")
		s, err1 := strconv.ParseInt(seconds, 10, 64)
		us, err2 := strconv.ParseInt(micros, 10, 64)
		return time.Unix(s, us*1000), err1 == nil && err2 == nil
	}
	return at, false
}

//go:build linux

// Command speed measures riskd beside the least that an HTTP service in Go can
// do and beside OPA's own server, in one run on one machine: requests per
// second, latency, CPU time and allocations per request. README.md tells how.
//
// It says nothing about how well riskd detects, nor about more than one core.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/riskd/riskd/bench/process"
)

// options are the flags.
type options struct {
	rounds      int
	slice       time.Duration
	connections int
	only        []string
	json, html  string
	out         string
}

// targets are the servers, in the order in which they take their turns.
var targets = []string{"floor", "opa", "riskd"}

func main() {
	o := options{only: targets}
	serve := flag.String("serve", "", "be the server `floor` or gateways (used by the bench itself)")
	at := flag.String("at", "", "where -serve listens (used by the bench itself)")
	rpcs := flag.String("grpc", "", "where -serve listens for gRPC (used by the bench itself)")
	replies := flag.String("replies", "", "folder of -serve's replies (used by the bench itself)")
	flag.IntVar(&o.rounds, "rounds", 5, "how many rounds to take the median of")
	flag.DurationVar(&o.slice, "for", 800*time.Millisecond, "how long each timed slice lasts; a round has 30")
	flag.IntVar(&o.connections, "connections", 32, "connections that are kept open")
	flag.Func("only", "measure only these `targets`, such as floor,riskd", func(s string) error {
		o.only = strings.Split(s, ",")
		return nil
	})
	flag.StringVar(&o.json, "json", "", "write the report to this `file` as JSON")
	flag.StringVar(&o.html, "html", "", "write the report to this `file` as a page that needs nothing else")
	flag.StringVar(&o.out, "out", "", "write speed.json and speed.html into this `folder`")
	flag.Parse()

	err := o.check(flag.Args())
	switch {
	case err != nil:
	case *serve == "floor":
		err = serveFloor(*at, *replies)
	case *serve == "gateways":
		err = serveBareGateways(*at, *rpcs)
	case *serve != "":
		err = fmt.Errorf("-serve %s: only floors are served from here", *serve)
	default:
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = o.run(ctx, os.Stdout)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func (o *options) check(args []string) error {
	for _, name := range o.only {
		if !slices.Contains(targets, name) {
			return fmt.Errorf("-only: %q is not one of %s", name, strings.Join(targets, ", "))
		}
	}
	switch {
	case len(args) > 0:
		return fmt.Errorf("%q: takes flags only; -h lists them", args[0])
	case o.rounds < 1:
		return errors.New("-rounds: must be 1 or more")
	case o.slice < 10*time.Millisecond:
		return errors.New("-for: must be 10ms or more: shorter slices measure their own ends")
	case o.connections < 1:
		return errors.New("-connections: must be 1 or more")
	}
	return nil
}

// run is the whole bench: build, start, measure, report.
func (o *options) run(ctx context.Context, w io.Writer) error {
	progress := newProgress(os.Stderr)
	lab, machine, err := newLab(progress)
	if err != nil {
		return err
	}
	defer lab.close()
	all, err := lab.startAll(ctx, time.Now())
	if err != nil {
		return err
	}
	if lab.own != process.AnyCore {
		if err := process.PinSelf(lab.own); err != nil {
			return err
		}
	}
	b := &bench{
		targets: slices.DeleteFunc(all, func(t *target) bool { return !slices.Contains(o.only, t.name) }),
		rounds:  o.rounds, slice: o.slice, connections: o.connections,
		spin: lab.own != process.AnyCore, progress: progress,
	}
	report := &Report{
		At: time.Now(), Machine: machine, Rounds: o.rounds, SliceMS: o.slice.Milliseconds(), Connections: o.connections,
	}
	report.Cases, err = b.run(ctx)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err != nil {
		return err
	}
	progress.done()
	report.summarise()
	report.Notes = report.notes()
	return errors.Join(writeTable(w, report), o.write(report))
}

// write writes the files that were asked for.
func (o *options) write(r *Report) error {
	asJSON := func(w io.Writer, r *Report) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "\t")
		return e.Encode(r)
	}
	var faults []error
	for _, f := range []struct {
		name  string
		write func(io.Writer, *Report) error
	}{
		{o.json, asJSON},
		{o.html, writeHTML},
		{inFolder(o.out, "speed.json"), asJSON},
		{inFolder(o.out, "speed.html"), writeHTML},
	} {
		if f.name != "" {
			faults = append(faults, writeFile(f.name, r, f.write))
		}
	}
	return errors.Join(faults...)
}

func inFolder(dir, name string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, name)
}

func writeFile(name string, r *Report, write func(io.Writer, *Report) error) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f, r), f.Close())
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
)

const replayText = `Decides recorded events again, each file in an engine of its own, with the events'
time as the clock: the same file gives the same output, to the byte.

A trace (- for standard input) has a line for each event: {"decision":{…}},
{"telemetry":{…}} or {"identity":{…}} with the document that was sent, its time set;
an event may bring its place along. A scenario (.txtar) also says which decisions are
wanted: riskd shows where they differ and ends with 1.

Without -config, places are those of the made-up world of ` + "`riskd dev`" + `.
` + measureText + againstText + formatText

func replayCommand(flags *flag.FlagSet) action {
	file := flags.String("config", "", "take geo data and policy from the config `FILE`")
	pack := flags.String("pack", "", "judge by the policy pack in `DIR`, whatever the config says")
	format := formatFlag(flags)
	asJSON := flags.Bool("json", false, "print decisions as JSON, one a line, and the summary on standard error; with -against or -labels, the report as JSON")
	var figures studyFlags
	figures.define(flags)
	return func(ctx context.Context, std stdio, args []string) error {
		if len(args) == 0 {
			return &usageError{"replay needs a trace", "for example `riskd replay trace.ndjson`, or - for standard input; flags come before it"}
		}
		figures.takeColumns(*format, args)
		if err := figures.unused(); err != nil {
			return err
		}
		r, err := newReplay(*file, *pack)
		if err != nil {
			return err
		}
		defer r.locator.Close()
		if r.baseline, err = newBaseline(*format); err != nil {
			return err
		}
		out := bufio.NewWriter(std.out)
		r.std, r.out, r.coloured, r.asJSON = std, out, colours(std.out), *asJSON
		switch {
		case figures.pack != "":
			return r.against(ctx, &figures, args)
		case figures.labels != "":
			return r.measure(ctx, &figures, args)
		}
		var faults []error
		for _, name := range args {
			faults = append(faults, r.file(ctx, name))
		}
		if r.asJSON {
			r.sum.print(std.err)
			faults = append(faults, r.baseline.print(std.err))
		} else {
			r.sum.print(out)
			faults = append(faults, r.baseline.print(out))
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if list := flatten(errors.Join(faults...)); list != nil {
			return &problems{"replay found " + count(len(list), "problem"), list}
		}
		return nil
	}
}

// replay decides recorded events again.
type replay struct {
	config   *config
	pack     packSource
	locator  *geo.Locator
	std      stdio
	out      *bufio.Writer // to std.out
	coloured bool
	asJSON   bool
	sum      summary
	baseline *baseline // nil unless the files are the RBA data set
}

func newReplay(file, pack string) (*replay, error) {
	c, err := loadConfig(file)
	if err != nil {
		return nil, err
	}
	o := madeUpWorld()
	if file != "" {
		o = geoOptions(c)
		o.Now = nil // how old a database is today is nothing to a trace
	}
	if pack == "" {
		pack = c.Policy.Pack
	}
	r := &replay{config: c, sum: newSummary()}
	if r.pack, err = newPackSource(pack); err != nil {
		return nil, err
	}
	if r.locator, err = geo.Open(o); err != nil {
		return nil, err
	}
	for _, status := range r.locator.Status() {
		if status.Err != nil {
			r.locator.Close()
			return nil, status.Err
		}
	}
	return r, nil
}

// file replays one file: a scenario by its ending, else a trace.
func (r *replay) file(ctx context.Context, name string) error {
	if filepath.Ext(name) != ".txtar" {
		return r.trace(ctx, name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	s, err := fixtures.ParseScenario(name, data)
	if err != nil {
		return err
	}
	return r.scenario(ctx, name, &s)
}

// scenario decides a scenario's events and compares the decisions with the
// wanted ones.
func (r *replay) scenario(ctx context.Context, name string, s *fixtures.Scenario) error {
	run, err := r.begin(name+": "+s.Title, s.Tuning)
	if err != nil {
		return inScenario(name, err)
	}
	var faults []error
	want := s.Want
	for i, line := range s.Events {
		d, asked, err := run.line(ctx, line)
		if err != nil {
			faults = append(faults, at(name, s.Lines[i], err))
		}
		if !asked {
			continue
		}
		if err == nil {
			faults = append(faults, at(name, want[0].Line, want[0].Check(&d)))
		}
		want = want[1:]
	}
	return errors.Join(faults...)
}

// inScenario names the scenario whose tuning is wrong.
func inScenario(name string, err error) error {
	var list []error
	for _, e := range flatten(err) {
		list = append(list, fmt.Errorf("%s: %w", name, e))
	}
	return errors.Join(list...)
}

// maxLine is the length of the longest line of a trace: an event and its wrapping.
const maxLine = api.MaxEvent + 1024

// progressEvery is after how many lines of a trace progress is shown.
const progressEvery = 50_000

// trace decides a trace's events as it reads them. A line that is no event is
// reported, and the rest goes on.
func (r *replay) trace(ctx context.Context, name string) error {
	in, err := r.open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	run, err := r.begin(name, nil)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	var faults []error
	number := 1
	for ; lines.Scan() && len(faults) < maxFaults; number++ {
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if _, _, err := run.line(ctx, line); err != nil {
				faults = append(faults, at(name, number, err))
			}
		}
		if number%progressEvery == 0 {
			fmt.Fprintf(r.std.err, "riskd: %s: %d lines so far\n", name, number)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		faults = append(faults, at(name, number, fmt.Errorf("is longer than %d bytes", maxLine)))
	} else if err != nil {
		faults = append(faults, unreadable(name, number, err))
	}
	if len(faults) >= maxFaults {
		faults = append(faults, fmt.Errorf("%s: is given up after %d lines with faults", name, maxFaults))
	}
	return errors.Join(faults...)
}

// maxFaults is after how many lines that are no events a trace isn't one.
const maxFaults = 20

// at puts a place in front of every fault.
func at(file string, line int, err error) error {
	var list []error
	for _, e := range flatten(err) {
		list = append(list, fmt.Errorf("%s:%d: %w", file, line, e))
	}
	return errors.Join(list...)
}

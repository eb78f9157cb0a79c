package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
	"github.com/riskd/riskd/replay/measure"
	"github.com/riskd/riskd/sessions"
)

// studyFlags are those of a replay that tells figures rather than decisions: of a pack
// by labels, or of two packs.
type studyFlags struct {
	pack, labels, stepUps, page, maximum, failOn, from, until, aside string
}

func (f *studyFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.pack, "against", "", "compare with the policy pack in `DIR`")
	flags.StringVar(&f.labels, "labels", "", "measure detection by the labels in `FILE`")
	flags.StringVar(&f.stepUps, "step-ups", "", "with -against or -labels: `HOW` step-ups are taken, recorded or passed")
	flags.StringVar(&f.page, "html", "", "with -against or -labels: write the report to `FILE` as a page, too")
	flags.StringVar(&f.from, "from", "", "with -labels: measure what begins at `TIME` or later, or as many days into the trace as 35d; what is earlier is history")
	flags.StringVar(&f.until, "until", "", "with -labels: measure what begins before `TIME`, or as many days into the trace as 52d")
	flags.StringVar(&f.aside, "aside", "", "with -labels: leave the families in `LIST` out of means of families, such as F12, which is there to show a floor")
	flags.StringVar(&f.maximum, "max-diverging", "", "with -against: fail if more sessions diverge than `LIMIT`, such as 0.5% or 20")
	flags.StringVar(&f.failOn, "fail-on", "", "fail on anything in `LIST`: with -against revoked, stepped_up, missed, false_alarms; with -labels bounds such as tpr<0.9,fsu>0.1")
}

// unused reports a flag that says something about figures where there are none.
func (f *studyFlags) unused() error {
	switch {
	case f.pack != "" && (f.from != "" || f.until != ""):
		return &usageError{"replay: -from and -until are for measuring one pack", "leave out -against DIR, or them"}
	case f.pack != "" || *f == (studyFlags{}) || f.labels != "" && f.maximum == "":
		return nil
	case f.labels != "":
		return &usageError{"replay: -max-diverging is for a comparison", "give the other pack with -against DIR"}
	default:
		return &usageError{
			"replay: -step-ups, -html, -from, -until, -aside, -max-diverging and -fail-on are for a comparison or for labels",
			"give the other pack with -against DIR, or labels with -labels FILE",
		}
	}
}

// sparing lets garbage grow to three times what is in use until the function that it
// gives is called: a study makes much of it and keeps little, and a fifth of its time went
// into collecting.
func sparing() (back func()) {
	before := debug.SetGCPercent(300)
	return func() { debug.SetGCPercent(before) }
}

// study is a replay that tells figures, ready to run.
type study struct {
	replay  *replay
	flags   *studyFlags
	bounds  replayBounds
	options records.Options
	engines []*sideEngine
}

// newStudy puts together what both kinds of studies need.
func newStudy(r *replay, f *studyFlags, names []string, sources ...packSource) (*study, error) {
	s := &study{replay: r, flags: f}
	for _, name := range names {
		if filepath.Ext(name) == ".txtar" {
			return nil, &usageError{"replay: " + name + " is a scenario; -against and -labels are for traces", "replay it with each pack by itself"}
		}
	}
	err := r.checkRBALabels(f.labels, names)
	if err != nil {
		return nil, err
	}
	if s.bounds, err = parseReplayBounds(f); err != nil {
		return nil, err
	}
	o := &s.options
	if o.StepUps, err = f.mode(); err != nil {
		return nil, err
	}
	for name, bound := range map[string]*records.Bound{"from": &o.From, "until": &o.Until} {
		text := f.from
		if name == "until" {
			text = f.until
		}
		if *bound, err = parseBound("replay", name, text); err != nil {
			return nil, err
		}
	}
	key, err := riskd.NewSessionKey(replayKey)
	if err != nil {
		return nil, err
	}
	for _, source := range sources {
		if err := s.add(source); err != nil {
			return nil, err
		}
	}
	o.Decode, o.MaxLine = decoder(key), maxLine
	o.Figures = measure.Options{Resamples: measure.DefaultResamples}
	if f.aside != "" {
		o.Figures.Aside = strings.Split(f.aside, ",")
	}
	o.Progress = func(lines int) { fmt.Fprintf(r.std.err, "riskd: %d lines so far\n", lines) }
	o.Labels = func() (*records.Labels, error) { return r.labels(f.labels, names) }
	return s, nil
}

// decoder gives what reads one line of a trace.
func decoder(key *riskd.SessionKey) func(line []byte) (records.Line, error) {
	return func(line []byte) (records.Line, error) {
		in, err := decodeLine(line, key)
		return records.Line{Event: in.event, Identity: in.identity}, err
	}
}

// mode says what becomes of step-ups: with labels it is known who is honest.
func (f *studyFlags) mode() (records.StepUps, error) {
	switch {
	case f.stepUps == "" && f.labels != "":
		return records.Passed, nil
	case f.stepUps == "":
		return records.Recorded, nil
	}
	mode, err := records.ParseStepUps(f.stepUps)
	if err != nil {
		err = &usageError{"replay: -step-ups " + err.Error(), "`riskd help replay` says what they mean"}
	}
	return mode, err
}

// add puts in a pack, with an engine and a memory of its own.
func (s *study) add(source packSource) error {
	pack, err := source.compile(nil)
	if err != nil {
		return err
	}
	memory := &s.replay.config.Memory
	engine, err := newSideEngine(pack, s.replay.locator, sessions.Options{MaxSessions: memory.MaxSessions, MaxProfiles: memory.MaxProfiles})
	if err != nil {
		return err
	}
	s.engines = append(s.engines, engine)
	s.options.Engines = append(s.options.Engines, engine)
	s.options.Packs = append(s.options.Packs, packName(pack))
	return nil
}

func packName(p *policies.Pack) records.Pack {
	in := p.Info()
	return records.Pack{Name: in.Name, Revision: in.Revision, StepUpNats: in.Tuning.StepUpNats, RevokeNats: in.Tuning.RevokeNats}
}

// parseBound reads a command's bound: a time, or a number of days into the trace.
func parseBound(command, name, text string) (records.Bound, error) {
	if text == "" {
		return records.Bound{}, nil
	}
	if digits, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseFloat(digits, 64); err == nil && days > 0 && days < 36500 {
			return records.Bound{After: time.Duration(days * 24 * float64(time.Hour))}, nil
		}
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return records.Bound{Time: at.UTC()}, nil
		}
	}
	return records.Bound{}, &usageError{fmt.Sprintf("%s: -%s %q is neither a time nor a number of days", command, name, text), fmt.Sprintf("for example -%s 2026-03-02, -%s 2026-03-02T09:00:00Z or -%s 35d", name, name, name)}
}

// readLabels gives nil if there is no file.
func readLabels(name string) (*records.Labels, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	labels, err := records.ReadLabels(name, bufio.NewReaderSize(file, 1<<16))
	if list := flatten(err); list != nil {
		return nil, &problems{"labels have " + count(len(list), "problem"), list}
	}
	return labels, nil
}

// open opens the parts of the trace.
func (s *study) open(names []string) (done func(), err error) {
	var files []io.Closer
	done = func() {
		for _, f := range files {
			f.Close()
		}
	}
	for _, name := range names {
		in, err := s.replay.open(name)
		if err != nil {
			return done, err
		}
		files = append(files, in)
		s.options.Traces = append(s.options.Traces, records.Trace{Name: name, In: in})
	}
	return done, nil
}

// finish ends with what went wrong: lines that are none, what kept the report from
// being made or printed, and bounds that it is beyond.
func (s *study) finish(faults []error, err error, beyond func() error) error {
	for i, engine := range s.engines {
		if n := engine.memory.Stats().EvictedSessions; n > 0 {
			fmt.Fprintf(s.replay.std.err, "riskd: %s: %s had to be forgotten early, and by chance which: raise memory.max_sessions in the config\n",
				s.options.Packs[i].Name, count(int(n), "session"))
		}
	}
	if faults != nil {
		if err != nil {
			faults = append(faults, flatten(err)...)
		}
		return &problems{"replay found " + count(len(faults), "problem"), faults}
	}
	if err != nil {
		return err
	}
	return beyond()
}

// studyReport is a report in all its forms.
type studyReport interface {
	Text(out io.Writer) error
	HTML(out io.Writer) error
}

// print puts a report out in the forms that are asked for.
func (s *study) print(report studyReport) error {
	var err error
	if s.replay.asJSON {
		e := json.NewEncoder(s.replay.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		err = e.Encode(report)
	} else {
		err = report.Text(s.replay.out)
	}
	if s.flags.page != "" {
		err = errors.Join(err, writePage(s.flags.page, report))
	}
	return errors.Join(err, s.replay.out.Flush())
}

func writePage(name string, report studyReport) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	return errors.Join(report.HTML(out), out.Flush(), file.Close())
}

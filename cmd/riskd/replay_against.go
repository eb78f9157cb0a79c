package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
)

const againstText = `
With -against, the files are the parts of one trace, in their order. It is run under
both packs, each with a memory of its own, and riskd reports which sessions are
answered differently and where that begins, who would be asked for a step-up or sent
away under the one and not under the other, and what the reasons are. The report is
the same to the byte whenever it is made, by however many workers.

With -labels it also says which attacks each pack catches, after how many requests,
and how many other sessions it alarms: a line {"event":ID,"attack":ID,"family":NAME,
"onset":BOOL} for each event of an attack. Engines never see the labels.

A trace holds the proof of a step-up only where the recorded policy asked for one.
-step-ups recorded takes just that, so that a session which only B asks waits to its
end; -step-ups passed has everybody pass at once whom no label calls an attacker.

It ends with 0, or with 1 if -max-diverging or -fail-on say so, which makes it a gate
for pull requests; docs/replay.md describes the report and its JSON.
`

// againstFlags are those of a comparison.
type againstFlags struct {
	pack, labels, stepUps, page, maximum, failOn string
	workers                                      int
}

func (f *againstFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&f.pack, "against", "", "compare with the policy pack in `DIR`")
	flags.StringVar(&f.labels, "labels", "", "with -against: measure detection by the labels in `FILE`")
	flags.StringVar(&f.stepUps, "step-ups", "", "with -against: `HOW` step-ups are taken, recorded or passed")
	flags.StringVar(&f.page, "html", "", "with -against: write the report to `FILE` as a page, too")
	flags.StringVar(&f.maximum, "max-diverging", "", "with -against: fail if more sessions diverge than `LIMIT`, such as 0.5% or 20")
	flags.StringVar(&f.failOn, "fail-on", "", "with -against: fail if any session or attack is in `LIST`: revoked, stepped_up, missed, false_alarms")
	flags.IntVar(&f.workers, "workers", 0, "with -against: run `N` batches at once; 0 is one for each processor")
}

// unused reports a flag that says something about a comparison where there is none.
func (f *againstFlags) unused() error {
	if f.pack != "" || *f == (againstFlags{}) {
		return nil
	}
	return &usageError{"replay: -labels, -step-ups, -html, -max-diverging, -fail-on and -workers are for a comparison", "give the other pack with -against DIR"}
}

// comparing is a comparison, ready to run.
type comparing struct {
	replay *replay
	packs  [2]*policies.Pack
	key    *riskd.SessionKey
	flags  *againstFlags
	bounds replayBounds
	mode   records.StepUps
	labels *records.Labels
}

// against compares the pack of r with another.
func (r *replay) against(ctx context.Context, f *againstFlags, names []string) error {
	c, err := newComparing(r, f, names)
	if err != nil {
		return err
	}
	traces, done, err := openTraces(names, r.open)
	defer done()
	if err != nil {
		return err
	}
	report, faults, err := records.Compare(ctx, records.Options{
		Traces: traces, Decode: c.decode, MaxLine: maxLine, Engines: c.engines,
		Packs:  [2]records.Pack{packName(c.packs[0]), packName(c.packs[1])},
		Labels: c.labels, StepUps: c.mode, Workers: f.workers,
		Progress: func(pass, lines int) {
			fmt.Fprintf(r.std.err, "riskd: pass %d of 2: %d lines so far\n", pass, lines)
		},
	})
	if err == nil {
		err = c.print(report)
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
	return c.bounds.check(report)
}

func newComparing(r *replay, f *againstFlags, names []string) (*comparing, error) {
	c := &comparing{replay: r, flags: f}
	var err error
	switch {
	case f.workers < 0:
		return nil, &usageError{"replay: -workers must be 1 or more", "leave it out to use every processor"}
	case f.workers == 0:
		f.workers = runtime.GOMAXPROCS(0)
	}
	for _, name := range names {
		if filepath.Ext(name) == ".txtar" {
			return nil, &usageError{"replay: " + name + " is a scenario; -against compares traces", "replay it with each pack by itself"}
		}
	}
	if f.stepUps == "" {
		f.stepUps = records.Recorded.String()
	}
	if c.mode, err = records.ParseStepUps(f.stepUps); err != nil {
		return nil, &usageError{"replay: -step-ups " + err.Error(), "`riskd help replay` says what they mean"}
	}
	if c.bounds, err = parseReplayBounds(f); err != nil {
		return nil, err
	}
	if c.labels, err = r.labels(f.labels, names); err != nil {
		return nil, err
	}
	other, err := newPackSource(f.pack)
	if err != nil {
		return nil, err
	}
	for side, source := range []packSource{r.pack, other} {
		if c.packs[side], err = source.compile(nil); err != nil {
			return nil, err
		}
	}
	c.key, err = riskd.NewSessionKey(replayKey)
	return c, err
}

func readLabels(name string) (*records.Labels, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	labels, err := records.ReadLabels(name, file)
	if list := flatten(err); list != nil {
		return nil, &problems{"labels have " + count(len(list), "problem"), list}
	}
	return labels, nil
}

func packName(p *policies.Pack) records.Pack {
	return records.Pack{Name: p.Info().Name, Revision: p.Info().Revision}
}

// openTraces opens the parts of a trace. What isn't a file is put into one first, since
// a trace is read twice.
func openTraces(names []string, open func(name string) (io.ReadCloser, error)) (traces []records.Trace, done func(), err error) {
	var files []*os.File
	done = func() {
		for _, f := range files {
			f.Close()
		}
	}
	for _, name := range names {
		input, err := open(name)
		if err != nil {
			return nil, done, err
		}
		file, ok := input.(*os.File)
		if !ok || !isRegular(file) {
			file, err = spooled(input)
			input.Close()
			if err != nil {
				return nil, done, fmt.Errorf("%s: can't be kept for the second pass: %w", name, err)
			}
		}
		files = append(files, file)
		traces = append(traces, records.Trace{Name: name, In: file})
	}
	return traces, done, nil
}

func isRegular(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode().IsRegular()
}

// spooled copies what can be read once into a file without a name, which is gone when it
// is closed.
func spooled(in io.Reader) (*os.File, error) {
	file, err := os.CreateTemp("", "riskd-replay-*")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(file.Name()); err == nil {
		_, err = io.Copy(file, in)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func (c *comparing) decode(line []byte) (records.Line, error) {
	in, err := decodeLine(line, c.key)
	return records.Line{Event: in.event, Identity: in.identity}, err
}

func (c *comparing) engines(capacity int) (engines [2]records.Engine, err error) {
	for side, pack := range c.packs {
		if engines[side], err = newSideEngine(pack, c.replay.locator, capacity); err != nil {
			return engines, err
		}
	}
	return engines, nil
}

// print puts the report out in the forms that are asked for.
func (c *comparing) print(report *records.Report) error {
	var err error
	if c.replay.asJSON {
		e := json.NewEncoder(c.replay.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", " ")
		err = e.Encode(report)
	} else {
		err = report.Text(c.replay.out)
	}
	if c.flags.page != "" {
		err = errors.Join(err, writePage(c.flags.page, report))
	}
	return errors.Join(err, c.replay.out.Flush())
}

func writePage(name string, report *records.Report) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	return errors.Join(report.HTML(out), out.Flush(), file.Close())
}

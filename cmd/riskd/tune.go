package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/riskd/riskd/tune"
)

const tuneText = `Looks for better numbers for a pack: thresholds, half-lives, caps, and the weights and
bounds of its rules. It looks for those that catch most of the labelled attacks, mean
of the families, while users are asked for no more false step-ups than the budget, and
for no more than 0.01 false revokes a month. A change has to earn its place.

The traces are the parts of one trace, as riskd replay reads them. The labels have a
line {"event":ID,"attack":ID,"family":NAME,"onset":BOOL} for each event of an attack,
and {"user":ID,"archetype":NAME} for users, if their kinds are known. Without labels,
or with -thresholds, only the two thresholds are set to the budget.

Three fifths of the users and the time before the last third are for training; the
report is about the other users in the last third. What is found is run through the
engine before it is reported. Where it is worse there than the pack as it was, or fits
the training part too closely, or asks too often, riskd says so, writes nothing and
ends with 1, unless -force.

The same trace, labels, pack and seed give the same bytes. docs/tune.md says more.
`

// tuneFlags are the command's.
type tuneFlags struct {
	config, pack, labels, from, out, page  string
	budget                                 float64
	seed                                   uint64
	rounds                                 int
	thresholds, leaveOneOut, asJSON, force bool
}

func tuneCommand(flags *flag.FlagSet) action {
	var f tuneFlags
	flags.StringVar(&f.config, "config", "", "take geo data and policy from the config `FILE`")
	flags.StringVar(&f.pack, "pack", "", "tune the policy pack in `DIR`, whatever the config says")
	flags.StringVar(&f.labels, "labels", "", "the attacks are labelled in `FILE`")
	flags.Float64Var(&f.budget, "budget", 0.1, "`N` false step-ups are allowed for each user and month")
	flags.Uint64Var(&f.seed, "seed", 1, "`N` parts the users and orders the search")
	flags.StringVar(&f.from, "from", "", "count from `WHEN` on, a time or as long after the trace's beginning; a quarter of the trace unless given")
	flags.IntVar(&f.rounds, "rounds", 4, "try all numbers `N` times, by less each time")
	flags.BoolVar(&f.thresholds, "thresholds", false, "set the thresholds alone")
	flags.BoolVar(&f.leaveOneOut, "leave-one-out", false, "search without each family of attacks in turn, too, and tell what is caught of it")
	flags.StringVar(&f.out, "out", "", "write the new tuning.json to `FILE`, and the report beside it")
	flags.StringVar(&f.page, "html", "", "write the report to `FILE` as a page, too")
	flags.BoolVar(&f.asJSON, "json", false, "print the report as JSON")
	flags.BoolVar(&f.force, "force", false, "write what is found even if there are reasons not to use it")
	return func(ctx context.Context, std stdio, args []string) error {
		if err := f.check(args); err != nil {
			return err
		}
		t, err := newTuneRun(&f, std, args)
		if err != nil {
			return err
		}
		defer t.close()
		report, err := tune.Run(ctx, t.options())
		if err != nil {
			return tuneFault(err)
		}
		return t.finish(report)
	}
}

func (f *tuneFlags) check(args []string) error {
	switch {
	case len(args) == 0:
		return &usageError{"tune needs a trace", "for example `riskd tune -labels labels.ndjson trace.ndjson`; flags come before it"}
	case !(f.budget > 0) || f.budget > 1000:
		return &usageError{fmt.Sprintf("tune: -budget %g is no number of false step-ups", f.budget), "for example -budget 0.1: one in ten months, for each user"}
	case f.rounds < 1:
		return &usageError{"tune: -rounds must be 1 or more", "leave it out for 4"}
	}
	_, err := parseFrom(f.from)
	return err
}

// parseFrom reads a time, or how long after the trace's beginning it is.
func parseFrom(text string) (func(first, last time.Time) time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if after, err := time.ParseDuration(text); err == nil && after >= 0 {
		return func(first, _ time.Time) time.Time { return first.Add(after) }, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("tune: -from %q is neither a time nor how long after the beginning", text), "for example -from 840h, or -from 2026-03-02T00:00:00Z"}
	}
	return func(time.Time, time.Time) time.Time { return at }, nil
}

func tuneFault(err error) error {
	if errors.Is(err, tune.ErrNoAttacks) {
		return &hinted{err, "-thresholds sets the thresholds to the budget without any; docs/tune.md says how to label attacks"}
	}
	return err
}

// tuneRun is a tuning, ready to run.
type tuneRun struct {
	*replay
	flags    *tuneFlags
	labels   *tune.Labels
	document []byte // the pack's tuning.json
	recorder *tuneRecorder
	done     func()
	telling  sync.Mutex
}

// tell shows progress.
func (t *tuneRun) tell(format string, args ...any) {
	t.telling.Lock()
	defer t.telling.Unlock()
	fmt.Fprintf(t.std.err, "riskd: "+format+"\n", args...)
}

func newTuneRun(f *tuneFlags, std stdio, args []string) (*tuneRun, error) {
	r, err := newReplay(f.config, f.pack)
	if err != nil {
		return nil, err
	}
	r.std = std
	t := &tuneRun{replay: r, flags: f, done: func() {}}
	if t.labels, err = readTuneLabels(f.labels); err == nil {
		t.document, err = tuningOf(&r.pack)
	}
	if err == nil {
		t.recorder = &tuneRecorder{run: t}
		t.recorder.traces, t.done, err = openTuneTraces(args, std.in)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *tuneRun) close() {
	t.done()
	t.locator.Close()
}

func readTuneLabels(name string) (*tune.Labels, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	labels, err := tune.ReadLabels(name, file)
	if list := flatten(err); list != nil {
		return nil, &problems{"labels have " + count(len(list), "problem"), list}
	}
	return labels, nil
}

// tuningOf reads the pack's tuning.json as it is written.
func tuningOf(pack *packSource) ([]byte, error) {
	c, err := pack.load()
	if err != nil {
		return nil, err
	}
	files, err := c.fs()
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(files, "tuning.json")
}

func (t *tuneRun) options() tune.RunOptions {
	from, _ := parseFrom(t.flags.from) // was checked
	o := tune.RunOptions{
		Record: t.recorder.record, From: from, LeaveOneOut: t.flags.leaveOneOut,
		Say: func(what string) { t.tell("%s", what) },
	}
	o.Budget, o.Seed, o.Rounds = t.flags.budget, t.flags.seed, t.flags.rounds
	o.ThresholdsOnly = t.flags.thresholds || t.labels == nil
	o.Progress = func(done, of int, macro float64) {
		t.tell("%d of about %d tried, macro TPR %.3f on the training part", done, of, macro)
	}
	return o
}

// finish writes the report, and the new tuning.json if there is nothing against it.
func (t *tuneRun) finish(report *tune.Report) error {
	err := t.print(report)
	if t.flags.page != "" {
		err = errors.Join(err, writeFile(t.flags.page, report.HTML))
	}
	if err != nil {
		return err
	}
	var against []error
	for _, why := range report.Against {
		against = append(against, errors.New(why))
	}
	if against != nil && !t.flags.force {
		return &problems{"what was found is not to be used, and wasn't written (-force writes it)", against}
	}
	for _, why := range against {
		t.tell("warning: don't use it: %v", why)
	}
	return t.write(report)
}

func (t *tuneRun) print(report *tune.Report) error {
	out := bufio.NewWriter(t.std.out)
	if !t.flags.asJSON {
		return errors.Join(report.Text(out), out.Flush())
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return errors.Join(e.Encode(report), out.Flush())
}

// write writes the new tuning.json and the reasons beside it.
func (t *tuneRun) write(report *tune.Report) error {
	if t.flags.out == "" {
		return nil
	}
	changes := make([]tune.Change, len(report.Changes))
	for i := range changes {
		changes[i] = report.Changes[i].Change
	}
	document, err := tune.Rewrite(t.document, changes)
	if err != nil {
		return err
	}
	err = writeFile(t.flags.out, func(w io.Writer) error {
		_, err := w.Write(document)
		return err
	})
	return errors.Join(err, writeFile(strings.TrimSuffix(t.flags.out, ".json")+".why.txt", report.Text))
}

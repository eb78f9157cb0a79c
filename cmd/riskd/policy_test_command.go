package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

const policyTestText = `Runs the Rego tests of a pack (*_test.rego) and of the rules that it comes with, as
strictly as serve would serve them, and then plays scenarios through the engine:
the pack's own, in its folder scenarios, and those of -scenarios.

Shows where a test failed, on which values, and what it printed; which lines no
test evaluates; and which reasons have no test in which they are given, or none in
which they aren't. Ends with 1 when a test or a scenario fails, or when fewer of
the lines than the threshold are evaluated: of all together, or of the pack's own.
`

// shippedName is what -scenarios calls the scenarios that riskd brings along.
const shippedName = "shipped"

func policyTestCommand(flags *flag.FlagSet) action {
	var c policyTest
	flags.StringVar(&c.called, "pack", "default", "test the pack in `DIR`, or one that riskd brings along")
	only := flags.String("run", "", "run only tests whose package.name matches `REGEXP`, and no scenarios")
	flags.Float64Var(&c.threshold, "threshold", 0.9, "the `SHARE` of lines that tests have to evaluate, 0 to 1")
	flags.StringVar(&c.scenarios, "scenarios", "", "also play the scenarios in `DIR`, or shipped: those that riskd brings along")
	flags.BoolVar(&c.asJSON, "json", false, "print what came of it as one JSON document")
	watch := flags.Bool("watch", false, "test again whenever a file of the pack changes")
	return func(ctx context.Context, std stdio, args []string) (err error) {
		if len(args) > 0 {
			return &usageError{"policy test takes no arguments", "the pack is named with -pack"}
		}
		if !(c.threshold >= 0 && c.threshold <= 1) {
			return &usageError{fmt.Sprintf("policy test: threshold %g is no share", c.threshold), "it is 0 to 1, such as 0.9"}
		}
		if *only != "" {
			if c.only, err = regexp.Compile(*only); err != nil {
				return &usageError{"policy test: -run: " + err.Error(), "for example -run 'hours_test'"}
			}
		}
		if c.source, err = newPackSource(c.called); err != nil {
			return err
		}
		if *watch {
			return c.watch(ctx, std)
		}
		return c.run(ctx, std)
	}
}

// policyTest is what policy test was asked for.
type policyTest struct {
	source    packSource
	called    string // what the pack was called
	only      *regexp.Regexp
	threshold float64
	scenarios string
	asJSON    bool
}

// tested is what came of it.
type tested struct {
	Pack string `json:"pack"`
	*policies.TestReport
	OwnCoverage float64          `json:"own_coverage"` // of the pack's own files alone
	Scenarios   []playedScenario `json:"scenarios"`
	Faults      []string         `json:"faults,omitempty"` // what kept it from being tested, or wasn't reached
	Passed      bool             `json:"passed"`
}

// playedScenario is what came of a scenario.
type playedScenario struct {
	File   string   `json:"file"`
	Title  string   `json:"title"`
	Faults []string `json:"faults,omitempty"`
}

func (c *policyTest) run(ctx context.Context, std stdio) error {
	t := &tested{Pack: c.source.name, Scenarios: []playedScenario{}}
	files, err := packFiles(c.source)
	if err != nil {
		return err
	}
	pack, err := c.source.compile(nil)
	if err == nil {
		run := policies.TestRun{Options: policies.Options{Signals: signals.Descriptions()}, Only: c.only, Explain: true}
		t.TestReport, err = run.Test(ctx, c.source.name, files)
	}
	faults := flatten(err)
	if err != nil {
		t.TestReport = &policies.TestReport{Tests: []policies.TestResult{}}
		t.Faults = texts(faults)
	} else {
		faults = c.judge(t)
		if c.only == nil {
			faults = append(faults, c.play(ctx, recompile(pack, files), files, t)...)
		}
	}
	t.Passed = len(faults) == 0
	shown := faults
	if c.asJSON {
		shown = nil
		if err := printTested(std.out, t); err != nil {
			return err
		}
	} else if err == nil {
		c.print(std.out, t)
	}
	if t.Passed {
		return nil
	}
	return &problems{"policy test found " + count(len(faults), "problem"), shown}
}

func texts(errs []error) []string {
	var list []string
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}

// judge holds the tests against what they have to come to.
func (c *policyTest) judge(t *tested) (faults []error) {
	for i := range t.Tests {
		r := &t.Tests[i]
		r.File = shownAs(c.called, r.File)
		if r.FailedAt != nil {
			r.FailedAt.File = shownAs(c.called, r.FailedAt.File)
		}
		if r.Outcome == policies.TestFailed {
			faults = append(faults, failedTest{r})
		}
	}
	lines, covered := 0, 0
	for i := range t.Files {
		f := &t.Files[i]
		if !strings.HasPrefix(f.File, "rego/") {
			lines, covered = lines+f.Lines, covered+f.Covered
		}
		f.File = shownAs(c.called, f.File)
	}
	for i := range t.Reasons {
		t.Reasons[i].File = shownAs(c.called, t.Reasons[i].File)
	}
	if t.OwnCoverage = 1; lines > 0 {
		t.OwnCoverage = float64(covered) / float64(lines)
	}
	if err := c.enough(t); err != nil {
		t.Faults = append(t.Faults, err.Error())
		faults = append(faults, err)
	}
	return faults
}

// enough reports that too little was tested.
func (c *policyTest) enough(t *tested) error {
	switch {
	case c.only != nil && len(t.Tests) == 0:
		return fmt.Errorf("pack %s: no test matches %s", c.source.name, c.only)
	case c.only != nil: // some tests can't evaluate all
	case t.OwnCoverage < c.threshold:
		return fmt.Errorf("pack %s: tests evaluate %s of the pack's own lines; the threshold is %s", c.source.name, covered(t.OwnCoverage), covered(c.threshold))
	case t.Coverage < c.threshold:
		return fmt.Errorf("pack %s: tests evaluate %s of the lines; the threshold is %s", c.source.name, covered(t.Coverage), covered(c.threshold))
	}
	return nil
}

// play plays the scenarios.
func (c *policyTest) play(ctx context.Context, compile compilePack, files fs.FS, t *tested) []error {
	scenarios, err := c.readScenarios(files)
	faults := flatten(err)
	t.Faults = append(t.Faults, texts(faults)...)
	if len(scenarios) == 0 {
		return faults
	}
	run, err := newScenarioRun(compile)
	if err != nil {
		return append(faults, err)
	}
	defer run.close()
	for i := range scenarios {
		s := &scenarios[i]
		played := playedScenario{File: s.file, Title: s.Title}
		found := flatten(run.play(ctx, s.file, &s.Scenario))
		faults = append(faults, found...)
		played.Faults = texts(found)
		t.Scenarios = append(t.Scenarios, played)
	}
	return faults
}

func (c *policyTest) readScenarios(files fs.FS) ([]scenarioFile, error) {
	all, err := readScenarios(files, ownScenarios, c.called)
	var more []scenarioFile
	var moreErr error
	switch {
	case c.scenarios == shippedName:
		more, moreErr = shippedScenarios()
	case c.scenarios != "":
		more, moreErr = readScenarios(os.DirFS(c.scenarios), "*.txtar", c.scenarios)
		if moreErr == nil && len(more) == 0 {
			moreErr = fmt.Errorf("%s: has no scenarios; they are files that end in .txtar", c.scenarios)
		}
	}
	return append(all, more...), errors.Join(err, moreErr)
}

func printTested(out io.Writer, t *tested) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(t)
}

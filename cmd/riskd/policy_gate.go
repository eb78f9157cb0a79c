package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// What a pack has to pass before it comes into force while riskd serves: nothing
// that was tested by hand only is taken on trust.

// ownScenarios is where a pack has its scenarios.
const ownScenarios = "scenarios/*.txtar"

// passTests runs the tests of a pack and of the library with it.
func passTests(ctx context.Context, next *policies.Pack, files fs.FS) error {
	report, err := policies.Test(ctx, next.Info().Name, files, policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		return err
	}
	passed := report.Count(policies.TestPassed)
	countTests(ctx, passed+report.Count(policies.TestFailed), passed)
	return inPack(next, report.Err())
}

// passScenarios plays a pack's own scenarios.
func passScenarios(ctx context.Context, next *policies.Pack, files fs.FS) error {
	scenarios, err := readScenarios(files, ownScenarios, "")
	if err != nil || len(scenarios) == 0 {
		return inPack(next, err)
	}
	run, err := newScenarioRun(recompile(next, files))
	if err != nil {
		return err
	}
	defer run.close()
	var faults []error
	for i := range scenarios {
		faults = append(faults, run.play(ctx, scenarios[i].file, &scenarios[i].Scenario))
	}
	return inPack(next, errors.Join(faults...))
}

// passBudget gives a check of what rules cost, each and together.
func passBudget(perRule, whole time.Duration) func(context.Context, *policies.Pack, fs.FS) error {
	return func(ctx context.Context, next *policies.Pack, files fs.FS) error {
		c := policyCheck{perRule: perRule, whole: whole}
		c.source.name = next.Info().Name
		if err := c.measure(ctx, recompile(next, files), files); err != nil {
			return err
		}
		var faults []error
		for _, f := range c.findings {
			faults = append(faults, &policies.Fault{Code: f.Code, File: f.File, Row: f.Line, Col: f.Column, Message: f.Message})
		}
		return inPack(next, errors.Join(faults...))
	}
}

// recompile gives a compiled pack, and compiles it again only under other tuning.
func recompile(pack *policies.Pack, files fs.FS) compilePack {
	return func(overlay []byte) (*policies.Pack, error) {
		if overlay == nil {
			return pack, nil
		}
		return policies.Compile(pack.Info().Name, files, policies.Options{Signals: signals.Descriptions(), Overlay: overlay})
	}
}

// inPack names the pack that faults are of.
func inPack(pack *policies.Pack, err error) error {
	var faults []error
	for _, e := range flatten(err) {
		faults = append(faults, fmt.Errorf("pack %s: %w", pack.Info().Name, e))
	}
	return errors.Join(faults...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

// runTests is the check that a pack's own Rego tests pass. A pack needn't have
// any.
func runTests(ctx context.Context, next *policies.Pack, files fs.FS) error {
	if tests, err := fs.Glob(files, "*_test.rego"); len(tests) == 0 {
		return err
	}
	name := next.Info().Name
	report, err := policies.Test(ctx, name, files, policies.Options{Signals: signals.Descriptions(), Library: untested{rego.FS}})
	if err != nil {
		return err
	}
	var faults []error
	for i := range report.Tests {
		r := &report.Tests[i]
		if r.Outcome == policies.TestPassed || r.Outcome == policies.TestSkipped {
			continue
		}
		said := "fails"
		if r.Error != "" {
			said = r.Error
		}
		faults = append(faults, fmt.Errorf("pack %s: %s:%d: %s: %s", name, r.File, r.Line, r.Name, said))
	}
	passed := report.Count(policies.TestPassed)
	countTests(ctx, passed+len(faults), passed)
	return errors.Join(faults...)
}

// untested is the library without its tests, which riskd was built with.
type untested struct{ fs.FS }

// Glob finds no tests.
func (u untested) Glob(pattern string) ([]string, error) {
	if strings.HasSuffix(pattern, "_test.rego") {
		return nil, nil
	}
	return fs.Glob(u.FS, pattern)
}

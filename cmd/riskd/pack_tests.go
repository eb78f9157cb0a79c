package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
)

// runTests is the check that a pack's own Rego tests pass. A pack needn't have
// any.
func runTests(ctx context.Context, next *policies.Pack, files fs.FS) error {
	name := next.Info().Name
	if tests, err := fs.Glob(files, "*_test.rego"); len(tests) == 0 {
		return err
	}
	modules := map[string]*ast.Module{}
	if err := errors.Join(parseTests(modules, rego.FS, "rego/", "*.rego", "lib/*.rego"), parseTests(modules, files, "", "*.rego")); err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	text, err := fs.ReadFile(files, "tuning.json")
	if err != nil {
		return fmt.Errorf("pack %s: %w", name, err)
	}
	var tuning any
	if err := json.Unmarshal(text, &tuning); err != nil {
		return fmt.Errorf("pack %s: tuning.json: %w", name, err)
	}
	compiler := ast.NewCompiler().WithCapabilities(policies.Capabilities())
	results, err := tester.NewRunner().SetCompiler(compiler).SetModules(modules).
		SetStore(inmem.NewFromObject(map[string]any{"tuning": tuning})).CapturePrintOutput(true).RunTests(ctx, nil)
	if err != nil {
		return fmt.Errorf("pack %s: its tests can't be run: %w", name, err)
	}
	var faults []error
	run := 0
	for r := range results {
		if r.Skip {
			continue
		}
		run++
		if r.Pass() {
			continue
		}
		said := "fails"
		if r.Error != nil {
			said = r.Error.Error()
		}
		faults = append(faults, fmt.Errorf("pack %s: %s:%d: %s: %s", name, r.Location.File, r.Location.Row, r.Name, said))
	}
	countTests(ctx, run, run-len(faults))
	return errors.Join(append(faults, ctx.Err())...)
}

// parseTests parses modules: of the library those that are no tests, of the pack
// all.
func parseTests(into map[string]*ast.Module, from fs.FS, under string, patterns ...string) error {
	var faults []error
	for _, pattern := range patterns {
		names, err := fs.Glob(from, pattern)
		faults = append(faults, err)
		for _, name := range names {
			if under != "" && strings.HasSuffix(name, "_test.rego") {
				continue
			}
			text, err := fs.ReadFile(from, name)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			if into[under+name], err = ast.ParseModuleWithOpts(under+name, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1}); err != nil {
				faults = append(faults, err)
			}
		}
	}
	return errors.Join(faults...)
}

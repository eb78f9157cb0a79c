package main

import (
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

// Every scenario, through the HTTP handler, as a gateway would ask.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for _, fault := range play(t, &s, rego.FS) {
				t.Error(fault)
			}
		})
	}
}

// An attack is caught by the rule that its scenario names: without the rule, the
// scenario fails. A scenario that passes all the same proves nothing of it.
func TestAttacksNeedTheirRules(t *testing.T) {
	attacks := 0
	for _, s := range scenarios(t) {
		if s.Rule == "" {
			continue
		}
		attacks++
		t.Run(s.Name+" without "+s.Rule, func(t *testing.T) {
			t.Parallel()
			if len(play(t, &s, libraryWithout(t, s.Rule+".rego"))) == 0 {
				t.Errorf("passes without rego/%s.rego", s.Rule)
			}
		})
	}
	if attacks < 8 {
		t.Errorf("only %d scenarios name a rule", attacks)
	}
}

// A scenario either names the rule that catches its attack or stays allow
// throughout, until its time is up.
func TestOrdinaryDaysStayAllow(t *testing.T) {
	all := scenarios(t)
	if len(all) < 25 {
		t.Errorf("there are %d scenarios, of 25 that there should be", len(all))
	}
	for _, s := range all {
		for _, w := range s.Want {
			timeUp := slices.Contains(w.Codes, "idle_timeout") || slices.Contains(w.Codes, "absolute_timeout")
			if s.Rule == "" && w.Outcome != riskd.Allow && !timeUp {
				t.Errorf("%s:%d: names no rule, but wants %s", s.Name, w.Line, w.Outcome)
			}
		}
	}
}

func scenarios(t *testing.T) []fixtures.Scenario {
	t.Helper()
	all, err := fixtures.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func libraryWithout(t *testing.T, rule string) fs.FS {
	t.Helper()
	library := fstest.MapFS{}
	err := fs.WalkDir(rego.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == rule {
			return err
		}
		data, err := fs.ReadFile(rego.FS, path)
		library[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(rego.FS, rule); err != nil {
		t.Fatalf("the scenario names a rule that isn't there: %v", err)
	}
	return library
}

// play gives what differs from what a scenario wants.
func play(t *testing.T, s *fixtures.Scenario, library fs.FS) []error {
	t.Helper()
	return playUnder(t, s, "default", library)
}

func scenarioRunOf(t *testing.T, compile compilePack) *scenarioRun {
	t.Helper()
	r, err := newScenarioRun(compile)
	if err != nil {
		t.Fatal(err) // a pack that doesn't compile proves nothing
	}
	t.Cleanup(r.close)
	return r
}

// shippedPacks are compiled once for all tests that play scenarios under them.
var shippedPacks sync.Map // by name: func() (*policies.Pack, error)

// compileShipped compiles a shipped pack with a library, or gives the one that is
// there.
func compileShipped(name string, library fs.FS) compilePack {
	files, _ := policies.Shipped(name)
	compile := func(overlay []byte) (*policies.Pack, error) {
		return policies.Compile(name, files, policies.Options{Signals: signals.Descriptions(), Library: library, Overlay: overlay})
	}
	return func(overlay []byte) (*policies.Pack, error) {
		if overlay != nil || library != fs.FS(rego.FS) {
			return compile(overlay)
		}
		once, _ := shippedPacks.LoadOrStore(name, sync.OnceValues(func() (*policies.Pack, error) { return compile(nil) }))
		return once.(func() (*policies.Pack, error))()
	}
}

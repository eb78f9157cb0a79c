package main

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

// The scenarios in a pack's own folder, under that pack.
func TestPackScenarios(t *testing.T) {
	for _, pack := range policies.ShippedNames() {
		for _, s := range packScenarios(t, pack) {
			t.Run(pack+"/"+s.Name, func(t *testing.T) {
				t.Parallel()
				for _, fault := range playUnder(t, &s, pack, rego.FS) {
					t.Error(fault)
				}
			})
		}
	}
}

// A pack's scenarios are there to show where it differs from the default: under
// the default, at least six of them go otherwise. Those with tuning of their own
// are left out, as the default may not know what they tune.
func TestPackScenariosDiffer(t *testing.T) {
	for _, pack := range policies.ShippedNames() {
		if pack == "default" { // its scenarios are those of the fixtures
			continue
		}
		t.Run(pack, func(t *testing.T) {
			t.Parallel()
			var same []string
			differing := 0
			for _, s := range packScenarios(t, pack) {
				switch {
				case s.Tuning != nil:
				case len(play(t, &s, rego.FS)) > 0:
					differing++
				default:
					same = append(same, s.Name)
				}
			}
			if differing < 6 {
				t.Errorf("%d scenarios go otherwise under the default; %s don't", differing, strings.Join(same, ", "))
			}
		})
	}
}

// An attack in a pack's folder is caught by the rule that it names, too.
func TestPackAttacksNeedTheirRules(t *testing.T) {
	for _, pack := range policies.ShippedNames() {
		for _, s := range packScenarios(t, pack) {
			if s.Rule == "" {
				continue
			}
			t.Run(pack+"/"+s.Name+" without "+s.Rule, func(t *testing.T) {
				t.Parallel()
				if len(playUnder(t, &s, pack, libraryWithout(t, s.Rule+".rego"))) == 0 {
					t.Errorf("passes without rego/%s.rego", s.Rule)
				}
			})
		}
	}
}

// playUnder is play under a pack that ships.
func playUnder(t *testing.T, s *fixtures.Scenario, pack string, library fs.FS) []error {
	t.Helper()
	if _, ok := policies.Shipped(pack); !ok {
		t.Fatalf("there is no pack %s", pack)
	}
	return flatten(scenarioRunOf(t, compileShipped(pack, library)).play(t.Context(), s.Name+".txtar", s))
}

// playFiles is play under the pack in files.
func playFiles(t *testing.T, s *fixtures.Scenario, name string, files fs.FS) []error {
	t.Helper()
	compile := func(overlay []byte) (*policies.Pack, error) {
		return policies.Compile(name, files, policies.Options{Signals: signals.Descriptions(), Overlay: overlay})
	}
	return flatten(scenarioRunOf(t, compile).play(t.Context(), s.Name+".txtar", s))
}

func packScenarios(t *testing.T, pack string) []fixtures.Scenario {
	t.Helper()
	files, _ := policies.Shipped(pack)
	names, err := fs.Glob(files, "scenarios/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all []fixtures.Scenario
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := fixtures.ParseScenario(pack+"/"+name, data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

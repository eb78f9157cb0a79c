package policies_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

// Every pack that ships compiles with the library that ships, looks at every
// signal, and finds nothing in a request of which nothing is measured.
func TestShippedPacks(t *testing.T) {
	t.Parallel()
	if got := policies.ShippedNames(); !slices.Equal(got, []string{"consumer", "default", "workforce"}) {
		t.Errorf("packs are %v", got)
	}
	for _, name := range policies.ShippedNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, _ := policies.Shipped(name)
			pack, err := policies.Compile(name, files, policies.Options{Signals: signals.Descriptions()})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range signals.Descriptions() {
				if !pack.Info().Reads[s.Name] {
					t.Errorf("no rule looks at %s", s.Name)
				}
			}
			c := quietCase()
			c.Readings = make([]riskd.Reading, len(signals.Descriptions()))
			c.Event.Session.ACR = "phr" // administration asks employees for a key
			for class := range riskd.ClassAdmin + 1 {
				c.Event.Request.Class = class
				if reasons, err := pack.Reasons(t.Context(), c); err != nil || len(reasons) > 0 {
					t.Errorf("class %s: nothing measured gives %v, %v", class, reasons, err)
				}
			}
		})
	}
}

// The tests that stand beside a pack's files, as opa test runs them with the
// library, and each rule that a pack adds has one that fires and one that doesn't.
func TestShippedPacksRegoTests(t *testing.T) {
	t.Parallel()
	for _, name := range policies.ShippedNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, _ := policies.Shipped(name)
			modules := map[string]*ast.Module{}
			addModules(t, rego.FS, modules)
			addModules(t, files, modules)
			runTests(t, modules)
			own, err := fs.Glob(files, "*.rego")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range own {
				if !strings.HasSuffix(file, "_test.rego") {
					hasBothTests(t, files, modules[file], strings.TrimSuffix(file, ".rego")+"_test.rego")
				}
			}
		})
	}
}

// hasBothTests looks for the tests of each reason in the file beside its rule, by
// name: test_<code>_fires, and another that begins with test_<code>.
func hasBothTests(t *testing.T, files fs.FS, m *ast.Module, tests string) {
	t.Helper()
	text, err := fs.ReadFile(files, tests)
	if err != nil {
		t.Error(err)
	}
	for _, r := range m.Rules {
		if r.Head.Name != "reasons" && r.Head.Ref().String() != "reasons" {
			continue
		}
		code := strings.Trim(r.Head.Key.Value.(ast.Object).Get(ast.StringTerm("code")).String(), `"`)
		if !strings.Contains(string(text), "\ntest_"+code+"_fires ") || strings.Count(string(text), "\ntest_"+code+"_") < 2 {
			t.Errorf("%s: needs test_%s_fires and one of a case in which it doesn't", tests, code)
		}
	}
}

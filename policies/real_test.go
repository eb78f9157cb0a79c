package policies_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

// The pack that ships compiles with the library that ships.
func TestDefaultPack(t *testing.T) {
	t.Parallel()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions()})
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
	for class := range riskd.ClassAdmin + 1 {
		c.Event.Request.Class = class
		if reasons, err := pack.Reasons(t.Context(), c); err != nil || len(reasons) > 0 {
			t.Errorf("class %s: nothing measured gives %v, %v", class, reasons, err)
		}
	}
}

// The tests that stand beside the rules and the pack, as opa test runs them.
func TestRegoTests(t *testing.T) {
	t.Parallel()
	for name, dirs := range map[string][]fs.FS{"library": {rego.FS}, "default pack": {rego.FS, policies.Default()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modules := map[string]*ast.Module{}
			for _, dir := range dirs {
				addModules(t, dir, modules)
			}
			runTests(t, modules)
		})
	}
}

func addModules(t *testing.T, dir fs.FS, modules map[string]*ast.Module) {
	t.Helper()
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".rego") {
			return err
		}
		text, err := fs.ReadFile(dir, path)
		if err != nil {
			return err
		}
		modules[path], err = ast.ParseModuleWithOpts(path, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func runTests(t *testing.T, modules map[string]*ast.Module) {
	t.Helper()
	store := inmem.New()
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().SetStore(store).RaiseBuiltinErrors(true).SetModules(modules).RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for r := range results {
		if r.Pass() {
			passed++
			continue
		}
		t.Errorf("%s: %s.%s: %s %v", r.Location, r.Package, r.Name, r, r.Error)
	}
	if passed == 0 {
		t.Error("there are no tests")
	}
}

// What a pack says that it was asked is what both its queries are asked, and
// valid JSON.
func TestPackShowsItsInput(t *testing.T) {
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		t.Fatal(err)
	}
	c := riskyCase()
	c.Readings = make([]riskd.Reading, len(signals.Descriptions()))
	for i := range c.Readings {
		c.Readings[i] = riskd.Reading{State: riskd.Measured, Value: 1, Nats: 2}
	}
	c.Score = 61.5
	document, err := pack.Input(c)
	if err != nil {
		t.Fatal(err)
	}
	var input struct {
		Score    float64
		Readings map[string]struct{ Value float64 }
		Request  struct{ Class string }
	}
	if err := json.Unmarshal(document, &input); err != nil {
		t.Fatalf("%v in %s", err, document)
	}
	if input.Score != 61.5 || input.Request.Class == "" || input.Readings["new_country"].Value != 1 {
		t.Errorf("input is %s", document)
	}
}

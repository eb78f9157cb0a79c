package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
)

const (
	cookbookDoc = "../../docs/cookbook.md"
	cookbookDir = "../../docs/cookbook"
)

// recipe is one section of docs/cookbook.md and the files that it shows.
type recipe struct {
	name      string
	judgement string // lines for policy.rego
	tuning    string // an overlay for tuning.json
}

var (
	shownFile  = regexp.MustCompile("(?s)\\[`cookbook/([a-z0-9_]+)\\.rego`\\]\\([^)]*\\):\n\n```rego\n(.*?)```\n")
	shownJudge = regexp.MustCompile("(?s)In `policy\\.rego`:\n\n```rego\n(.*?)```\n")
	shownJSON  = regexp.MustCompile("(?s)In `tuning\\.json`:\n\n```json\n(.*?)```\n")
)

// The page shows the files word for word, each rule with its test, and all files
// that there are. `go test ./cmd/riskd -run CookbookShows -update` copies them in.
func TestCookbookShowsItsFiles(t *testing.T) {
	page := readFile(t, cookbookDoc)
	shown := map[string]bool{}
	want := shownFile.ReplaceAllFunc(page, func(block []byte) []byte {
		name := string(shownFile.FindSubmatch(block)[1])
		shown[name+".rego"] = true
		text := readFile(t, filepath.Join(cookbookDir, name+".rego"))
		head, _, _ := bytes.Cut(block, []byte("```rego\n"))
		return fmt.Appendf(nil, "%s```rego\n%s```\n", head, text)
	})
	if *update {
		if err := os.WriteFile(cookbookDoc, want, 0o644); err != nil {
			t.Fatal(err)
		}
		page = want
	}
	if !bytes.Equal(page, want) {
		t.Errorf("%s doesn't show its files as they are: run `go test ./cmd/riskd -run CookbookShows -update`", cookbookDoc)
	}
	files, err := filepath.Glob(cookbookDir + "/*.rego")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !shown[filepath.Base(file)] {
			t.Errorf("%s: isn't shown in %s", file, cookbookDoc)
		}
	}
	if n := len(recipes(t)); n < 15 {
		t.Errorf("there are %d recipes, of 15", n)
	}
}

// Each recipe compiles with the default pack, its scenario goes as it says, and
// without the recipe it doesn't.
func TestCookbookScenarios(t *testing.T) {
	for _, r := range recipes(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(cookbookDir, r.name+".txtar")
			s, err := fixtures.ParseScenario(path, readFile(t, path))
			if err != nil {
				t.Fatal(err)
			}
			if !sameJSON(t, s.Tuning, []byte(r.tuning)) {
				t.Errorf("the scenario's tuning is %s; the page shows %s", s.Tuning, r.tuning)
			}
			for _, fault := range playFiles(t, &s, r.name, r.pack(t)) {
				t.Error(fault)
			}
			s.Tuning = nil // which may be unknown without the rule
			if len(play(t, &s, rego.FS)) == 0 {
				t.Error("its scenario goes the same without it")
			}
		})
	}
}

// pack is the default pack with the recipe, as its reader puts it together.
func (r *recipe) pack(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"policy.rego", "tuning.json"} {
		data, err := fs.ReadFile(policies.Default(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	files["policy.rego"].Data = append(files["policy.rego"].Data, "\n"+r.judgement...)
	files[r.name+".rego"] = &fstest.MapFile{Data: readFile(t, filepath.Join(cookbookDir, r.name+".rego"))}
	return files
}

// The tests of each recipe, as opa test runs them with the library.
func TestCookbookRegoTests(t *testing.T) {
	for _, r := range recipes(t) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			passed := runTyped(t, map[string][]byte{
				"rule.rego":      readFile(t, filepath.Join(cookbookDir, r.name+".rego")),
				"rule_test.rego": readFile(t, filepath.Join(cookbookDir, r.name+"_test.rego")),
			})
			if len(passed) < 2 {
				t.Errorf("%d tests: one that fires and one that doesn't, at least", len(passed))
			}
			if !strings.Contains(strings.Join(passed, " "), "test_"+r.name+"_fires") {
				t.Errorf("has no test_%s_fires", r.name)
			}
		})
	}
}

// runTyped gives the names of the tests that pass in files that a reader adds to a
// pack, beside the library.
func runTyped(t *testing.T, files map[string][]byte) (passed []string) {
	t.Helper()
	modules := map[string]*ast.Module{}
	parse := func(file string, text []byte) {
		t.Helper()
		var err error
		modules[file], err = ast.ParseModuleWithOpts(file, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
	}
	library, err := fs.Glob(rego.FS, "*.rego")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(library, "lib/lib.rego") {
		if !strings.HasSuffix(file, "_test.rego") {
			text, err := fs.ReadFile(rego.FS, file)
			if err != nil {
				t.Fatal(err)
			}
			parse(file, text)
		}
	}
	for name, text := range files {
		parse("typed/"+name, text)
	}
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
	for r := range results {
		if r.Pass() {
			passed = append(passed, r.Name)
			continue
		}
		t.Errorf("%s: %s: %s %v", r.Location, r.Name, r, r.Error)
	}
	return passed
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func recipes(t *testing.T) []recipe {
	t.Helper()
	var all []recipe
	for _, section := range strings.Split(string(readFile(t, cookbookDoc)), "\n## ")[1:] {
		files := shownFile.FindAllStringSubmatch(section, -1)
		if files == nil {
			continue
		}
		r := recipe{name: files[0][1]}
		if len(files) != 2 || files[1][1] != r.name+"_test" {
			t.Errorf("%s: shows %d files; a rule and its test are two", r.name, len(files))
		}
		if m := shownJudge.FindStringSubmatch(section); m != nil {
			r.judgement = m[1]
		}
		if m := shownJSON.FindStringSubmatch(section); m != nil {
			r.tuning = m[1]
		}
		all = append(all, r)
	}
	return all
}

func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	for _, d := range []struct {
		text []byte
		into *any
	}{{a, &x}, {b, &y}} {
		if len(d.text) > 0 {
			if err := json.Unmarshal(d.text, d.into); err != nil {
				t.Fatal(err)
			}
		}
	}
	return reflect.DeepEqual(x, y)
}

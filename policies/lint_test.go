package policies_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// Packs that riskd brings along give an author nothing to copy that he is then
// warned of.
func TestShippedPacksAreClean(t *testing.T) {
	t.Parallel()
	for _, name := range policies.ShippedNames() {
		pack, _ := policies.Shipped(name)
		findings, err := policies.Lint(name, pack, policies.Options{Signals: signals.Descriptions()})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			t.Errorf("pack %s: %+v", name, f)
		}
	}
}

// What compiles and will be regretted is warned of, with its place.
func TestLintWarns(t *testing.T) {
	t.Parallel()
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprintf(`"role%d": {"privilege": 1}`, i)
	}
	roles := `{"roles": {` + strings.Join(many, ", ") + `}}`
	words := make([]string, 33)
	for i := range words {
		words[i] = fmt.Sprintf("%q", fmt.Sprintf("x%d", i))
	}
	set := "{" + strings.Join(words, ", ") + "}"
	for name, test := range map[string]struct{ policy, overlay, want string }{
		"some in data":       {`decision := "allow" if { some r, _ in data.tuning.roles; r in input.user.roles }`, roles, `policy.rego:3:26: unindexed_iteration: looks through data.tuning.roles, 36 entries, at every request`},
		"over a wildcard":    {`decision := "allow" if data.tuning.roles[_].privilege > input.score`, roles, `policy.rego:3:24: unindexed_iteration`},
		"through a name":     {`decision := "allow" if { roles := data.tuning.roles; some r, _ in roles; r in input.user.roles }`, roles, `policy.rego:3:54: unindexed_iteration: looks through data.tuning.roles, 36`},
		"in a comprehension": {`decision := "allow" if count([r | some r, _ in data.tuning.roles]) > input.score`, roles, `policy.rego:3:35: unindexed_iteration`},
		"in every":           {`decision := "allow" if every r in data.tuning.roles { r.privilege > input.score }`, roles, `policy.rego:3:24: unindexed_iteration`},
		"member of values":   {`decision := "allow" if input.score in data.tuning.roles`, roles, `policy.rego:3:24: unindexed_iteration`},
		"a long list":        {"far := " + set + "\ndecision := \"allow\" if { some c in far; startswith(input.request.route, c) }", "", `policy.rego:4:26: unindexed_iteration: looks through data.riskd.decision.far, 33 entries`},
		"by key":             {`decision := "allow" if { some r in input.user.roles; data.tuning.roles[r].privilege > input.score }`, roles, ""},
		"few":                {`decision := "allow" if { some r, _ in data.tuning.roles; r in input.user.roles }`, "", ""},
		"a literal glob":     {`decision := "allow" if glob.match("/a/*", ["/"], input.request.route)`, "", ""},
		"a computed glob":    {`decision := "allow" if glob.match(input.request.route, ["/"], "/a")`, "", `policy.rego:3:24: computed_glob: glob.match: its pattern is computed`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := test.policy + "\ndecision := \"allow\" if input.score < 60\n"
			findings, err := policies.Lint("test", packOf(t, policy), policies.Options{Signals: testSignals, Library: libraryOf(t, testRules), Overlay: []byte(test.overlay)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				if f.Code == policies.LintDescription {
					continue // the rules of these tests have none
				}
				if f.Severity != policies.SeverityWarning || f.Hint == "" {
					t.Errorf("%+v isn't a warning with a hint", f)
				}
				got = append(got, fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Line, f.Column, f.Code, f.Message))
			}
			if len(got) > 1 || !strings.Contains(strings.Join(got, ""), test.want) || (test.want == "") != (len(got) == 0) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), test.want)
			}
		})
	}
}

// What keeps a pack from being loaded is found with its code, its place and the
// line that it is on, in the order of the places.
func TestLintFinds(t *testing.T) {
	t.Parallel()
	pack := packOf(t, "decision := \"allow\" if input.scor < 60\n\ndefault outcome := \"x\"\n")
	pack["hours.rego"] = &fstest.MapFile{Data: []byte("package riskd.rules\n\n\tfact if http.send({}) == 1\n")}
	pack["tuning.json"].Data = []byte(strings.Replace(string(pack["tuning.json"].Data), `"identity": "4h"`, `"identity": 5`, 1))
	findings, err := policies.Lint("test", pack, policies.Options{Signals: testSignals, Library: libraryOf(t, testRules)})
	if err != nil {
		t.Fatal(err)
	}
	findings = slices.DeleteFunc(findings, func(f policies.Finding) bool { return f.Code == policies.LintDescription })
	want := []policies.Finding{
		{Severity: "error", Code: "denied_function", File: "hours.rego", Line: 3, Column: 10, Source: "\tfact if http.send({}) == 1"},
		{Severity: "error", Code: "unknown_input", File: "policy.rego", Line: 3, Column: 24, Hint: `did you mean "score"?`, Source: `decision := "allow" if input.scor < 60`},
		{Severity: "error", Code: "tuning", File: "tuning.json", Line: 3, Column: 17, Source: `  "half_life": {"identity": 5, "behaviour": "8m"},`},
	}
	if len(findings) != len(want) {
		t.Fatalf("found %+v", findings)
	}
	for i, f := range findings {
		w := want[i]
		if f.Severity != w.Severity || f.Code != w.Code || f.File != w.File || f.Line != w.Line || f.Column != w.Column || f.Source != w.Source || f.Message == "" ||
			w.Hint != "" && f.Hint != w.Hint {
			t.Errorf("found %+v\nwant  %+v", f, w)
		}
	}
	rules := strings.Replace(testRules, "severity: high", "severity: hig", 1)
	findings, err = policies.Lint("test", packOf(t, ""), policies.Options{Signals: testSignals, Library: libraryOf(t, rules)})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(findings, func(f policies.Finding) bool { return f.Code == policies.FaultMetadata })
	if i < 0 || findings[i].Column < 2 || findings[i].Source[findings[i].Column-1:] != "hig" || findings[i].Hint != `did you mean "high"?` {
		t.Errorf("found %+v; want the severity's place", findings)
	}
	if _, err := policies.Lint("test", fstest.MapFS{}, policies.Options{Signals: testSignals}); err == nil {
		t.Error("an empty folder is linted")
	}
}

// Every reason, the decision and the step-up have their price, and a rule that

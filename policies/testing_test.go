package policies_test

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// Every line of the rules that ship is evaluated by a test, and every reason has
// a case in which it is given and one, with its reading, in which it isn't.
func TestShippedRulesAreTested(t *testing.T) {
	t.Parallel()
	for _, name := range policies.ShippedNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack, _ := policies.Shipped(name)
			report, err := policies.Test(t.Context(), name, pack, policies.Options{Signals: signals.Descriptions()})
			if err != nil {
				t.Fatal(err)
			}
			if err := report.Err(); err != nil {
				t.Error(err)
			}
			for _, f := range report.Files {
				if f.Covered < f.Lines {
					t.Errorf("%s: no test evaluates the lines %s", f.File, f.Spans())
				}
			}
			if report.Coverage != 1 || len(report.Files) < 15 || report.Count(policies.TestPassed) < 100 {
				t.Errorf("coverage %v of %d files by %d tests", report.Coverage, len(report.Files), len(report.Tests))
			}
			compiled, err := policies.Compile(name, pack, policies.Options{Signals: signals.Descriptions()})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Reasons) != len(compiled.Info().Rules) {
				t.Errorf("%d reasons are watched, the pack has %d", len(report.Reasons), len(compiled.Info().Rules))
			}
			for _, r := range report.Reasons {
				if !r.Fires {
					t.Errorf("%s:%d: %s: no test in which it is given", r.File, r.Line, r.Code)
				}
				if !r.Rests {
					t.Errorf("%s:%d: %s: no test, with its reading measured, in which it isn't given", r.File, r.Line, r.Code)
				}
			}
		})
	}
}

// tested gives the pack of these tests one file of tests.
func tested(t *testing.T, tests string) fstest.MapFS {
	t.Helper()
	pack := packOf(t, `decision := "revoke" if input.score >= 85
decision := "step_up" if {
	input.score >= data.tuning.default_privilege * 30
	input.score < 85
}
decision := "allow" if input.score < 60
unused if input.score == 17
`)
	imports := "import data.riskd.decision"
	if !strings.Contains(tests, "decision.") {
		imports = ""
	}
	pack["policy_test.rego"] = &fstest.MapFile{Data: []byte("package riskd.decision_test\n\n" + imports + "\n\n" + tests)}
	return pack
}

func testOptions(t *testing.T) policies.Options {
	return policies.Options{Signals: testSignals, Library: libraryOf(t, testRules)}
}

func TestTestOutcomes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rego, outcome, err string
		cases              []string
	}{
		"passes":           {rego: `test_x if decision.decision == "allow" with input.score as 3`, outcome: policies.TestPassed},
		"knows the tuning": {rego: `test_x if decision.decision == "step_up" with input.score as 60`, outcome: policies.TestPassed},
		"fails":            {rego: `test_x if decision.decision == "allow" with input.score as 70`, outcome: policies.TestFailed},
		"undefined":        {rego: `test_x if decision.decision == "allow"`, outcome: policies.TestFailed},
		"is to be written": {rego: `todo_test_x if decision.decision == "allow"`, outcome: policies.TestSkipped},
		"an error":         {rego: `test_x if to_number(decision.decision) == 1 with input.score as 3`, outcome: policies.TestFailed, err: "to_number"},
		"a conflict":       {rego: `test_x if decision.decision == "allow" with input.score as 30 with data.tuning.default_privilege as 0`, outcome: policies.TestFailed, err: "eval_conflict_error"},
		"one of three cases": {
			rego:    `test_x[score] if { some score in [10, 50, 70]; decision.decision == "allow" with input.score as score }`,
			outcome: policies.TestFailed, cases: []string{"70"},
		},
		"takes too long": {
			rego:    `test_x if count([1 | some a in d; some b in d; some c in d; some e in d; some f in d; some g in d; a + b + c + e + f + g < 0]) == 0` + "\nd := [to_number(x) | some x in split(sprintf(\"%060d\", [0]), \"\")]\n",
			outcome: policies.TestFailed, err: "takes longer than 20ms",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := policies.TestRun{Options: testOptions(t)}
			if strings.Contains(test.err, "20ms") {
				run.Timeout = 20 * time.Millisecond
			}
			report, err := run.Test(t.Context(), "test", tested(t, test.rego))
			if err != nil || len(report.Tests) != 1 {
				t.Fatal(report, err)
			}
			got := report.Tests[0]
			if got.Outcome != test.outcome || got.File != "policy_test.rego" || got.Line != 5 || !strings.Contains(got.Error, test.err) || !slices.Equal(got.Cases, test.cases) {
				t.Errorf("%+v", got)
			}
			if err := report.Err(); (err != nil) != (test.outcome == policies.TestFailed) {
				t.Errorf("the report's error is %v", err)
			}
		})
	}
}

// What keeps tests from being run is told like any other fault of a pack.
func TestTestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ rego, want string }{
		"syntax":            {"package riskd.decision_test\n\ntest_x if {", "pack test: policy_test.rego:3:"},
		"not strict":        {"package riskd.decision_test\n\ntest_x if { x := 1 }", "pack test: policy_test.rego:3:13: assigned var x unused"},
		"denied function":   {"package riskd.decision_test\n\ntest_x if http.send({})", "function http.send is denied"},
		"of what serves":    {"package riskd.decision\n\ntest_x if decision == 1", "package riskd.decision: is what is tested; tests have one of their own, such as riskd.decision_test"},
		"below what serves": {"package riskd.rules.mine\n\ntest_x if true", "package riskd.rules: is what is tested"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack := packOf(t, "")
			pack["policy_test.rego"] = &fstest.MapFile{Data: []byte(test.rego)}
			_, err := policies.Test(t.Context(), "test", pack, testOptions(t))
			wantError(t, err, test.want)
			var f *policies.Fault
			if !errors.As(err, &f) || f.File != "policy_test.rego" {
				t.Errorf("%v has no place", err)
			}
		})
	}
}

// Who writes tests is told where a test failed, on which values, and what it
// printed.
func TestTestExplains(t *testing.T) {
	t.Parallel()
	pack := tested(t, `test_x if {
	print("asking about", 70)
	answer := decision.decision with input.score as 70
	answer == "allow"
}
`)
	report, err := policies.TestRun{Options: testOptions(t), Explain: true}.Test(t.Context(), "test", pack)
	if err != nil {
		t.Fatal(err)
	}
	got := report.Tests[0]
	if got.FailedAt == nil || got.FailedAt.Line != 8 || !strings.Contains(got.FailedAt.Expression, `answer == "allow"`) || !strings.Contains(got.FailedAt.Expression, "step_up") {
		t.Errorf("failed at %+v", got.FailedAt)
	}
	if got.Output != "asking about 70\n" {
		t.Errorf("printed %q", got.Output)
	}
	if report, err = policies.Test(t.Context(), "test", pack, testOptions(t)); err != nil || report.Tests[0].Output != "" || report.Tests[0].FailedAt != nil {
		t.Errorf("without being asked: %+v, %v", report, err)
	}
}

func TestTestCoverage(t *testing.T) {
	t.Parallel()
	o := testOptions(t)
	o.Library.(fstest.MapFS)["rules_test.rego"] = &fstest.MapFile{Data: []byte(`package riskd.rules_test

import data.riskd.rules

test_country if count(rules.reasons) == 1 with input as {"readings": {"country": {"value": 1}}, "session": {"before_login": false}}

test_none if count(rules.reasons) == 0 with input as {"readings": {"speed": {"value": 1}}}

test_not_evaluable if count(rules.reasons) == 0 with input as {"readings": {"country": {"missing": "place"}}}
`)}
	pack := tested(t, `test_x if decision.decision == "revoke" with input.score as 90`)
	// A rule of the pack's own can't break the library's tests.
	pack["mine.rego"] = &fstest.MapFile{Data: []byte("package riskd.rules\n" + metadata("mine", "network") + `reasons contains {"code": "mine", "nats": 1} if input.readings` + "\n")}
	report, err := policies.Test(t.Context(), "test", pack, o)
	if err != nil || report.Err() != nil || len(report.Tests) != 4 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, f := range report.Files {
		if want := map[string]string{"policy.rego": "4, 8-9", "mine.rego": "13"}; f.Spans() != want[f.File] && !strings.HasPrefix(f.File, "rego/") {
			t.Errorf("%s: %+v", f.File, f)
		}
	}
	if report.Coverage <= 0.2 || report.Coverage >= 0.9 {
		t.Errorf("coverage %v", report.Coverage)
	}
	kinds := map[string][2]bool{}
	for _, r := range report.Reasons {
		kinds[r.Code] = [2]bool{r.Fires, r.Rests}
	}
	want := map[string][2]bool{"country": {true, false}, "speed": {false, true}, "stolen": {false, true}, "mine": {}}
	if !maps.Equal(kinds, want) {
		t.Errorf("given and not given: %v, want %v", kinds, want)
	}

	run := policies.TestRun{Options: o, Only: regexp.MustCompile(`rules_test\.test_none$`)}
	if report, err = run.Test(t.Context(), "test", pack); err != nil || len(report.Tests) != 1 || report.Tests[0].Name != "test_none" {
		t.Errorf("only one test: %+v, %v", report, err)
	}
}

// Tests end with whoever waits for them, and with tests that take too much memory.
func TestTestIsBounded(t *testing.T) {
	t.Parallel()
	endless := "d := [x | some x in split(sprintf(\"%0100d\", [0]), \"\")]\n" +
		`test_x if count([[a, b, c, e, f, g] | some a in d; some b in d; some c in d; some e in d; some f in d; some g in d]) == 0`
	run := policies.TestRun{Options: testOptions(t), Timeout: time.Hour, Memory: 16 << 20}
	_, err := run.Test(t.Context(), "test", tested(t, endless))
	wantError(t, err, "pack test: its tests are given up: they take more than 16 MiB of memory")

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("nobody waits"))
	_, err = policies.Test(ctx, "test", tested(t, "test_x if 1 == 1"), testOptions(t))
	wantError(t, err, "nobody waits")
}

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/riskd/riskd/policies"
)

// print shows what came of the tests, without what failed.
func (c *policyTest) print(out io.Writer, t *tested) {
	counts := []string{}
	for _, outcome := range []string{policies.TestPassed, policies.TestFailed, policies.TestSkipped} {
		if n := t.Count(outcome); n > 0 || outcome == policies.TestPassed {
			counts = append(counts, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	fmt.Fprintf(out, "tests      %s in %s\n", strings.Join(counts, ", "), t.Took.Round(time.Millisecond))
	if c.only == nil {
		fmt.Fprintf(out, "coverage   %s of the lines, %s of the pack's own\n", covered(t.Coverage), covered(t.OwnCoverage))
		printGaps(out, t)
	}
	if len(t.Scenarios) > 0 {
		failed := 0
		for _, s := range t.Scenarios {
			if s.Faults != nil {
				failed++
			}
		}
		fmt.Fprintf(out, "scenarios  %d passed", len(t.Scenarios)-failed)
		if failed > 0 {
			fmt.Fprintf(out, ", %d failed", failed)
		}
		fmt.Fprintln(out)
	}
	if t.Passed {
		fmt.Fprintf(out, "pack %s: no problem found\n", c.source.name)
	}
}

// printGaps shows what no test looks at.
func printGaps(out io.Writer, t *tested) {
	for i := range t.Files {
		if f := &t.Files[i]; f.Covered < f.Lines {
			fmt.Fprintf(out, "  %s:%d: not evaluated by any test: %s\n", f.File, f.Uncovered[0][0], f.Spans())
		}
	}
	for _, r := range t.Reasons {
		switch {
		case !r.Fires && !r.Rests:
			fmt.Fprintf(out, "  %s:%d: reason %s has no test\n", r.File, r.Line, r.Code)
		case !r.Fires:
			fmt.Fprintf(out, "  %s:%d: reason %s has no test in which it is given\n", r.File, r.Line, r.Code)
		case !r.Rests:
			fmt.Fprintf(out, "  %s:%d: reason %s has no test, with what it looks at, in which it isn't given\n", r.File, r.Line, r.Code)
		}
	}
}

// percent rounds down, so that 100 % is all.
func covered(share float64) string {
	return fmt.Sprintf("%g %%", math.Floor(share*1000)/10)
}

// failedTest is a test that failed, as it is shown to people:
//
//	pack/policy_test.rego:8: test_quiet fails
//	    decision.decision == "allow" with input.score as 70
//	    |
//	    "step_up"
//	  printed:
//	    …
type failedTest struct{ *policies.TestResult }

func (t failedTest) Error() string {
	var b strings.Builder
	line, fails := t.Line, "fails"
	if t.FailedAt != nil && t.FailedAt.File == t.File {
		line = t.FailedAt.Line
	}
	if t.TestResult.Error != "" {
		fails += ": " + t.TestResult.Error
	}
	if t.Cases != nil {
		fails += " for " + strings.Join(t.Cases, ", ")
	}
	fmt.Fprintf(&b, "%s:%d: %s %s", t.File, line, t.Name, fails)
	if t.FailedAt != nil {
		b.WriteString(indented(t.FailedAt.Expression))
	}
	if t.Output != "" {
		b.WriteString("\n  printed:" + indented(t.Output))
	}
	return b.String()
}

// indented is text on lines of its own below another, as far to the left as it
// goes.
func indented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	margin := -1
	for _, l := range lines {
		if n := len(l) - len(strings.TrimLeft(l, " ")); l != "" && (margin < 0 || n < margin) {
			margin = n
		}
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("\n    " + strings.TrimRight(l[min(margin, len(l)):], " "))
	}
	return b.String()
}

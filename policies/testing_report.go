package policies

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// TestReport is what the tests of a pack and of the library came to.
type TestReport struct {
	Tests    []TestResult  `json:"tests"`    // the library's, then the pack's, in the order of their places
	Coverage float64       `json:"coverage"` // share of the rules' lines that a test has evaluated, 0 to 1
	Files    []Coverage    `json:"files"`    // by name, the tests' own left out
	Reasons  []ReasonTests `json:"reasons"`  // by code
	Took     time.Duration `json:"took_ns"`
}

// TestResult is what became of one test.
type TestResult struct {
	Package string        `json:"package"`
	Name    string        `json:"name"`
	File    string        `json:"file"` // rego/<file> for the library's
	Line    int           `json:"line"`
	Outcome string        `json:"outcome"` // one of the Test constants
	Took    time.Duration `json:"took_ns"`
	Cases   []string      `json:"cases,omitempty"` // that failed, of a test with several
	Error   string        `json:"error,omitempty"` // why there was no answer
	// FailedAt and Output are there in a run that explains.
	FailedAt *TestFailure `json:"failed_at,omitempty"`
	Output   string       `json:"output,omitempty"` // of print
}

// The outcomes of a test. One is skipped if its name begins with todo_.
const (
	TestPassed  = "passed"
	TestFailed  = "failed"
	TestSkipped = "skipped"
)

// TestFailure is the expression that a test failed at.
type TestFailure struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	Expression string `json:"expression"` // with the values of what is in it below
}

// Coverage is how much of a file the tests evaluate.
type Coverage struct {
	File      string   `json:"file"`
	Lines     int      `json:"lines"` // that can be evaluated
	Covered   int      `json:"covered"`
	Uncovered [][2]int `json:"uncovered,omitempty"` // first and last lines
}

// ReasonTests says whether a reason has a test of either kind: that there is a
// case in which it is given, and a case with its reading in which it isn't.
type ReasonTests struct {
	Code  string `json:"code"`
	File  string `json:"file"`
	Line  int    `json:"line"`
	Fires bool   `json:"fires"`
	Rests bool   `json:"rests"`
}

// Err joins a [Fault] for every test that didn't pass; nil if all did.
func (r *TestReport) Err() error {
	var faults []error
	for i := range r.Tests {
		if t := &r.Tests[i]; t.Outcome == TestFailed {
			faults = append(faults, &Fault{Code: FaultTest, File: t.File, Row: t.Line, Col: 1, Message: t.Name + ": " + cmp.Or(t.Error, "fails")})
		}
	}
	return errors.Join(faults...)
}

// Count is how many tests had an outcome.
func (r *TestReport) Count(outcome string) int {
	n := 0
	for i := range r.Tests {
		if r.Tests[i].Outcome == outcome {
			n++
		}
	}
	return n
}

// cover reads what the watch has seen.
func (r *TestReport) cover(w *watch, modules map[string]*ast.Module) {
	report := w.cover.Report(modules)
	lines, covered := 0, 0
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		seen := report.Files[name]
		if seen == nil {
			continue
		}
		c := Coverage{File: name, Lines: seen.CoveredLines + seen.NotCoveredLines, Covered: seen.CoveredLines}
		for _, missed := range seen.NotCovered {
			last := len(c.Uncovered) - 1
			if last >= 0 && missed.Start.Row <= c.Uncovered[last][1]+1 {
				c.Uncovered[last][1] = max(c.Uncovered[last][1], missed.End.Row)
				continue
			}
			c.Uncovered = append(c.Uncovered, [2]int{missed.Start.Row, missed.End.Row})
		}
		lines, covered = lines+c.Lines, covered+c.Covered
		r.Files = append(r.Files, c)
	}
	if lines > 0 {
		r.Coverage = float64(covered) / float64(lines)
	}
	for _, t := range w.reasons {
		r.Reasons = append(r.Reasons, *t)
	}
	slices.SortFunc(r.Reasons, func(a, b ReasonTests) int { return strings.Compare(a.Code, b.Code) })
}

// Spans are the uncovered lines as people write them: 12, 15-18.
func (c *Coverage) Spans() string {
	var spans []string
	for _, s := range c.Uncovered {
		if s[0] == s[1] {
			spans = append(spans, fmt.Sprint(s[0]))
		} else {
			spans = append(spans, fmt.Sprintf("%d-%d", s[0], s[1]))
		}
	}
	return strings.Join(spans, ", ")
}

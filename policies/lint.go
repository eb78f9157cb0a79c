package policies

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/riskd/riskd/rego"
)

// Finding is one thing that an author should look at, as a linter shows it. The
// names of its members are stable.
type Finding struct {
	Severity string `json:"severity"` // SeverityError or SeverityWarning
	Code     string `json:"code"`     // of a [Fault] or an [Error], or one of the Lint constants
	File     string `json:"file"`     // as the pack names it; rego/<file> for the library's
	Line     int    `json:"line"`     // from 1, 0 when only the file is known
	Column   int    `json:"column"`   // from 1, in characters
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"` // how to mend it
	Source   string `json:"-"`              // the line that it is on
}

// The severities of a [Finding]. A pack with an error isn't loaded.
const (
	SeverityError   = "error"
	SeverityWarning = "warning"
)

// The codes of findings that don't keep a pack from being loaded.
const (
	LintDescription = "no_description"      // a reason that nobody explains
	LintWalk        = "unindexed_iteration" // a rule walks many entries at every request
	LintGlob        = "computed_glob"       // a glob pattern that isn't a literal
)

// Lint looks for everything that is wrong with a pack and the library: all that
// [Compile] refuses, and what it lets pass though it will be regretted. The
// findings are in the order of their places. The error says why nothing could
// be looked at.
func Lint(name string, pack fs.FS, o Options) ([]Finding, error) {
	if o.Library == nil {
		o.Library = rego.FS
	}
	if entries, err := fs.ReadDir(pack, "."); err != nil || len(entries) == 0 {
		return nil, fmt.Errorf("pack %s: has no files: %w", name, cmp.Or(err, fs.ErrNotExist))
	}
	_, err := Compile(name, pack, o)
	findings := findingsOf(name, err)
	src, err := readSource(o.Library, pack)
	if err == nil {
		findings = append(findings, src.warn(o)...)
	}
	for i := range findings {
		src.show(&findings[i])
	}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return findings, nil
}

// findingsOf are the faults that compiling gave.
func findingsOf(name string, err error) []Finding {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []Finding
		for _, e := range joined.Unwrap() {
			all = append(all, findingsOf(name, e)...)
		}
		return all
	}
	found := Finding{Severity: SeverityError, Code: FaultEvaluation, File: policyFile}
	said := strings.TrimPrefix(err.Error(), "pack "+name+": ")
	var f *Fault
	if errors.As(err, &f) {
		found.Code, found.File, found.Line, found.Column = f.Code, f.File, f.Row, f.Col
		found.Message, found.Hint = f.Message, f.Hint
		if f.Path != "" {
			found.Message = f.Path + ": " + f.Message
		}
		if f.Code != FaultEvaluation {
			return []Finding{found}
		}
		said = strings.TrimPrefix(said, fmt.Sprintf("%s:%d:%d: ", f.File, f.Row, f.Col))
	}
	if unanswered := (*Error)(nil); errors.As(err, &unanswered) {
		found.Code = unanswered.Code
		said = strings.Replace(said, " ("+unanswered.Code+")", "", 1)
	}
	found.Message, found.Hint, _ = strings.Cut(said, "; ")
	return []Finding{found}
}

// show gives a finding the line that it is on, and one in tuning.json its place.
func (s *source) show(f *Finding) {
	text := s.rego[f.File]
	if f.File == tuningFile {
		text = s.tuning
		if path, _, ok := strings.Cut(f.Message, ": "); ok && f.Line == 0 {
			f.Line, f.Column = locate(text, path)
		}
	}
	if lines := strings.Split(string(text), "\n"); f.Line > 0 && f.Line <= len(lines) {
		f.Source = strings.TrimRight(lines[f.Line-1], "\r")
	}
}

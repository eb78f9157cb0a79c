package policies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/rego"
)

// TestRun says which tests are run, and how. Its zero value with Options runs
// all of them, as [Test] does.
type TestRun struct {
	Options
	// Only are the tests whose package.name it matches; nil is all.
	Only *regexp.Regexp
	// Explain keeps what print says, and finds the expression that a test failed
	// at, for people who write tests. It takes memory for every step of a test.
	Explain bool
	// Timeout is how long one test may take, a second if 0.
	Timeout time.Duration
	// Memory is by how many bytes the heap may grow, 256 MiB if 0.
	Memory uint64
}

const (
	testTimeout = time.Second
	testMemory  = 256 << 20
)

// Test runs the *_test.rego of a pack and of the library, under the capabilities
// and the strictness that the pack serves with: the library's tests on the
// library alone, so that no pack can break them, and the pack's on both, with
// its tuning as data.tuning. It ends with ctx, and with tests that take too much
// memory. The error joins the faults that kept tests from being run; those that
// didn't pass are in the report.
func Test(ctx context.Context, name string, pack fs.FS, o Options) (*TestReport, error) {
	return TestRun{Options: o}.Test(ctx, name, pack)
}

// Test is [Test] for this run.
func (r TestRun) Test(ctx context.Context, name string, pack fs.FS) (*TestReport, error) {
	if r.Library == nil {
		r.Library = rego.FS
	}
	r.Timeout = cmp.Or(r.Timeout, testTimeout)
	ctx, cancel := withinMemory(ctx, cmp.Or(r.Memory, testMemory))
	type outcome struct {
		*TestReport
		error
	}
	done := make(chan outcome, 1)
	go func() {
		defer cancel()
		report, err := r.test(ctx, pack)
		done <- outcome{report, err}
	}()
	// OPA looks at a context between expressions only: nobody waits for it longer
	// than he wants to.
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		select {
		case o = <-done: // the tests ended it themselves
		default:
			o.error = givenUp(ctx)
		}
	}
	if o.error != nil {
		return nil, named(name, o.error)
	}
	return o.TestReport, nil
}

func givenUp(ctx context.Context) error {
	return fmt.Errorf("its tests are given up: %w", context.Cause(ctx))
}

func (r TestRun) test(ctx context.Context, pack fs.FS) (*TestReport, error) {
	began := time.Now()
	src, err := readSource(r.Library, pack)
	if err != nil {
		return nil, err
	}
	tests, err := readTests(r.Library, pack)
	if err != nil {
		return nil, err
	}
	modules, faults := src.parse()
	testModules, more := (&source{rego: tests}).parse()
	faults = append(append(faults, more...), checkTestPackages(testModules)...)
	tuned, more := parseTuning(src.tuning, r.Overlay)
	if faults = append(faults, more...); len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	w := newWatch(modules, r.Signals)
	report := &TestReport{}
	for _, s := range []suite{
		{tested: only(modules, true), tests: only(testModules, true), tuning: map[string]any{}},
		{tested: modules, tests: only(testModules, false), tuning: tuned.data},
	} {
		results, err := r.suite(ctx, s, w)
		if err != nil {
			return nil, err
		}
		report.Tests = append(report.Tests, results...)
	}
	if ctx.Err() != nil {
		return nil, givenUp(ctx)
	}
	report.cover(w, modules)
	report.Took = time.Since(began)
	return report, nil
}

// only are the modules of the library, or those of the pack.
func only(modules map[string]*ast.Module, library bool) map[string]*ast.Module {
	some := maps.Clone(modules)
	maps.DeleteFunc(some, func(name string, _ *ast.Module) bool { return strings.HasPrefix(name, libraryDir) != library })
	return some
}

func readTests(library, pack fs.FS) (map[string][]byte, error) {
	s := &source{rego: map[string][]byte{}}
	err := errors.Join(
		s.readTests(library, libraryDir, "*_test.rego"),
		s.readTests(library, libraryDir, "lib/*_test.rego"),
		s.readTests(pack, "", "*_test.rego"),
	)
	return s.rego, err
}

func (s *source) readTests(from fs.FS, under, pattern string) error {
	names, err := fs.Glob(from, pattern)
	for _, name := range names {
		data, readErr := fs.ReadFile(from, name)
		s.rego[under+name], err = data, errors.Join(err, readErr)
	}
	return err
}

// checkTestPackages keeps tests out of the packages that serve: what a test file
// added there would be tested, and never served.
func checkTestPackages(tests map[string]*ast.Module) []error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		p := tests[name].Package
		for _, serving := range []ast.Ref{packageRules, packageDecision, packageLib} {
			if p.Path.HasPrefix(serving) {
				own := strings.TrimPrefix(serving.String(), "data.")
				faults = append(faults, fault(FaultPackage, p.Location, "package %s: is what is tested; tests have one of their own, such as %s_test", own, own))
			}
		}
	}
	return faults
}

// suite are tests and what they test.
type suite struct {
	tested, tests map[string]*ast.Module
	tuning        map[string]any
}

func (r TestRun) suite(ctx context.Context, s suite, w *watch) ([]TestResult, error) {
	if len(s.tests) == 0 {
		return nil, nil
	}
	store := inmem.NewFromObjectWithOpts(map[string]any{"tuning": s.tuning}, inmem.OptReturnASTValuesOnRead(true))
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return nil, err
	}
	defer store.Abort(ctx, txn)
	begin := func(only *regexp.Regexp, trace bool) (chan *tester.Result, error) {
		all := maps.Clone(s.tested)
		maps.Copy(all, s.tests)
		runner := tester.NewRunner().SetCompiler(r.compiler()).SetModules(all).SetStore(store).
			CapturePrintOutput(r.Explain).RaiseBuiltinErrors(true).SetTimeout(r.Timeout).
			SetParallel(1) // the watch sees one test at a time, and requests keep the other processors
		if only != nil {
			runner.Filter(only.String())
		}
		if trace {
			runner.EnableTracing(true)
		} else {
			runner.SetCoverageQueryTracer(w)
		}
		results, err := runner.RunTests(ctx, txn)
		if err != nil {
			return nil, errors.Join(regoFaults(err)...)
		}
		return results, nil
	}
	w.begin(s.tested)
	results, err := begin(r.Only, false)
	if err != nil {
		return nil, err
	}
	var out []TestResult
	for result := range results {
		out = append(out, readResult(result, r.Timeout))
	}
	w.end()
	slices.SortFunc(out, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	if r.Explain && ctx.Err() == nil {
		err = explainFailures(out, begin)
	}
	return out, err
}

// compiler is one that is as strict as those that serve.
func (r TestRun) compiler() *ast.Compiler {
	c := ast.NewCompiler().
		WithCapabilities(Capabilities()).
		WithStrict(true).
		WithDefaultRegoVersion(ast.RegoV1).
		WithEnablePrintStatements(r.Explain).
		SetErrorLimit(0)
	//lint:ignore SA1019 capabilities alone report a denied function as an unsafe variable
	return c.WithUnsafeBuiltins(unsafeBuiltins())
}

// readResult reads what became of a test.
func readResult(r *tester.Result, timeout time.Duration) TestResult {
	t := TestResult{
		Package: strings.TrimPrefix(r.Package, "data."), Name: r.Name, Took: r.Duration,
		Output: string(r.Output), Outcome: TestPassed,
	}
	if r.Location != nil {
		t.File, t.Line = r.Location.File, r.Location.Row
	}
	switch {
	case r.Skip:
		t.Outcome = TestSkipped
	case topdown.IsCancel(r.Error):
		t.Outcome, t.Error = TestFailed, fmt.Sprintf("takes longer than %s", timeout)
	case r.Error != nil:
		t.Outcome, t.Error = TestFailed, r.Error.Error()
	case r.Fail:
		t.Outcome = TestFailed
		for name, sub := range r.SubResults.Iter {
			if sub.Fail && len(sub.SubResults) == 0 {
				t.Cases = append(t.Cases, strings.Join(name, "/"))
			}
		}
	}
	return t
}

// explainFailures runs the tests that failed again, step by step, and finds the
// last expression of each that didn't hold.
func explainFailures(tests []TestResult, begin func(only *regexp.Regexp, trace bool) (chan *tester.Result, error)) error {
	failed := map[string]*TestResult{}
	var names []string
	for i := range tests {
		if t := &tests[i]; t.Outcome == TestFailed && t.Error == "" {
			name := "data." + t.Package + "." + t.Name
			failed[name] = t
			names = append(names, regexp.QuoteMeta(name))
		}
	}
	if len(names) == 0 {
		return nil
	}
	results, err := begin(regexp.MustCompile("^("+strings.Join(names, "|")+")$"), true)
	if err != nil {
		return err
	}
	for r := range results {
		steps := r.Trace
		for _, sub := range r.SubResults.Iter {
			if sub.Fail && len(sub.Trace) > 0 {
				steps = sub.Trace
				break
			}
		}
		if t := failed[r.Package+"."+r.Name]; t != nil {
			t.FailedAt = failedAt(t, steps)
		}
	}
	return nil
}

// failedAt is the last expression of a test's own body that didn't hold. Those
// that failed after it, when OPA looked for other ways, say nothing.
func failedAt(t *TestResult, steps []*topdown.Event) *TestFailure {
	var body uint64
	for _, e := range steps {
		if r, ok := e.Node.(*ast.Rule); ok && e.Op == topdown.EnterOp && placeOf(r) == (place{t.File, t.Line}) {
			body = e.QueryID
		}
	}
	for _, e := range slices.Backward(steps) {
		if _, ok := e.Node.(*ast.Expr); !ok || e.Op != topdown.FailOp || e.Location == nil || e.QueryID != body || body == 0 {
			continue
		}
		var text strings.Builder
		if err := topdown.PrettyEvent(&text, e, topdown.PrettyEventOpts{PrettyVars: true}); err != nil {
			return nil
		}
		return &TestFailure{File: e.Location.File, Line: e.Location.Row, Expression: strings.TrimRight(text.String(), "\n ")}
	}
	return nil
}

// signalNames are the names of a catalogue's signals.
func signalNames(signals []riskd.Signal) map[string]bool {
	names := map[string]bool{}
	for i := range signals {
		names[signals[i].Name] = true
	}
	return names
}

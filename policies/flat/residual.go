package flat

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// residual is what is left of a query once everything but the input is known.
type residual struct {
	queries []ast.Body
	rules   map[string][]*ast.Rule // by their references
}

// Partial evaluation ends after so many steps, or so long: a rule that makes it
// unroll without end is one for OPA. The shipped packs take some thousand steps
// in all.
const (
	maxSteps    = 100_000
	residualFor = 5 * time.Second
)

// partial evaluates a query with only the input unknown. OPA can't be stopped
// within a built-in function: it is left behind then.
func (s *Source) partial(query string) (*residual, error) {
	ctx, cancel := context.WithTimeout(context.Background(), residualFor)
	type answer struct {
		residual *residual
		err      error
	}
	done := make(chan answer, 1)
	go func() {
		defer cancel()
		defer func() {
			if r := recover(); r != nil {
				done <- answer{nil, outside("partial evaluation panicked: %v", r)}
			}
		}()
		r, err := s.evaluate(ctx, cancel, query)
		done <- answer{r, err}
	}()
	select {
	case a := <-done:
		return a.residual, a.err
	case <-time.After(2 * residualFor):
		return nil, outside("partial evaluation doesn't end")
	}
}

func (s *Source) evaluate(ctx context.Context, cancel func(), query string) (*residual, error) {
	steps := &meter{left: maxSteps, stop: cancel}
	var failed []topdown.Error
	queries, err := rego.New(
		rego.Query(query+" = "+string(rootVar)),
		rego.Compiler(s.compiler),
		rego.Store(s.store),
		rego.Transaction(s.txn),
		rego.SetRegoVersion(ast.RegoV1),
		rego.Unknowns([]string{"input"}),
		// Rules that are put into others take their conflicts along, which must be told.
		rego.ShallowInlining(true),
		rego.QueryTracer(steps),
		// Not strict: partial evaluation forgets errors within a negation, but for
		// this list.
		rego.BuiltinErrorList(&failed),
	).Partial(ctx)
	switch {
	case steps.left <= 0 || ctx.Err() != nil:
		// Looked at first: cancelled within a negation, it gives a wrong residual and
		// no error.
		return nil, outside("takes more than %d steps to evaluate partially", maxSteps)
	case err != nil:
		return nil, outside("can't be evaluated partially: %s", firstLine(err))
	case len(failed) > 0:
		return nil, outside("%s fails on constants", failed[0].Message)
	}
	r := &residual{queries: queries.Queries, rules: map[string][]*ast.Rule{}}
	for _, m := range queries.Support {
		for _, rule := range m.Rules {
			name := m.Package.Path.Extend(rule.Head.Ref()[:1]).String()
			if len(rule.Head.Ref()) > 1 {
				name = m.Package.Path.String() + "." + string(rule.Head.Ref()[0].Value.(ast.Var))
			} else if v, ok := rule.Head.Ref()[0].Value.(ast.Var); ok {
				name = m.Package.Path.String() + "." + string(v)
			}
			r.rules[name] = append(r.rules[name], rule)
		}
	}
	return r, nil
}

// rootVar is what a query's value is bound to.
const rootVar = ast.Var("riskd_root")

func firstLine(err error) string {
	var e *topdown.Error
	if errors.As(err, &e) {
		return e.Code
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// meter counts the steps of an evaluation and stops it.
type meter struct {
	left int
	stop func()
}

// Enabled is part of topdown.QueryTracer, as are the others.
func (m *meter) Enabled() bool { return m.left > 0 }

// Config asks for nothing special.
func (m *meter) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent counts.
func (m *meter) TraceEvent(topdown.Event) {
	if m.left--; m.left == 0 {
		m.stop()
	}
}

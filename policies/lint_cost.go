package policies

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/rego"
)

// Cost is what it takes to ask one rule about one case, as OPA evaluates it.
type Cost struct {
	Rule   string // the reason's code, or "decision", "step_up"
	File   string
	Line   int
	Took   time.Duration // mean over the cases, of the quickest of a few rounds
	Allocs float64       // mean over the cases
}

// costRounds is how often all cases are asked about: what else the machine does
// makes rounds slower, never quicker.
const costRounds = 5

// Costs measures every rule by itself over some cases, in the order of their
// names, the judgement's last, and the whole pack.
func Costs(ctx context.Context, name string, pack fs.FS, o Options, cases []*riskd.Case) (rules []Cost, whole Cost, err error) {
	if len(cases) == 0 {
		return nil, whole, fmt.Errorf("pack %s: costs can't be measured without cases", name)
	}
	if o.Library == nil {
		o.Library = rego.FS
	}
	p, err := Compile(name, pack, o)
	if err != nil {
		return nil, whole, err
	}
	src, err := readSource(o.Library, pack)
	if err != nil {
		return nil, whole, err
	}
	m := &meter{pack: p, cases: cases}
	m.modules, _ = src.parse()
	tuned, _ := parseTuning(src.tuning, o.Overlay)
	m.store = inmem.NewFromObjectWithOpts(map[string]any{"tuning": tuned.data}, inmem.OptReturnASTValuesOnRead(true))
	if m.txn, err = m.store.NewTransaction(ctx, storage.TransactionParams{}); err != nil {
		return nil, whole, err
	}
	rules, err = m.rules(ctx)
	if err == nil {
		whole = Cost{Rule: name, File: policyFile}
		q := m.question(ctx)
		err = m.measure(ctx, &whole, func(i int) error { return m.ask(q, i) })
	}
	if err != nil {
		return nil, whole, p.named(err)
	}
	return rules, whole, nil
}

type meter struct {
	pack    *Pack
	modules map[string]*ast.Module
	cases   []*riskd.Case
	store   storage.Store
	txn     storage.Transaction
}

func (m *meter) rules(ctx context.Context) ([]Cost, error) {
	var costs []Cost
	for _, code := range slices.Sorted(maps.Keys(m.pack.info.Rules)) {
		rule := m.pack.info.Rules[code]
		costs = append(costs, Cost{Rule: code, File: rule.File, Line: rule.Line})
		query, err := m.alone(code)
		if err == nil {
			err = m.measure(ctx, &costs[len(costs)-1], m.asks(ctx, query, m.pack.rulesInput))
		}
		if err != nil {
			return nil, err
		}
	}
	for _, q := range []struct {
		name  string
		query *query
	}{{"decision", m.pack.decision}, {"step_up", m.pack.stepUp}} {
		cost := Cost{Rule: q.name, File: policyFile, Line: m.lineOf(q.name)}
		if cost.Line == 0 {
			continue
		}
		if err := m.measure(ctx, &cost, m.asks(ctx, q.query, m.pack.judgeInput)); err != nil {
			return nil, err
		}
		costs = append(costs, cost)
	}
	return costs, nil
}

// alone prepares the rules' query for one reason, without those of the others.
func (m *meter) alone(code string) (*query, error) {
	own := map[string]*ast.Module{}
	for name, module := range m.modules {
		if !module.Package.Path.HasPrefix(packageRules) && !module.Package.Path.HasPrefix(packageLib) {
			continue
		}
		other := module.Copy()
		other.Rules = slices.DeleteFunc(other.Rules, func(r *ast.Rule) bool {
			c := reasonCode(r)
			return c != "" && c != code
		})
		own[name] = other
	}
	compiler := ast.NewCompiler().WithCapabilities(Capabilities()).WithDefaultRegoVersion(ast.RegoV1)
	if compiler.Compile(own); compiler.Failed() {
		return nil, errors.Join(regoFaults(compiler.Errors)...)
	}
	return prepare(queryReasons, compiler, m.store, m.txn)
}

// lineOf is where policy.rego first says what a decision or a step-up is.
func (m *meter) lineOf(name string) int {
	for _, r := range m.modules[policyFile].Rules {
		if ruleName(r) == name {
			return r.Location.Row
		}
	}
	return 0
}

// asks gives the work of asking one query about a case; the input is made
// beforehand, as every decision makes it once.
func (m *meter) asks(ctx context.Context, u *query, input *shape) func(i int) error {
	questions := make([]*question, len(m.cases))
	for i, c := range m.cases {
		questions[i] = m.question(ctx)
		questions[i].input, questions[i].now = input.input(c), c.Now
	}
	return func(i int) error {
		_, err := u.ask(questions[i])
		return err
	}
}

// question is one that gives up when the context ends.
func (m *meter) question(ctx context.Context) *question {
	q := m.pack.bulkhead.question()
	context.AfterFunc(ctx, q.cancel.Cancel)
	return q
}

// ask asks OPA all that a decision asks, inputs and all.
func (m *meter) ask(q *question, i int) error {
	q.now, q.input = m.cases[i].Now, m.pack.rulesInput.input(m.cases[i])
	if _, err := m.pack.reasons.ask(q); err != nil {
		return err
	}
	q.input = m.pack.judgeInput.input(m.cases[i])
	decision, err := m.pack.decision.ask(q)
	if err == nil && decision != nil && decision.Equal(stepUpAnswer) {
		_, err = m.pack.stepUp.ask(q)
	}
	return err
}

// measure asks about every case a few times.
func (m *meter) measure(ctx context.Context, c *Cost, ask func(i int) error) error {
	n := len(m.cases)
	for round := range costRounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		for i := range n {
			if err := ask(i); err != nil {
				return err
			}
		}
		took := time.Since(began) / time.Duration(n)
		runtime.ReadMemStats(&after)
		allocs := float64(after.Mallocs-before.Mallocs) / float64(n)
		if round == 0 || took < c.Took {
			c.Took = took
		}
		if round == 0 || allocs < c.Allocs {
			c.Allocs = allocs
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("rule %s takes too long to be measured: %w", c.Rule, context.Cause(ctx))
		}
	}
	return nil
}

package policies

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies/flat"
)

// RulePlan says how one rule is asked.
type RulePlan struct {
	Name     string // the reason's code, or "decision" or "step_up"
	File     string
	Line     int
	Compiled bool
	Why      string // it isn't compiled: what in it OPA has to be asked for
}

// Plan says of every rule that gives a reason, and of the judgement, how it is
// asked; those of one code each by themselves.
func (p *Pack) Plan() []RulePlan {
	var all []RulePlan
	for i := range p.compiled.rules {
		all = append(all, p.compiled.rules[i].plan)
	}
	for _, v := range []*compiledValue{&p.compiled.decision, &p.compiled.stepUp} {
		if v.defined {
			all = append(all, v.plan)
		}
	}
	return all
}

// Price is what one rule costs for one question, on average over some cases.
type Price struct {
	RulePlan
	Took   time.Duration // as it is asked
	OPA    time.Duration // asked of OPA, its input ready
	Allocs float64       // objects, as it is asked
}

// Prices measures every rule of the plan by itself, and all that one event asks of
// the pack. A rule that gives an error for a case is measured all the same. Where
// ctx ends first, the error says which rule took too long.
func (p *Pack) Prices(ctx context.Context, cases []*riskd.Case) (rules []Price, whole Price, err error) {
	if len(cases) == 0 {
		return nil, whole, fmt.Errorf("pack %s: prices need a case at least", p.info.Name)
	}
	m := &meter{ctx: ctx, pack: p, cases: cases, cancel: topdown.NewCancel()}
	defer context.AfterFunc(ctx, m.cancel.Cancel)()
	for i := range p.compiled.rules {
		r := &p.compiled.rules[i]
		asked, err := p.queryOf(r)
		if err != nil {
			return nil, whole, fmt.Errorf("pack %s: %w", p.info.Name, err)
		}
		rules = append(rules, m.price(r.plan, r.program, asked, p.rulesInput))
	}
	if v := &p.compiled.decision; v.defined {
		rules = append(rules, m.price(v.plan, v.program, p.decision, p.judgeInput))
	}
	if v := &p.compiled.stepUp; v.defined {
		rules = append(rules, m.price(v.plan, v.program, p.stepUp, p.judgeInput))
	}
	whole = m.whole()
	return rules, whole, m.err
}

// queryOf is the question for one rule of the reasons alone, or for all of them
// where they couldn't be taken apart.
func (p *Pack) queryOf(r *compiledRule) (*query, error) {
	if p.compiled.source == nil {
		return p.reasons, nil
	}
	return prepare(r.query, p.compiled.source.Compiler(), p.compiled.store, p.compiled.txn)
}

// meter measures until its context ends.
type meter struct {
	ctx    context.Context
	pack   *Pack
	cases  []*riskd.Case
	cancel topdown.Cancel
	err    error
}

func (m *meter) price(plan RulePlan, program *flat.Program, asked *query, input *shape) Price {
	result := Price{RulePlan: plan}
	questions := make([]*question, len(m.cases))
	for i, c := range m.cases { // every decision makes its input once, for all rules
		questions[i] = &question{cancel: m.cancel, now: c.Now, input: input.input(c)}
	}
	result.OPA, result.Allocs = m.measure(plan.Name, func(i int) { _, _ = asked.ask(questions[i]) })
	result.Took = result.OPA
	if program != nil {
		f := flat.Borrow()
		defer flat.Return(f)
		result.Took, result.Allocs = m.measure(plan.Name, func(i int) { program.Run(m.cases[i], f) })
	}
	return result
}

// whole is the price of all that a decision asks.
func (m *meter) whole() Price {
	p := m.pack
	whole := Price{RulePlan: RulePlan{Name: p.info.Name, File: policyFile, Compiled: true}}
	for _, plan := range p.Plan() {
		whole.Compiled = whole.Compiled && plan.Compiled
	}
	q := &question{cancel: m.cancel}
	whole.OPA, whole.Allocs = m.measure(p.info.Name, func(i int) {
		c := m.cases[i]
		q.query, q.judge, q.now, q.input = p.reasons, false, c.Now, p.rulesInput.input(c)
		p.answer(q)
		q.query, q.judge, q.input = p.decision, true, p.judgeInput.input(c)
		p.answer(q)
	})
	whole.Took, whole.Allocs = m.measure(p.info.Name, func(i int) {
		_, _ = p.Reasons(m.ctx, m.cases[i])
		_, _ = p.Judge(m.ctx, m.cases[i])
	})
	return whole
}

// A rule is measured over all cases, at least so often and so long.
const (
	measureRounds = 3
	measureFor    = 2 * time.Millisecond
)

// measure gives the quickest of a few rounds: what else the machine does makes
// rounds slower, never quicker.
func (m *meter) measure(rule string, ask func(i int)) (took time.Duration, allocs float64) {
	var before, after runtime.MemStats
	began := time.Now()
	for round := 0; round < measureRounds || time.Since(began) < measureFor; round++ {
		runtime.ReadMemStats(&before)
		started := time.Now()
		for i := range m.cases {
			ask(i)
		}
		once := time.Since(started)
		runtime.ReadMemStats(&after)
		if m.ctx.Err() != nil {
			if m.err == nil {
				m.err = fmt.Errorf("rule %s takes too long to be measured: %w", rule, context.Cause(m.ctx))
			}
			return took, allocs
		}
		n := time.Duration(len(m.cases))
		if round == 0 || once/n < took {
			took = once / n
		}
		if each := float64(after.Mallocs-before.Mallocs) / float64(n); round == 0 || each < allocs {
			allocs = each
		}
	}
	return took, allocs
}

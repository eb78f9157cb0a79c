package policies

import (
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

// Prices measures every rule of the plan by itself. A rule that gives an error
// for a case is measured all the same.
func (p *Pack) Prices(cases []*riskd.Case) ([]Price, error) {
	if len(cases) == 0 {
		return nil, fmt.Errorf("pack %s: prices need a case at least", p.info.Name)
	}
	var prices []Price
	for i := range p.compiled.rules {
		r := &p.compiled.rules[i]
		asked, err := p.queryOf(r)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", p.info.Name, err)
		}
		prices = append(prices, price(r.plan, r.program, asked, p.rulesInput, cases))
	}
	if v := &p.compiled.decision; v.defined {
		prices = append(prices, price(v.plan, v.program, p.decision, p.judgeInput, cases))
	}
	if v := &p.compiled.stepUp; v.defined {
		prices = append(prices, price(v.plan, v.program, p.stepUp, p.judgeInput, cases))
	}
	return prices, nil
}

// queryOf is the question for one rule of the reasons alone, or for all of them
// where they couldn't be taken apart.
func (p *Pack) queryOf(r *compiledRule) (*query, error) {
	if p.compiled.source == nil {
		return p.reasons, nil
	}
	return prepare(r.query, p.compiled.source.Compiler(), p.compiled.store, p.compiled.txn)
}

func price(plan RulePlan, program *flat.Program, asked *query, input *shape, cases []*riskd.Case) Price {
	result := Price{RulePlan: plan}
	q := &question{cancel: topdown.NewCancel()}
	opa := func(c *riskd.Case) {
		q.now, q.input = c.Now, input.input(c)
		_, _ = asked.ask(q)
	}
	result.OPA, result.Allocs = measure(cases, opa)
	result.Took = result.OPA
	if program != nil {
		f := flat.Borrow()
		defer flat.Return(f)
		result.Took, result.Allocs = measure(cases, func(c *riskd.Case) { program.Run(c, f) })
	}
	return result
}

// measureFor is how long one rule is measured, at least.
const measureFor = 2 * time.Millisecond

// measure runs over all cases until that took long enough.
func measure(cases []*riskd.Case, ask func(*riskd.Case)) (took time.Duration, allocs float64) {
	round := func() {
		for _, c := range cases {
			ask(c)
		}
	}
	round() // warm
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started, n := time.Now(), 0
	for time.Since(started) < measureFor {
		round()
		n += len(cases)
	}
	took = time.Since(started)
	runtime.ReadMemStats(&after)
	return took / time.Duration(n), float64(after.Mallocs-before.Mallocs) / float64(n)
}

package policies

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// OPA stays the reference: a sample of what programs answer is asked of it
// again, after the answer was given. One difference, and the pack is OPA's
// alone for as long as it is in force.

// sampleEvery is how many questions there are to one that is asked again: at
// some 20 µs for a question's input, 20 ns each. It is odd, as a decision asks
// two questions, and the sample has to meet both.
const sampleEvery = 1021

// checkFor is how long OPA may take for a question that nobody waits for.
const checkFor = time.Second

type check struct {
	questions  atomic.Uint64
	busy       atomic.Bool // one at a time
	off        atomic.Bool // there was a mismatch
	mismatches atomic.Uint64
}

// due counts a question, and reports whether it is to be asked again.
func (k *check) due() bool {
	return k.questions.Add(1)%sampleEvery == 0 && k.busy.CompareAndSwap(false, true)
}

// Compiled reports whether programs answer for what OPA needn't be asked, and
// on how many questions of the sample the two have differed: after the first,
// OPA is asked for everything.
func (p *Pack) Compiled() (active bool, mismatches uint64) {
	if p.compiled == nil {
		return false, 0
	}
	return p.compiled.active(), p.compiled.check.mismatches.Load()
}

func (p *Pack) sampleReasons(c *riskd.Case, which *fired) {
	if !p.compiled.check.due() {
		return
	}
	q := p.bulkhead.question()
	q.query, q.now, q.input = p.reasons, c.Now, p.rulesInput.input(c)
	go p.ask(q, ast.NewTerm(p.compiled.set(which)), nil)
}

func (p *Pack) sampleJudgement(c *riskd.Case, decided, demanded int) {
	k := p.compiled
	if !k.check.due() {
		return
	}
	var answer, demand *ast.Term
	if decided >= 0 {
		answer = k.decision.program.Heads[decided]
	}
	if demanded >= 0 {
		demand = k.stepUp.program.Heads[demanded]
	}
	q := p.bulkhead.question()
	q.query, q.judge, q.now, q.input = p.decision, true, c.Now, p.judgeInput.input(c)
	go p.ask(q, answer, demand)
}

// ask asks OPA a question that programs have answered.
func (p *Pack) ask(q *question, answer, demand *ast.Term) {
	k := &p.compiled.check
	defer k.busy.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), checkFor)
	defer cancel()
	if p.bulkhead.do(ctx, q) != nil {
		return // it is slow or busy, not of another opinion
	}
	defer p.bulkhead.release(q)
	var e *Error
	if errors.As(q.err, &e) && e.Code == CodeTimeout {
		return
	}
	if q.err != nil || !same(q.answer, answer) || !same(q.demand, demand) {
		k.mismatches.Add(1)
		k.off.Store(true)
	}
}

func same(a, b *ast.Term) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(b)
}

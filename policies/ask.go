package policies

import (
	"context"
	"math/bits"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies/flat"
)

// flatReasons asks the programs, and OPA for those rules that have none.
func (p *Pack) flatReasons(ctx context.Context, c *riskd.Case) (reasons []riskd.Reason, err error, sure bool) {
	k := p.compiled
	var which fired
	n, sure := k.fire(c, &which)
	if !sure {
		return nil, nil, false
	}
	if k.outside != nil {
		reasons, err = p.withOutside(ctx, c, &which)
		return reasons, err, true
	}
	p.sampleReasons(c, &which)
	reasons, err = p.reasonsFired(c, &which, n)
	return reasons, err, true
}

// fire runs every rule's program.
func (k *compiled) fire(c *riskd.Case, which *fired) (n int, sure bool) {
	f := flat.Borrow()
	defer flat.Return(f)
	for i := range k.rules {
		r := &k.rules[i]
		if r.program == nil {
			continue
		}
		heads, sure := r.program.Run(c, f)
		if !sure {
			return 0, false
		}
		for _, h := range heads {
			at := r.parts[h]
			if bit := uint64(1) << (at % 64); which[at/64]&bit == 0 {
				which[at/64] |= bit
				n++
			}
		}
	}
	return n, true
}

func (p *Pack) reasonsFired(c *riskd.Case, which *fired, n int) ([]riskd.Reason, error) {
	switch {
	case n == 0:
		return nil, nil
	case n > maxReasons:
		return nil, invalid("%s has %d members; the limit is %d", queryReasons, n, maxReasons)
	}
	reasons := make([]riskd.Reason, 0, n)
	for word, set := range which {
		for ; set != 0; set &= set - 1 {
			r, err := p.reasonOf(&p.compiled.parts[word*64+bits.TrailingZeros64(set)], c)
			if err != nil {
				return nil, err
			}
			reasons = append(reasons, r)
		}
	}
	slices.SortStableFunc(reasons, func(a, b riskd.Reason) int { return strings.Compare(a.Code, b.Code) })
	return reasons, nil
}

// set is what fired as OPA would give it.
func (k *compiled) set(which *fired) ast.Set {
	set := ast.NewSet()
	for word, bitset := range which {
		for ; bitset != 0; bitset &= bitset - 1 {
			set.Add(k.terms[word*64+bits.TrailingZeros64(bitset)])
		}
	}
	return set
}

func (p *Pack) withOutside(ctx context.Context, c *riskd.Case, which *fired) ([]riskd.Reason, error) {
	q := p.bulkhead.question()
	q.query, q.now, q.input = p.compiled.outside, c.Now, p.rulesInput.input(c)
	if err := p.bulkhead.do(ctx, q); err != nil {
		return nil, err
	}
	defer p.bulkhead.release(q)
	if q.err != nil {
		return nil, q.err
	}
	rest, ok := q.answer.Value.(ast.Set)
	if !ok {
		return p.readReasons(q.answer, c)
	}
	return p.readReasons(ast.NewTerm(p.compiled.set(which).Union(rest)), c)
}

// flatJudgement asks the programs of the judgement.
func (p *Pack) flatJudgement(c *riskd.Case) (j riskd.Judgement, err error, sure bool) {
	k := p.compiled
	if k.decision.program == nil {
		return j, nil, false
	}
	f := flat.Borrow()
	defer flat.Return(f)
	decided, sure := one(k.decision.program.Run(c, f))
	switch {
	case !sure:
		return j, nil, false
	case decided < 0:
		err = undefined(queryDecision)
	case k.outcomes[decided].err != nil:
		err = k.outcomes[decided].err
	case k.outcomes[decided].outcome == riskd.StepUpNeeded:
		return p.flatDemand(c, f, decided)
	}
	p.sampleJudgement(c, decided, -1)
	if err == nil {
		j.Outcome = k.outcomes[decided].outcome
	}
	return j, err, true
}

func (p *Pack) flatDemand(c *riskd.Case, f *flat.Frame, decided int) (j riskd.Judgement, err error, sure bool) {
	k := p.compiled
	if k.stepUp.program == nil {
		return j, nil, false
	}
	demanded, sure := one(k.stepUp.program.Run(c, f))
	if !sure {
		return j, nil, false
	}
	p.sampleJudgement(c, decided, demanded)
	switch {
	case demanded < 0:
		return p.tunedDemand(c), nil, true
	case k.demands[demanded].err != nil:
		return j, k.demands[demanded].err, true
	}
	return riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: k.demands[demanded].demand}, nil, true
}

// one is the value of a rule that has only one, -1 when it is undefined. Two are
// a conflict, which OPA is to report.
func one(heads []int, ok bool) (at int, sure bool) {
	switch {
	case !ok || len(heads) > 1:
		return 0, false
	case len(heads) == 0:
		return -1, true
	}
	return heads[0], true
}

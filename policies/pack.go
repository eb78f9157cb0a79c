package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// Pack is one compiled revision of a policy pack with the rule library. It is
// safe for concurrent use.
type Pack struct {
	info    riskd.Pack
	signals map[string]int // places of readings

	reasons, decision, stepUp *query
	rulesInput, judgeInput    *shape
	bulkhead                  *bulkhead
}

// Info describes the pack. It must not be changed.
func (p *Pack) Info() *riskd.Pack { return &p.info }

// Reasons asks the rules what they make of the readings, sorted by code. The
// error is an [*Error].
func (p *Pack) Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	if len(p.info.Rules) == 0 {
		return nil, nil
	}
	q := p.bulkhead.question()
	q.judge, q.now, q.input = false, c.Now, p.rulesInput.input(c)
	if err := p.bulkhead.do(ctx, q); err != nil {
		return nil, p.named(err)
	}
	defer p.bulkhead.release(q)
	if q.err != nil {
		return nil, p.named(q.err)
	}
	reasons, err := p.readReasons(q.answer, c)
	if err != nil {
		return nil, p.named(err)
	}
	return reasons, nil
}

// Judge asks the pack what is to be done on the score, the reasons and the
// invariants. The error is an [*Error]; without one the outcome is never
// NoOutcome.
func (p *Pack) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	q := p.bulkhead.question()
	q.judge, q.now, q.input = true, c.Now, p.judgeInput.input(c)
	if err := p.bulkhead.do(ctx, q); err != nil {
		return riskd.Judgement{}, p.named(err)
	}
	defer p.bulkhead.release(q)
	if q.err != nil {
		return riskd.Judgement{}, p.named(q.err)
	}
	judgement, err := p.readJudgement(q, c)
	if err != nil {
		return riskd.Judgement{}, p.named(err)
	}
	return judgement, nil
}

// Input is all that the pack is asked about a case, as a JSON document: the same
// that the queries get, put together. It is for explaining and comparing.
func (p *Pack) Input(c *riskd.Case) ([]byte, error) {
	rules, judge := p.rulesInput.input(c).(ast.Object), p.judgeInput.input(c).(ast.Object)
	both, _ := rules.MergeWith(judge, func(same, _ *ast.Term) (*ast.Term, bool) { return same, false })
	document, err := ast.JSON(both)
	if err != nil {
		return nil, fmt.Errorf("pack %s: input: %w", p.info.Name, err)
	}
	return json.Marshal(document)
}

// answer runs in an evaluator. A panic in a built-in function is that
// question's error and nobody else's.
func (p *Pack) answer(q *question) {
	defer func() {
		if r := recover(); r != nil {
			q.err = &Error{CodeError, fmt.Errorf("evaluator panicked: %v", r)}
		}
	}()
	if !q.judge {
		q.answer, q.err = p.reasons.ask(q)
		return
	}
	q.answer, q.err = p.decision.ask(q)
	if q.err == nil && q.answer != nil && q.answer.Equal(stepUpAnswer) {
		q.demand, q.err = p.stepUp.ask(q)
	}
}

var stepUpAnswer = ast.StringTerm(riskd.StepUpNeeded.String())

// named puts the pack's name into an error.
func (p *Pack) named(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{CodeError, err}
	}
	return &Error{e.Code, fmt.Errorf("pack %s: %w", p.info.Name, e.Err)}
}

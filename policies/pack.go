package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// Pack is one compiled revision of a policy pack with the rule library. It is
// safe for concurrent use.
type Pack struct {
	info    riskd.Pack
	signals map[string]int // places of readings
	tuned   map[string]map[string]float64

	reasons, decision, stepUp *query
	rulesInput, judgeInput    *shape
	bulkhead                  *bulkhead
	compiled                  *compiled // nil where OPA is asked for everything
}

// Info describes the pack. It must not be changed.
func (p *Pack) Info() *riskd.Pack { return &p.info }

// InForceSince is the same pack, with another time from which on it is in force.
func (p *Pack) InForceSince(t time.Time) *Pack {
	same := *p
	same.info.Since = t
	return &same
}

// Reasons asks the rules what they make of the readings, sorted by code. The
// error is an [*Error].
func (p *Pack) Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	if len(p.info.Rules) == 0 {
		return nil, nil
	}
	reasons, err := p.reasonsOf(ctx, c)
	if err != nil {
		return nil, p.named(err)
	}
	return reasons, nil
}

func (p *Pack) reasonsOf(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	if ctx.Err() != nil {
		return nil, late(ctx)
	}
	if p.compiled.active() {
		if reasons, err, sure := p.flatReasons(ctx, c); sure {
			return reasons, err
		}
	}
	q := p.bulkhead.question()
	q.query, q.now, q.input = p.reasons, c.Now, p.rulesInput.input(c)
	if err := p.bulkhead.do(ctx, q); err != nil {
		return nil, err
	}
	defer p.bulkhead.release(q)
	if q.err != nil {
		return nil, q.err
	}
	return p.readReasons(q.answer, c)
}

// Judge asks the pack what is to be done on the score, the reasons and the
// invariants. The error is an [*Error]; without one the outcome is never
// NoOutcome.
func (p *Pack) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	judgement, err := p.judgementOf(ctx, c)
	if err != nil {
		return riskd.Judgement{}, p.named(err)
	}
	return judgement, nil
}

func (p *Pack) judgementOf(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	if ctx.Err() != nil {
		return riskd.Judgement{}, late(ctx)
	}
	if p.compiled.active() {
		if judgement, err, sure := p.flatJudgement(c); sure {
			return judgement, err
		}
	}
	q := p.bulkhead.question()
	q.query, q.judge, q.now, q.input = p.decision, true, c.Now, p.judgeInput.input(c)
	if err := p.bulkhead.do(ctx, q); err != nil {
		return riskd.Judgement{}, err
	}
	defer p.bulkhead.release(q)
	if q.err != nil {
		return riskd.Judgement{}, q.err
	}
	return p.readJudgement(q, c)
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
	q.answer, q.err = q.query.ask(q)
	if q.judge && q.err == nil && q.answer != nil && q.answer.Equal(stepUpAnswer) {
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

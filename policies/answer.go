package policies

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// What the queries answer is read here, straight from OPA's terms. An answer
// that isn't wholly what the contract says is no answer.

// maxReasons is how many reasons one event may have.
const maxReasons = 256

// readReasons reads the set of reasons, sorted by code.
func (p *Pack) readReasons(answer *ast.Term, c *riskd.Case) ([]riskd.Reason, error) {
	if answer == nil {
		return nil, undefined(queryReasons)
	}
	set, ok := answer.Value.(ast.Set)
	if !ok {
		return nil, invalid("%s is %s; it must be a set", queryReasons, ast.ValueName(answer.Value))
	}
	switch n := set.Len(); {
	case n == 0:
		return nil, nil
	case n > maxReasons:
		return nil, invalid("%s has %d members; the limit is %d", queryReasons, n, maxReasons)
	}
	reasons := make([]riskd.Reason, 0, set.Len())
	for _, t := range set.Slice() { // in OPA's order of terms
		r, err := p.readReason(t, c)
		if err != nil {
			return nil, err
		}
		reasons = append(reasons, r)
	}
	slices.SortStableFunc(reasons, func(a, b riskd.Reason) int { return strings.Compare(a.Code, b.Code) })
	return reasons, nil
}

// evidence are the numbers of a reason as a rule gives them.
type evidence struct {
	nats, weight, min, max             float64
	hasNats, hasWeight, hasMin, hasMax bool
}

// part is a reason as a rule gives it, before its reading is weighed.
type part struct {
	reason   riskd.Reason
	evidence evidence
	err      error // it isn't what the contract says
}

func (p *Pack) readReason(t *ast.Term, c *riskd.Case) (riskd.Reason, error) {
	read := p.readPart(t)
	return p.reasonOf(&read, c)
}

// reasonOf makes the reason of a case.
func (p *Pack) reasonOf(read *part, c *riskd.Case) (riskd.Reason, error) {
	if read.err != nil {
		return riskd.Reason{}, read.err
	}
	r := read.reason
	if err := p.weigh(&r, &read.evidence, c); err != nil {
		return riskd.Reason{}, invalid("reason %s: %w", r.Code, err)
	}
	return r, nil
}

func (p *Pack) readPart(t *ast.Term) (read part) {
	object, ok := t.Value.(ast.Object)
	if !ok {
		return part{err: invalid("a reason is %s; it must be an object", ast.ValueName(t.Value))}
	}
	r := &read.reason
	read.err = object.Iter(func(k, v *ast.Term) error {
		name, _ := k.Value.(ast.String)
		if !readReasonMember(string(name), v.Value, r, &read.evidence) {
			return invalid("reason %s: its member %s is wrong", literal(object, "code"), k)
		}
		return nil
	})
	if read.err != nil {
		return read
	}
	if r.Rule = p.info.Rules[r.Code]; r.Rule == nil {
		return part{err: invalid("reason %s: no rule is labelled with this code", r.Code)}
	}
	r.Group, r.Channel = r.Rule.Group, r.Rule.Channel
	if r.Signal == "" {
		r.Signal = r.Code
	}
	r.ClearsWith = slices.Clip(r.ClearsWith) // shared by all that it is given to
	return read
}

func readReasonMember(name string, v ast.Value, r *riskd.Reason, e *evidence) (ok bool) {
	switch name {
	case "code":
		r.Code, ok = text(v)
	case "signal":
		r.Signal, ok = text(v)
	case "nats":
		e.nats, ok = number(v)
		e.hasNats = true
	case "weight":
		e.weight, ok = number(v)
		e.hasWeight = true
	case "min":
		e.min, ok = number(v)
		e.hasMin = true
	case "max":
		e.max, ok = number(v)
		e.hasMax = true
	case "clears_with":
		r.ClearsWith, ok = texts(v)
	case "invariant":
		var is ast.Boolean
		is, ok = v.(ast.Boolean)
		r.Invariant = bool(is)
	}
	return ok
}

// weigh gives a reason its nats: none for an invariant, a constant, or its
// reading's own, weighed and bounded.
func (p *Pack) weigh(r *riskd.Reason, e *evidence, c *riskd.Case) error {
	bounded := e.hasWeight && e.hasMin && e.hasMax
	if e.hasWeight != bounded || e.hasMin != bounded || e.hasMax != bounded {
		return errors.New("weight, min and max go together")
	}
	switch {
	case r.Invariant:
		if e.hasNats || bounded {
			return errors.New("an invariant has no nats")
		}
	case e.hasNats == bounded:
		return errors.New("it needs either nats, or weight with min and max, or invariant")
	case e.hasNats:
		r.Nats = e.nats
	case e.min > e.max:
		return errors.New("min is above max")
	default:
		at, ok := p.signals[r.Signal]
		m := reading(c, at)
		if !ok || m == nil || m.State != riskd.Measured {
			return errors.New("it weighs a reading that wasn't measured")
		}
		if math.IsNaN(m.Nats) || math.IsInf(m.Nats, 0) {
			return errors.New("its reading's nats aren't a number")
		}
		r.Nats = min(max(e.weight*m.Nats, e.min), e.max)
	}
	return nil
}

// readJudgement reads the decision and, where it is a step-up, what it demands;
// a pack that doesn't say demands what its tuning says.
func (p *Pack) readJudgement(q *question, c *riskd.Case) (riskd.Judgement, error) {
	if q.answer == nil {
		return riskd.Judgement{}, undefined(queryDecision)
	}
	outcome, err := readOutcome(q.answer)
	if err != nil || outcome != riskd.StepUpNeeded {
		return riskd.Judgement{Outcome: outcome}, err
	}
	if q.demand == nil {
		return p.tunedDemand(c), nil
	}
	demand, err := readDemanded(q.demand)
	if err != nil {
		return riskd.Judgement{}, err
	}
	return riskd.Judgement{Outcome: outcome, StepUp: demand}, nil
}

func (p *Pack) tunedDemand(c *riskd.Case) riskd.Judgement {
	return riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: p.info.Tuning.Demand[c.Event.Request.Class]}
}

func readOutcome(t *ast.Term) (riskd.Outcome, error) {
	word, _ := text(t.Value)
	outcome, err := riskd.ParseOutcome(word)
	if err != nil {
		return riskd.NoOutcome, invalid(`%s is %s; it must be "allow", "step_up" or "revoke"`, queryDecision, t)
	}
	return outcome, nil
}

func readDemanded(t *ast.Term) (riskd.Demand, error) {
	d, ok := readDemand(t.Value)
	if !ok {
		return riskd.Demand{}, invalid(`%s is %s; it must be {"acr_values": […], "amr_values": […], "max_age": "5m"}`, queryStepUp, t)
	}
	return d, nil
}

func readDemand(v ast.Value) (d riskd.Demand, ok bool) {
	object, ok := v.(ast.Object)
	if !ok || object.Len() != 3 {
		return d, false
	}
	ok = object.Iter(func(k, v *ast.Term) error {
		var ok bool
		switch k.Value {
		case ast.String("acr_values"):
			d.ACR, ok = texts(v.Value)
		case ast.String("amr_values"):
			d.AMR, ok = texts(v.Value)
		case ast.String("max_age"):
			var s string
			s, ok = text(v.Value)
			age, err := time.ParseDuration(s)
			d.MaxAge = age
			ok = ok && err == nil && age > 0
		}
		if !ok {
			return errNotDemand
		}
		return nil
	}) == nil
	return d, ok
}

var errNotDemand = errors.New("isn't a demand")

func text(v ast.Value) (string, bool) {
	s, ok := v.(ast.String)
	return string(s), ok && s != ""
}

func number(v ast.Value) (float64, bool) {
	n, ok := v.(ast.Number)
	if !ok {
		return 0, false
	}
	f, ok := n.Float64()
	return f, ok && !math.IsInf(f, 0)
}

func texts(v ast.Value) ([]string, bool) {
	array, ok := v.(*ast.Array)
	if !ok {
		return nil, false
	}
	list := make([]string, array.Len())
	for i := range list {
		if list[i], ok = text(array.Elem(i).Value); !ok {
			return nil, false
		}
	}
	return list, true
}

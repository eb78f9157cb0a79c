package tune

import (
	"context"
	"math"

	"github.com/riskd/riskd"
)

// watch stands between an engine and its policy and notes what goes by. It changes
// one answer, unless Options.Enforce: where an attacker is at work, a session that
// would be revoked is asked for a step-up instead.
type watch struct {
	recorder *Recorder
	policy   Policy
}

// Info is the policy's.
func (w *watch) Info() *riskd.Pack { return w.policy.Info() }

// Reasons are the policy's.
func (w *watch) Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	reasons, err := w.policy.Reasons(ctx, c)
	if err != nil {
		return reasons, err
	}
	r := w.recorder
	now := &r.now
	if c.Session.Requests == 0 {
		now.flags |= flagReset
	}
	if proved := c.Session.ProvedAt; !proved.IsZero() && !proved.Equal(now.session.provedAt) {
		now.flags |= flagProved
		now.session.provedAt = proved
	}
	for i := range reasons {
		r.note(&reasons[i], c)
	}
	return reasons, nil
}

// note keeps a reason, if it is evidence.
func (r *Recorder) note(reason *riskd.Reason, c *riskd.Case) {
	if reason.Nats == 0 && !reason.Invariant && !r.weighs(reason, c) {
		return
	}
	kind, raw := r.origin(reason, c)
	k := r.known.rule(rule{
		kind: kind, group: reason.Group, channel: reason.Channel, invariant: reason.Invariant,
		clears: clearedByStepUp(reason.ClearsWith), name: reason.Code, signal: reason.Signal,
	})
	tuned := r.Tuned[reason.Code]
	against := reason.Nats > 0 || kind == Weighed && raw*math.Copysign(1, tuned["weight"]) > 0 && tuned["max"] > 0
	code := &r.log.codes[r.log.rules[k].code]
	switch {
	case against || reason.Invariant:
		code.Against++
	case reason.Nats < 0:
		code.For++
	}
	r.now.against = r.now.against || against
	r.now.readings = append(r.now.readings, r.known.reading(k, raw))
}

// weighs reports whether other numbers would make evidence of a reason that has
// none.
func (r *Recorder) weighs(reason *riskd.Reason, c *riskd.Case) bool {
	kind, raw := r.origin(reason, c)
	return kind == Constant || kind == Weighed && raw != 0
}

// origin finds out what a reason's nats were made of.
func (r *Recorder) origin(reason *riskd.Reason, c *riskd.Case) (Tunable, float64) {
	if reason.Invariant {
		return Alarm, 0
	}
	tuned := r.Tuned[reason.Code]
	weight, hasWeight := tuned["weight"]
	low, hasLow := tuned["min"]
	high, hasHigh := tuned["max"]
	if i, ok := r.signal[reason.Signal]; ok && hasWeight && hasLow && hasHigh && i < len(c.Readings) {
		m := &c.Readings[i]
		if m.State == riskd.Measured && min(max(weight*m.Nats, low), high) == reason.Nats {
			return Weighed, m.Nats
		}
	}
	if nats, ok := tuned["nats"]; ok && nats == reason.Nats {
		return Constant, 1
	}
	return Fixed, reason.Nats
}

// proof is the kind of proof that a step-up gives: rules name it in clears_with.
const proof = "mfa"

func clearedByStepUp(with []string) bool {
	for _, w := range with {
		if w == proof {
			return true
		}
	}
	return false
}

// Judge is the policy's answer, but for what is not revoked.
func (w *watch) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	j, err := w.policy.Judge(ctx, c)
	if err != nil {
		return j, err
	}
	r := w.recorder
	ask := asking{ctx: ctx, policy: w.policy, probe: *c}
	a := answer{stepUp: ask.from(riskd.StepUpNeeded, riskd.StepUpScore), revoke: ask.from(riskd.Revoke, riskd.RevokeScore), forced: riskd.Allow}
	switch {
	case a.revoke == 0:
		a.forced, a.stepUp, a.revoke = riskd.Revoke, riskd.StepUpScore, riskd.RevokeScore
	case a.stepUp == 0: // whatever the score: a demand, or an invariant
		a.forced, a.stepUp = riskd.StepUpNeeded, riskd.StepUpScore
	}
	a.invariant = a.forced > riskd.Allow && len(c.Invariants) > 0
	if ask.err != nil {
		return j, ask.err
	}
	r.now.judged, r.now.answer = true, a
	if j.Outcome == riskd.Revoke && r.now.session.attacked && !r.Enforce {
		j = riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: w.Info().Tuning.Demand[c.Event.Request.Class]}
	}
	return j, nil
}

// asking asks a policy what it would answer at other scores.
type asking struct {
	ctx    context.Context
	policy Policy
	probe  riskd.Case
	err    error
}

func (a *asking) at(score float64) riskd.Outcome {
	a.probe.Score = score
	j, err := a.policy.Judge(a.ctx, &a.probe)
	if err != nil && a.err == nil {
		a.err = err
	}
	return j.Outcome
}

// from finds the least score at which the policy answers so severely: 0 if it always
// does, +Inf if it never does. The usual threshold is tried first; else it is looked
// for, on the supposition that a higher score never makes an answer milder.
func (a *asking) from(outcome riskd.Outcome, usual float64) float64 {
	below, above := a.at(math.Nextafter(usual, 0)) >= outcome, a.at(usual) >= outcome
	switch {
	case above && !below:
		return usual
	case below && a.at(0) >= outcome:
		return 0
	}
	low, high := 0.0, usual
	if !above {
		if low, high = usual, 100; a.at(high) < outcome {
			return never
		}
	}
	for range 50 {
		middle := (low + high) / 2
		if a.at(middle) >= outcome {
			high = middle
		} else {
			low = middle
		}
	}
	if whole := math.Round(high); whole > low-1e-9 && whole < high+1e-9 { // bisection comes just short of it
		return whole
	}
	return high
}

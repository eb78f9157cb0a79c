package scoring

import (
	"errors"
	"slices"

	"github.com/riskd/riskd"
)

// The rails that no policy can leave: a revoked session stays revoked, a pending
// step-up stays pending until it is met, no failure ever revokes, and where the
// policy gives no answer the event's class decides.

// over answers for a session that is over; nothing else is looked at.
func (t *turn) over(epoch riskd.Epoch) {
	t.decision.Outcome = riskd.Revoke
	t.decision.Source = riskd.SourceRevocation
	t.decision.Score, t.decision.Level = 100, riskd.High
	t.decision.UserText = "Your session has ended. Please sign in again."
	t.decision.AdminText = revokedText(epoch)
}

func revokedText(epoch riskd.Epoch) string {
	text := epoch.Target.Kind.String() + " revoked at " + epoch.At.UTC().Format("2006-01-02T15:04:05Z07:00")
	if epoch.Actor != "" {
		text += " by " + epoch.Actor
	}
	if epoch.Reason != "" {
		text += ": " + epoch.Reason
	}
	return text
}

// guard makes the policy's answer, or its absence, into the decision's outcome.
func (t *turn) guard() {
	d, s := &t.decision, t.Session
	d.Outcome = t.answer.Outcome
	if t.err != nil {
		d.Outcome, d.Source = t.fallback(), riskd.SourceFallback
		d.Degraded = append(d.Degraded, codeOf(t.err))
		t.answer = riskd.Judgement{StepUp: t.pack.Tuning.Demand[t.Event.Request.Class]}
	}
	pending := s.StepUp != nil && t.Event.Request.Class != riskd.ClassOpen
	if d.Outcome == riskd.Allow && pending {
		d.Outcome = riskd.StepUpNeeded
	}
	switch d.Outcome {
	case riskd.StepUpNeeded:
		d.StepUp = t.challenge()
	case riskd.Revoke:
		s.StepUp, s.Status = nil, riskd.StatusRevoked
	}
}

// challenge gives the session's pending step-up, or a new one. Only a step-up
// for risk stays with the session; one that a single action asks for, or that
// stands in for a policy that failed, is asked again when that comes again.
func (t *turn) challenge() *riskd.StepUp {
	s := t.Session
	clears := t.clearable()
	if s.StepUp != nil {
		if t.answer.Outcome == riskd.StepUpNeeded {
			s.StepUp.Demand = t.answer.StepUp
		}
		s.StepUp.Clears = clears
		copied := *s.StepUp
		return &copied
	}
	u := riskd.StepUp{
		ID: "su_" + t.engine.NewID(), Demand: t.answer.StepUp, Clears: clears, IssuedAt: t.Now,
		AuthTime: latest(s.AuthTime, t.Event.Session.AuthTime),
	}
	if t.err == nil && (t.Score >= riskd.StepUpScore || len(t.Invariants) > 0) {
		kept := u
		s.StepUp, s.Status = &kept, riskd.StatusStepUp
	}
	return &u
}

func (t *turn) clearable() []string {
	var codes []string
	for i := range t.Reasons {
		if r := &t.Reasons[i]; slices.Contains(r.ClearsWith, mfa) && !slices.Contains(codes, r.Code) {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// fallback is the outcome for an event that the policy gave no answer on. It is
// never revoke.
func (t *turn) fallback() riskd.Outcome {
	tuning, s := &t.pack.Tuning, t.Session
	switch tuning.OnFailure[t.Event.Request.Class] {
	case riskd.FailAllow:
		return riskd.Allow
	case riskd.FailLast:
		young := !s.DecidedAt.IsZero() && t.Now.Sub(s.DecidedAt) <= tuning.LastDecisionFor
		if young && s.Last == riskd.Allow {
			return riskd.Allow
		}
	}
	return riskd.StepUpNeeded
}

// codeOf names an error in a decision: by its own code if it has one.
func codeOf(err error) string {
	var coded interface{ DecisionCode() string }
	if errors.As(err, &coded) {
		return coded.DecisionCode()
	}
	return "policy_error"
}

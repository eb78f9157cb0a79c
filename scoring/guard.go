package scoring

import (
	"context"
	"errors"
	"fmt"

	"github.com/riskd/riskd"
)

// The rails that no policy can leave: a revoked session stays revoked, a pending
// step-up stays pending until it is met, no failure ever revokes, and where the
// policy gives no answer the event's class decides.

// over answers for a session that is over; nothing else is looked at.
func (t *turn) over(epoch riskd.Epoch) {
	t.decision.Outcome = riskd.Revoke
	t.decision.Source, t.decision.RevokedBy = riskd.SourceRevocation, epoch.Target.Kind
	t.decision.Score, t.decision.Level = 100, riskd.High
	t.decision.UserText = "Your session has ended. Please sign in again."
	t.decision.AdminText = revokedText(epoch)
}

func revokedText(epoch riskd.Epoch) string {
	return epoch.Target.Kind.String() + " revoked" + orderText(&epoch)
}

func orderText(epoch *riskd.Epoch) string {
	text := " at " + epoch.At.UTC().Format("2006-01-02T15:04:05Z07:00")
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
	if s.Ordered != nil && t.Event.Session.AuthTime.After(s.Ordered.At) {
		s.Ordered = nil
	}
	t.weighing.Hold = t.hold()
	if d.Outcome == riskd.Allow && t.weighing.Hold != riskd.HoldNone {
		d.Outcome = riskd.StepUpNeeded
	}
	switch { // the last attempt to prove it has failed
	case s.Status == riskd.StatusRevoked:
		d.Outcome = riskd.Revoke
	case s.Status == riskd.StatusSuspended && len(t.orders) > 0:
		d.Outcome, d.Source = riskd.StepUpNeeded, riskd.SourceSuspension
		return
	}
	switch d.Outcome {
	case riskd.StepUpNeeded:
		d.StepUp = t.challenge()
	case riskd.Revoke:
		s.StepUp, s.Asked, s.Status = nil, nil, riskd.StatusRevoked
		t.note(riskd.Ended, "revoked")
	}
}

// hold is what keeps an answer that allows from letting the event pass.
func (t *turn) hold() riskd.Hold {
	switch s := t.Session; {
	case s.Status == riskd.StatusRevoked || s.Status == riskd.StatusSuspended && len(t.orders) > 0:
		return riskd.HoldExhausted
	case t.Event.Request.Class == riskd.ClassOpen:
	case s.StepUp != nil:
		return riskd.HoldPending
	case s.Ordered != nil:
		return riskd.HoldOrdered
	}
	return riskd.HoldNone
}

// met reports whether the event meets a standing revocation, which then ends its
// session.
func (t *turn) met() bool {
	epoch, hit := t.engine.Memory.Standing(t.Event, t.agent, t.Now)
	if hit {
		t.over(epoch)
		t.orders = append(t.orders, riskd.Epoch{
			Target: t.itself(), At: t.Now, Actor: epoch.Actor,
			Reason: fmt.Sprintf("met revocation %d: %s", epoch.Number, epoch.Reason),
		})
	}
	return hit
}

func (t *turn) itself() riskd.Target {
	return riskd.Target{Kind: riskd.TargetSession, Tenant: t.Event.Tenant, Session: t.Event.Session.ID}
}

// suspended answers for a session that is held up; nothing else is looked at.
// Open routes go on, so that its user can be told.
func (t *turn) suspended() bool {
	held := t.Session.Suspension
	if held == nil || t.Event.Request.Class == riskd.ClassOpen {
		return false
	}
	d := &t.decision
	d.Outcome, d.Source = riskd.StepUpNeeded, riskd.SourceSuspension
	d.Score, d.Level = int(t.Session.Score), riskd.LevelOf(t.Session.Score)
	d.UserText = "Your session is on hold. Please contact support."
	d.AdminText = "suspended" + orderText(held)
	t.announce()
	return true
}

// impose puts the orders in force that the event has led to, and waits until they
// are on disk, but not past the deadline: they are in force anyway.
func (t *turn) impose() {
	if t.decision.Outcome == riskd.Revoke && t.decision.Source == riskd.SourceFresh && len(t.orders) == 0 {
		t.orders = append(t.orders, riskd.Epoch{
			Target: t.itself(), At: t.Now, Reason: t.decision.AdminText, Actor: policyActor,
		})
	}
	if len(t.orders) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.engine.Deadline)
	defer cancel()
	if _, err := t.engine.Memory.Impose(ctx, "", t.orders...); err != nil {
		t.decision.Degraded = append(t.decision.Degraded, "revocation_not_durable")
	}
}

// fallback is the outcome for an event that the policy gave no answer on. It is
// never revoke.
func (t *turn) fallback() riskd.Outcome {
	tuning, s := &t.pack.Tuning, t.Session
	switch tuning.OnFailure[t.Event.Request.Class] {
	case riskd.FailAllow:
		return riskd.Allow
	case riskd.FailLast:
		// What another revision made of the session isn't repeated: that one may
		// have been replaced for the very sessions that it let in.
		young := !s.DecidedAt.IsZero() && t.Now.Sub(s.DecidedAt) <= tuning.LastDecisionFor && !s.DecidedAt.Before(t.pack.Since)
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

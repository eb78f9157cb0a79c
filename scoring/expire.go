package scoring

import "github.com/riskd/riskd"

// ended answers for a session that is over already, whatever a clock that goes
// back would make of it.
func (t *turn) ended() bool {
	s := t.Session
	switch s.Status {
	case riskd.StatusRevoked:
		t.over(riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetSession}, At: s.DecidedAt, Actor: "policy"})
	case riskd.StatusExpired:
		rule := t.timeUp()
		if rule == nil {
			rule = &idleTimeout
		}
		t.expired(rule)
	}
	return s.Status.Over()
}

// expire ends a session whose time is up. Timeouts that match the event bind
// the session from then on: an event that leaves a role out loosens nothing.
func (t *turn) expire() bool {
	rule := t.timeUp()
	if rule == nil {
		return false
	}
	t.Session.Status, t.Session.StepUp, t.Session.Asked = riskd.StatusExpired, nil, nil
	t.note(riskd.Ended, rule.Code)
	t.expired(rule)
	return true
}

// timeUp gives the words for the limit that the session has reached, nil if it
// has reached none.
func (t *turn) timeUp() *riskd.Rule {
	s := t.Session
	if t.Event.Session.Implied {
		return nil
	}
	for i := range t.pack.Tuning.Timeouts {
		switch timeout := &t.pack.Tuning.Timeouts[i]; {
		case !timeout.Matches(t.Event):
		case timeout.OfClass:
			t.ofClass = t.ofClass.Strictest(timeout.Limits)
		default:
			s.Limits = s.Limits.Strictest(timeout.Limits)
		}
	}
	idle, absolute := s.Ends(s.Limits.Strictest(t.ofClass))
	switch {
	case !absolute.IsZero() && !t.Now.Before(absolute):
		return &absoluteTimeout
	case !idle.IsZero() && !t.Now.Before(idle):
		return &idleTimeout
	}
	return nil
}

func (t *turn) expired(rule *riskd.Rule) {
	t.decision.Outcome, t.decision.Source = riskd.Revoke, riskd.SourceExpiry
	t.decision.Reasons = []riskd.Reason{{Code: rule.Code, Group: rule.Group, Rule: rule}}
	t.decision.UserText, t.decision.AdminText = rule.User, rule.Code+": "+rule.Admin
}

// announce tells when the session's time is up, unless it is over now.
func (t *turn) announce() {
	if t.decision.Outcome == riskd.Revoke {
		return
	}
	x := &t.decision.Expires
	x.IdleAt, x.AbsoluteAt = t.Session.Ends(t.Session.Limits)
	at := x.At()
	x.Warn = !at.IsZero() && at.Sub(t.Now) <= t.pack.Tuning.WarnBefore
}

// The reasons that no rule gives: they come from the pack's timeouts.
var (
	idleTimeout = riskd.Rule{
		Code: "idle_timeout", Title: "Too long without activity", Severity: "low", Group: riskd.GroupTime,
		User:  "Your session has ended because nothing was done for some time. Please sign in again.",
		Admin: "no activity for as long as the session's limits allow",
	}
	absoluteTimeout = riskd.Rule{
		Code: "absolute_timeout", Title: "Session too old", Severity: "low", Group: riskd.GroupTime,
		User:  "Your session has lasted as long as it may. Please sign in again.",
		Admin: "the session is as old as its limits allow",
	}
)

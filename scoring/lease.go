package scoring

import (
	"time"

	"github.com/riskd/riskd"
)

// lease says how long the decision may be gone by without asking again: as the
// pack says for the class, the less the higher the score, and not past the end of
// the session. There is none but where the policy has just allowed, with all that
// it needs at hand and nothing pending.
//
// Nor is there one where orders could meet the session by something that the
// gateway didn't say: by another user than the event's, or by an id before this one
// that only this event names.
func (t *turn) lease() {
	d, s, e := &t.decision, t.Session, t.Event
	pending := s.StepUp != nil || s.Asked != nil || s.Ordered != nil || s.Suspension != nil || s.Status != riskd.StatusActive
	foreign := !e.Session.PreviousID.IsZero() || e.User.ID != "" && e.User.ID != s.User
	if d.Outcome != riskd.Allow || d.Source != riskd.SourceFresh || len(d.Degraded) > 0 || pending || foreign {
		return
	}
	calm := 1 - t.Score/riskd.StepUpScore
	length := time.Duration(calm * float64(leaseOf(&t.pack.Tuning, e.Request.Class)))
	end := t.end()
	if !end.IsZero() {
		length = min(length, end.Sub(t.Now))
	}
	if length >= shortestLease {
		d.Lease.ValidFor = length.Truncate(time.Millisecond)
		s.Leased = true
	}
}

// shortestLease is the least that is worth giving: on the wire a lease is told in
// milliseconds.
const shortestLease = time.Millisecond

// leaseOf is a rail, whatever a pack says: each request that can do harm is asked
// about.
func leaseOf(tuning *riskd.Tuning, c riskd.Class) time.Duration {
	switch c {
	case riskd.ClassOpen, riskd.ClassStandard:
		return tuning.Lease[c]
	}
	return 0
}

// end is when the session's time is up for requests of the event's class.
func (t *turn) end() time.Time {
	idle, absolute := t.Session.Ends(t.Session.Limits.Strictest(t.ofClass))
	x := riskd.Expiry{IdleAt: idle, AbsoluteAt: absolute}
	return x.At()
}

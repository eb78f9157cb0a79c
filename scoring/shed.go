package scoring

import (
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// The codes of decisions that were taken without evaluating the event.
const (
	CodeOverloaded    = "overloaded"     // there was no room
	CodeInternalError = "internal_error" // its evaluation panicked
)

var shedTexts = map[string]string{
	CodeOverloaded:    "there was no room to evaluate the event",
	CodeInternalError: "riskd failed while it evaluated the event; its log says where",
}

// sessionsSeen are sessions to be filled in, and nobody they're the session of.
var (
	sessionsSeen = sync.Pool{New: func() any { return new(riskd.Session) }}
	stranger     riskd.Profile // never changed
)

// Shed answers an event without evaluating it, for the reason of a code. What is
// known holds as ever: the session is revoked if it was revoked, meets a standing
// revocation or is out of time, and passes neither a suspension nor a challenge
// that waits. Anything else gets the default of its class, as if the policy had
// failed. Nothing is learned from the event, and its session doesn't change.
func (e *Engine) Shed(event *riskd.Event, now time.Time, code string) riskd.Decision {
	started := time.Now()
	t := e.begin(event, now)
	if epoch, revoked := e.Memory.Revoked(event); revoked {
		t.over(epoch)
	} else if t.locate(); !t.met() {
		s := sessionsSeen.Get().(*riskd.Session)
		e.Memory.Glance(event, now, s)
		t.Session, t.Profile = s, &stranger
		t.skip(codedError{code, shedTexts[code]})
		t.Session = nil
		sessionsSeen.Put(s)
	}
	t.impose()
	e.Record(&riskd.Record{Event: event, Decision: &t.decision, Weighing: t.weighing, Took: time.Since(started)})
	return t.decision
}

// skip answers by what is known of the session alone; why is why.
func (t *turn) skip(why error) {
	if t.ended() {
		return
	}
	if rule := t.timeUp(); rule != nil { // the next evaluation ends it
		t.expired(rule)
		return
	}
	if t.suspended() {
		return
	}
	pending, d := t.Session.StepUp, &t.decision
	t.err = why
	t.guard()
	if d.StepUp != nil && pending != nil && t.Now.Before(pending.ExpiresAt) {
		d.StepUp = copyOf(pending) // it asks for what it asked for
	}
	d.Score, d.Level = int(t.Session.Score), riskd.LevelOf(t.Session.Score)
	if d.Outcome != riskd.Allow {
		d.UserText, d.AdminText = t.words()
	}
	t.announce()
}

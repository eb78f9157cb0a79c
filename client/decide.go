package client

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/riskd/riskd"
)

// Codes of what didn't work, in Decision.Degraded.
const (
	Unreachable = "riskd_unreachable" // it doesn't answer, or not as riskd does
	TooLate     = "riskd_timeout"     // it didn't answer within the deadline
	Refused     = "riskd_refused"     // it doesn't take the event
)

// Decide says what to do with a request. It never fails, and takes no longer than
// the deadline; ctx may shorten that.
func (c *Client) Decide(ctx context.Context, e Event) Decision {
	if d, ok := c.lease(&e); ok {
		return d
	}
	return c.decide(ctx, e)
}

// decide asks. It has an event of its own: what goes to JSON goes to the heap, and a
// lease costs nothing there.
func (c *Client) decide(ctx context.Context, e Event) Decision {
	body, err := json.Marshal(&e)
	if err != nil { // times beyond the year 9999
		return c.fail(&e, &refusal{400, err.Error()})
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.Deadline)
	defer cancel()
	d, err := c.ask(ctx, &e, body)
	if err == nil && c.notices.overtakes(&e, d.Session, d.epoch) {
		// Something has come in meanwhile that the answer doesn't know of. Of what
		// has come from a process before the one that answers, no answer knows.
		c.overdue.Add(1)
		d, err = c.ask(ctx, &e, body)
	}
	if err != nil {
		return c.fail(&e, err)
	}
	return d
}

// lease gives the decision that may be gone by, if there is one. riskd will be told
// of the request.
func (c *Client) lease(e *Event) (Decision, bool) {
	if c.o.NoLeases {
		return Decision{}, false
	}
	now := c.o.now()
	at := momentOf(now)
	if !c.fresh(at) {
		return Decision{}, false
	}
	d, ok := c.cache.find(e, at, c.notices)
	if !ok || !tellable(e) || !c.told.put(e, now) {
		return Decision{}, false
	}
	c.leased.Add(1)
	return d, true
}

// tellable reports whether what a request differs in from the one that the lease
// was given for is within riskd's bounds.
func tellable(e *Event) bool {
	r := &e.Request
	return len(e.ID) <= 64 && len(r.Method) <= 64 && len(r.Route) <= riskd.MaxText && len(r.Object) <= riskd.MaxText
}

// ask asks riskd, and remembers the answer.
func (c *Client) ask(ctx context.Context, e *Event, body []byte) (Decision, error) {
	resets, synced := c.notices.resets.Load(), c.synced.Load()
	sent := momentOf(c.o.now())
	text, err := c.exchange(ctx, "/v1/decisions", body)
	if err != nil {
		return Decision{}, err
	}
	d, err := readDecision(text)
	if err != nil {
		return Decision{}, err
	}
	c.asked.Add(1)
	c.cache.remember(e, &d, sent, resets, synced && !c.o.NoLeases)
	return d, nil
}

// fail decides without riskd: what is known to be over is over, what is known to be
// held up is, and for all else the class decides. It makes no session over that
// isn't known to be.
func (c *Client) fail(e *Event, err error) Decision {
	c.failed.Add(1)
	resets := c.notices.resets.Load()
	in := c.cache.last(e, resets)
	d := Decision{Outcome: riskd.StepUpNeeded, Source: SourceStream, Session: in.ref, Degraded: []string{codeOf(err)}}
	met := c.notices.meets(e, in.ref, in.epoch)
	open := e.Request.Class == riskd.ClassOpen
	switch {
	case met == riskd.Revoke || in.word == riskd.Revoke:
		d.Outcome = riskd.Revoke
		d.UserText = "Your session has ended. Please sign in again."
		return d
	case met == riskd.StepUpNeeded || in.word == riskd.StepUpNeeded && !open:
		return d
	}
	d.Source = SourceFailure
	if !slices.Contains(d.Degraded, Refused) && c.passes(e, &in) {
		d.Outcome = riskd.Allow
	}
	return d
}

// passes says what a request gets that nothing is known against.
func (c *Client) passes(e *Event, in *last) bool {
	switch e.Request.Class {
	case riskd.ClassOpen:
		return true
	case riskd.ClassStandard:
		switch c.o.OnFailure {
		case riskd.FailAllow:
			return true
		case riskd.FailLast:
			return momentOf(c.o.now()).within(c.o.LastFor, in.allowed)
		}
	}
	return false
}

// codeOf says what has gone wrong.
func codeOf(err error) string {
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.final():
		return Refused
	case errors.Is(err, context.DeadlineExceeded):
		return TooLate
	}
	return Unreachable
}

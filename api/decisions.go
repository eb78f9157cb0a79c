package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/riskd/riskd"
)

// How far an event's time may be from the clock's. An event from further ahead
// counts as happening now, with eventAhead among what is degraded: a gateway's
// wrong clock must not carry a session into the future. One that is later than
// that says nothing about what is usual at its hour, and is refused.
const (
	MaxAhead = 5 * time.Minute
	MaxLate  = 24 * time.Hour
)

// Codes of what didn't work on the border; they join the engine's in
// Decision.Degraded.
const (
	eventAhead    = "event_time_ahead"
	noOutcome     = "no_outcome"
	internalError = "internal_error"
)

// decision answers POST /v1/decisions.
func (a *API) decision(w http.ResponseWriter, r *http.Request) int {
	body, p := readBody(r, MaxEvent)
	if p != nil {
		return writeProblem(w, p)
	}
	e, err := a.event(r.Context(), body.b)
	body.free()
	if err != nil {
		return writeProblem(w, refused(err))
	}
	d, err := a.decide(r.Context(), e)
	if err != nil {
		return writeProblem(w, refused(err))
	}
	out := newBuffer()
	defer out.free()
	out.b = AppendDecision(out.b, &d)
	return write(w, http.StatusOK, jsonType, out.b)
}

// event reads an event of a caller's. One that is bound to a tenant and names none
// means its own.
func (a *API) event(ctx context.Context, body []byte) (*riskd.Event, error) {
	var w wireEvent
	err := decode(body, &w)
	if err == nil {
		w.Tenant, err = ownTenant(callerIn(ctx), w.Tenant)
	}
	if err != nil {
		return nil, err
	}
	return w.event(a.Key, nil)
}

// decide answers a valid event at its own time. The error is a fault of that
// time, or of its tenant, if the caller is bound to another.
func (a *API) decide(ctx context.Context, e *riskd.Event) (riskd.Decision, error) {
	now := a.Now()
	switch {
	case !callerIn(ctx).Sees(e.Tenant):
		return riskd.Decision{}, errForeignTenant
	case e.Time.Sub(now) > MaxAhead:
		e.Time, e.Degraded = now, append(e.Degraded, eventAhead)
	case e.Time.IsZero():
		e.Time = now
	case now.Sub(e.Time) > MaxLate:
		return riskd.Decision{}, &riskd.FieldError{Path: "time", Detail: fmt.Sprintf("is more than %.0f h old: replay old events with `riskd replay`", MaxLate.Hours())}
	}
	d := a.Engine.Decide(ctx, e, e.Time)
	answerable(&d)
	if late := now.Sub(e.Time); late > 0 { // the lease began then
		d.Lease.ValidFor = max(0, d.Lease.ValidFor-late)
	}
	return d, nil
}

// answerable makes a decision that holds no outcome one to step up: what was
// forgotten must not leave as allow.
func answerable(d *riskd.Decision) {
	switch d.Outcome {
	case riskd.Allow, riskd.StepUpNeeded, riskd.Revoke:
	default:
		d.Outcome = riskd.StepUpNeeded
		d.Degraded = append(d.Degraded, noOutcome)
	}
}

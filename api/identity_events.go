package api

import (
	"net/http"
	"time"

	"github.com/riskd/riskd"
)

// wireIdentityEvent is what POST /v1/identity-events takes.
type wireIdentityEvent struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Time      time.Time `json:"time"`
	Tenant    string    `json:"tenant"`
	User      string    `json:"user"`
	Device    string    `json:"device"`
	Session   string    `json:"session"`    // a reference
	SessionID string    `json:"session_id"` // raw
	Reason    string    `json:"reason"`
	Actor     string    `json:"actor"`
	Confirm   bool      `json:"confirm"` // it may be one of a flood
}

// event turns the wire's words into the vocabulary's; what they mean together is
// for IdentityEvents to say.
func (w *wireIdentityEvent) event(c *riskd.Caller, key *riskd.SessionKey) (_ riskd.IdentityEvent, err error) {
	var faults faultList
	if w.Tenant, err = ownTenant(c, w.Tenant); err != nil {
		return riskd.IdentityEvent{}, err
	}
	e := riskd.IdentityEvent{
		ID: w.ID, Type: w.Type, Time: w.Time, Tenant: w.Tenant, User: w.User, Device: w.Device,
		Session: key.ID(w.Tenant, w.SessionID), Reason: w.Reason, Actor: signed(c, w.Actor),
	}
	switch {
	case w.Session != "" && w.SessionID != "":
		faults.add("session", "must be left out where there is a session_id")
	case w.Session != "":
		e.Session = faults.session("session", w.Session)
	}
	return e, faults.err()
}

// actionJSON is an action that was taken.
type actionJSON struct {
	Action string     `json:"action"`
	Target wireTarget `json:"target"`
	Epoch  uint64     `json:"epoch"`
}

// identityEvent answers POST /v1/identity-events.
func (a *API) identityEvent(w http.ResponseWriter, r *http.Request) int {
	var wire wireIdentityEvent
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	c := callerOf(r)
	e, err := wire.event(c, a.Key)
	if err != nil {
		return writeProblem(w, refused(err))
	}
	if wire.Session != "" && !a.sees(c, e.Session) {
		return writeProblem(w, unknownSession(e.Session))
	}
	if wire.Confirm && !operators.admits(c) {
		return writeProblem(w, forbidden("confirm: is for operators, who answer for it"))
	}
	now := a.Now()
	if err := confirmed(wire.Confirm, wire.Actor); err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	if !wire.Confirm {
		if b := a.Brake.IdentityEvent(&e, now); b != nil {
			return braked(w, b)
		}
	}
	done, err := a.Identity.Apply(r.Context(), e, now)
	if err != nil {
		return a.fail(w, err, repeatIt)
	}
	answer := struct {
		ID       string       `json:"id"`
		Type     string       `json:"type"`
		Actions  []actionJSON `json:"actions"`
		Matched  int          `json:"matched"`
		Repeated bool         `json:"repeated"`
		Durable  bool         `json:"durable"`
	}{ID: e.ID, Type: e.Type, Matched: done.Matched, Repeated: done.Repeated, Durable: a.Orders.Durable()}
	for i := range done.Actions {
		d := &done.Actions[i]
		answer.Actions = append(answer.Actions, actionJSON{d.Action.String(), newWireTarget(&d.Epoch.Target), d.Epoch.Number})
	}
	return writeJSON(w, http.StatusOK, answer)
}

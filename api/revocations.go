package api

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/riskd/riskd"
)

// MaxStanding is how far ahead a standing revocation may end: one that was
// forgotten must not lock people out for ever.
const MaxStanding = 30 * 24 * time.Hour

// wireRevocation is what POST /v1/revocations takes.
type wireRevocation struct {
	Target wireTarget `json:"target"`
	// Tenant is where the target is; "" is the only tenant.
	Tenant        string    `json:"tenant"`
	Effect        string    `json:"effect"` // "" is revoke
	StandingUntil time.Time `json:"standing_until"`
	Preview       bool      `json:"preview"`
	Confirm       bool      `json:"confirm"` // it may meet many
	Reason        string    `json:"reason"`
	Actor         string    `json:"actor"`
}

// order reads the order that a caller gives at now.
func (w *wireRevocation) order(c *riskd.Caller, key *riskd.SessionKey, now time.Time) (riskd.Epoch, error) {
	var faults faultList
	if err := w.within(c); err != nil {
		return riskd.Epoch{}, err
	}
	e := riskd.Epoch{
		Effect: word(&faults, "effect", cmp.Or(w.Effect, riskd.EffectRevoke.String()), riskd.ParseEffect),
		Target: w.Target.target(w.Tenant, key, &faults),
		At:     now, Until: w.StandingUntil, Reason: w.Reason, Actor: signed(c, w.Actor),
	}
	if ahead := e.Until.Sub(now); !e.Until.IsZero() && (ahead <= 0 || ahead > MaxStanding) {
		faults.add("standing_until", fmt.Sprintf("must be ahead of now, by at most %.0f days", MaxStanding.Hours()/24))
	}
	faults.length("reason", w.Reason)
	faults.length("actor", w.Actor)
	if len(faults) == 0 {
		return e, errors.Join(e.Validate(), confirmed(w.Confirm, w.Actor))
	}
	return e, faults.err()
}

// within puts the order into the tenant that its caller is bound to.
func (w *wireRevocation) within(c *riskd.Caller) (err error) {
	if w.Target.Tenant != nil && c.Bound {
		tenant, err := ownTenant(c, *w.Target.Tenant)
		if w.Target.Tenant = &tenant; err != nil {
			return err
		}
	}
	w.Tenant, err = ownTenant(c, w.Tenant)
	return err
}

// revocationJSON is an order as operators see it.
type revocationJSON struct {
	Epoch         uint64     `json:"epoch"`
	Target        wireTarget `json:"target"`
	Tenant        string     `json:"tenant"`
	At            time.Time  `json:"at"`
	StandingUntil time.Time  `json:"standing_until,omitzero"`
	Reason        string     `json:"reason"`
	Actor         string     `json:"actor"`
	Effect        string     `json:"effect"`
}

func newRevocationJSON(e *riskd.Epoch) revocationJSON {
	return revocationJSON{
		Epoch: e.Number, Target: newWireTarget(&e.Target), Tenant: e.Target.Tenant, At: e.At, StandingUntil: e.Until,
		Reason: e.Reason, Actor: e.Actor, Effect: e.Effect.String(),
	}
}

// revoke answers POST /v1/revocations. Once it has answered, no decision passes
// the order any more.
func (a *API) revoke(w http.ResponseWriter, r *http.Request) int {
	var wire wireRevocation
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	c := callerOf(r)
	order, err := wire.order(c, a.Key, a.Now())
	if err != nil {
		return writeProblem(w, refused(err))
	}
	if wire.Target.Session != nil && !a.sees(c, order.Target.Session) {
		return writeProblem(w, unknownSession(order.Target.Session))
	}
	if wire.Preview {
		return a.preview(w, order.Target)
	}
	if !wire.Confirm {
		if b := a.Brake.Order(&order); b != nil {
			return braked(w, b)
		}
	}
	imposed, err := a.Orders.Impose(r.Context(), "", order)
	if err != nil {
		return a.fail(w, err, repeatIt)
	}
	answer := struct {
		revocationJSON
		Matched int  `json:"matched"` // sessions that riskd knows
		Durable bool `json:"durable"` // survives the process
	}{newRevocationJSON(&imposed.Epochs[0]), imposed.Matched, a.Orders.Durable()}
	return writeJSON(w, http.StatusOK, answer)
}

func (a *API) preview(w http.ResponseWriter, t riskd.Target) int {
	matched, sample := a.Orders.Preview(t)
	return writeJSON(w, http.StatusOK, struct {
		Preview bool          `json:"preview"`
		Matched int           `json:"matched"`
		Sample  []sessionJSON `json:"sample"`
	}{true, matched, newSessionsJSON(sample)})
}

// seesOrder reports whether an order is there for a caller. One over a session is in
// the session's tenant, whatever whoever gave it has called that.
func (a *API) seesOrder(c *riskd.Caller, e *riskd.Epoch) bool {
	if e.Target.Kind == riskd.TargetSession {
		return a.sees(c, e.Target.Session)
	}
	return c.Sees(e.Target.Tenant)
}

// listRevocations answers GET /v1/revocations: all orders in force, the newest
// first. A page may have fewer than were asked for, or none, although others follow:
// those that aren't there for the caller are left out of it.
func (a *API) listRevocations(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "cursor", "limit")
	limit := q.limit()
	var before uint64
	if s := q.text("cursor"); s != "" {
		var err error
		if before, err = strconv.ParseUint(s, 10, 64); err != nil {
			q.check("cursor", errors.New("is not one that riskd gave"))
		}
	}
	if q.problem != nil {
		return writeProblem(w, q.problem)
	}
	answer := struct {
		Revocations []revocationJSON `json:"revocations"`
		Next        string           `json:"next,omitzero"`
	}{}
	page := a.Orders.Orders(before, limit)
	for i := range page {
		if a.seesOrder(callerOf(r), &page[i]) {
			answer.Revocations = append(answer.Revocations, newRevocationJSON(&page[i]))
		}
	}
	if len(page) == limit {
		answer.Next = strconv.FormatUint(page[len(page)-1].Number, 10)
	}
	return writeJSON(w, http.StatusOK, answer)
}

// wireLift is what DELETE /v1/revocations/{epoch} takes: nobody undoes an order
// without saying who he is and why.
type wireLift struct {
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
}

func (w *wireLift) validate() error {
	var faults faultList
	for _, m := range []struct{ path, value string }{{"reason", w.Reason}, {"actor", w.Actor}} {
		if m.value == "" {
			faults.add(m.path, "is required: lifting an order is put on record")
		}
		faults.length(m.path, m.value)
	}
	return faults.err()
}

// seesEpoch is seesOrder for the order of a number.
func (a *API) seesEpoch(c *riskd.Caller, number uint64) bool {
	if !c.Bound {
		return true
	}
	order, ok := a.Orders.Order(number)
	return ok && a.seesOrder(c, &order)
}

// lift answers DELETE /v1/revocations/{epoch}.
func (a *API) lift(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	number, p := epochOf(r)
	if p != nil {
		return writeProblem(w, p)
	}
	var wire wireLift
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	if err := wire.validate(); err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	c := callerOf(r)
	lifted, err := riskd.Epoch{}, riskd.ErrUnknownEpoch
	if a.seesEpoch(c, number) {
		lifted, err = a.Orders.Lift(r.Context(), number, a.Now(), wire.Reason, signed(c, wire.Actor))
	}
	switch {
	case errors.Is(err, riskd.ErrUnknownEpoch):
		return writeProblem(w, unknownEpoch(number))
	case err != nil:
		return a.fail(w, err, "after a restart, see GET /v1/revocations for whether the order is back, and lift it again if so")
	}
	return writeJSON(w, http.StatusOK, struct {
		revocationJSON
		Durable bool `json:"durable"`
	}{newRevocationJSON(&lifted), a.Orders.Durable()})
}

func epochOf(r *http.Request) (uint64, *problem) {
	number, err := strconv.ParseUint(r.PathValue("epoch"), 10, 64)
	if err != nil {
		return 0, invalid(http.StatusBadRequest, "the path must name an order by its epoch, a number, as GET /v1/revocations gives it")
	}
	return number, nil
}

func unknownEpoch(number uint64) *problem {
	return unknown("epoch", fmt.Sprintf("no order in force has the number %d: GET /v1/revocations lists those that are", number))
}

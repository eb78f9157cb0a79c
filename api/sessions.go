package api

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/riskd/riskd"
)

// Limits of a page of a list.
const (
	MaxPage     = 1000
	defaultPage = 100
)

// listSessions answers GET /v1/sessions.
func (a *API) listSessions(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "tenant", "user", "device", "address", "status", "cursor", "limit")
	return a.answerSessions(w, q, Filter{
		Tenant: q.tenant(), User: q.text("user"), Device: q.text("device"), Prefix: q.prefix("address"),
		Status: q.status(), Cursor: q.text("cursor"), Limit: q.limit(),
	})
}

// listUserSessions answers GET /v1/users/{id}/sessions.
func (a *API) listUserSessions(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "tenant", "status", "cursor", "limit")
	return a.answerSessions(w, q, Filter{
		Tenant: q.tenant(), User: r.PathValue("id"), Status: q.status(), Cursor: q.text("cursor"), Limit: q.limit(),
	})
}

func (a *API) answerSessions(w http.ResponseWriter, q *query, f Filter) int {
	var page []riskd.Session
	var next string
	if q.problem == nil {
		var err error
		page, next, err = a.Sessions.List(f)
		q.check("cursor", err)
	}
	if q.problem != nil {
		return writeProblem(w, q.problem)
	}
	return writeJSON(w, http.StatusOK, struct {
		Sessions []sessionJSON `json:"sessions"`
		Next     string        `json:"next,omitzero"`
	}{newSessionsJSON(page), next})
}

// showSession answers GET /v1/sessions/{ref}.
func (a *API) showSession(w http.ResponseWriter, r *http.Request) int {
	id, p := sessionOfPath(r)
	if p != nil {
		return writeProblem(w, p)
	}
	s, ok := a.Sessions.Session(id)
	if !ok || !callerOf(r).Sees(s.Tenant) {
		return writeProblem(w, unknownSession(id))
	}
	return writeJSON(w, http.StatusOK, struct {
		sessionJSON
		Timeline []momentJSON `json:"timeline"`
	}{newSessionJSON(&s), newTimelineJSON(s.Timeline)})
}

// extendSession answers POST /v1/sessions/{ref}/extend.
func (a *API) extendSession(w http.ResponseWriter, r *http.Request) int {
	id, p := sessionOfPath(r)
	if p != nil {
		return writeProblem(w, p)
	}
	if !a.sees(callerOf(r), id) {
		return writeProblem(w, unknownSession(id))
	}
	now := a.Now()
	s, err := a.Sessions.Extend(id, now, signed(callerOf(r), ""))
	switch {
	case errors.Is(err, riskd.ErrUnknownSession):
		return writeProblem(w, unknownSession(id))
	case errors.Is(err, riskd.ErrSessionOver):
		return writeProblem(w, conflict("session-over", "Session over", "session "+id.String()+" has ended: the user has to sign in again"))
	case errors.Is(err, riskd.ErrStepUpPending):
		return writeProblem(w, conflict("step-up-pending", "Step-up pending", "session "+id.String()+" waits for a step-up, which the user has to pass first"))
	}
	out := newBuffer()
	defer out.free()
	out.b = text(append(out.b, `{"session":`...), id.String())
	var x riskd.Expiry
	if x.IdleAt, x.AbsoluteAt = s.Ends(s.Limits); !x.At().IsZero() {
		out.b = appendExpiry(append(out.b, `,"session_expires":`...), &x, now)
	}
	out.b = append(out.b, '}')
	return write(w, http.StatusOK, jsonType, out.b)
}

func sessionOfPath(r *http.Request) (riskd.SessionID, *problem) {
	if q := newQuery(r); q.problem != nil {
		return riskd.SessionID{}, q.problem
	}
	id, err := riskd.ParseSessionRef(r.PathValue("ref"))
	if err != nil {
		return id, invalid(http.StatusBadRequest, "the path must name a session by its reference, s_ and 26 characters, as decisions give it")
	}
	return id, nil
}

func unknownSession(id riskd.SessionID) *problem {
	return unknown("session", "riskd remembers no session "+id.String()+": it was never seen here, or made room for others")
}

// query reads the parameters of a request; the first wrong one is its problem.
type query struct {
	values  url.Values
	caller  *riskd.Caller
	problem *problem
}

// newQuery takes only the parameters that are known, each at most once.
func newQuery(r *http.Request, known ...string) *query {
	values, err := url.ParseQuery(r.URL.RawQuery)
	q := &query{values: values, caller: callerOf(r)}
	if err != nil {
		q.problem = invalid(http.StatusBadRequest, "the query isn't percent-encoded as it should be")
	}
	for name, all := range values {
		switch {
		case slices.Contains(known, name) && len(all) > 1:
			q.check(name, fmt.Errorf("is given %d times", len(all)))
		case slices.Contains(known, name):
		case len(known) == 0:
			q.problem = invalid(http.StatusBadRequest, "this path takes no parameters")
		default:
			cure := "known here are " + strings.Join(known, ", ")
			if n := riskd.Nearest(name, known); n != "" {
				cure = "did you mean " + n + "?"
			}
			q.problem = invalid(http.StatusBadRequest, "the query has a parameter that is not known; "+cure)
		}
	}
	return q
}

// check takes an error as the fault of a parameter.
func (q *query) check(name string, err error) {
	if err == nil || q.problem != nil {
		return
	}
	detail := err.Error()
	if f := (*riskd.FieldError)(nil); errors.As(err, &f) {
		detail = f.Detail
	}
	q.problem = invalid(http.StatusBadRequest, name+": "+detail)
}

func (q *query) text(name string) string { return q.values.Get(name) }

// tenant is the one that is asked for, "" for all of them; to a caller that is bound
// there is only its own.
func (q *query) tenant() string {
	tenant, err := ownTenant(q.caller, q.text("tenant"))
	if err != nil && q.problem == nil {
		q.problem = forbidden(err.Error())
	}
	return tenant
}

func (q *query) status() *riskd.Status {
	s := q.text("status")
	if s == "" {
		return nil
	}
	status, err := riskd.ParseStatus(s)
	if err != nil {
		q.check("status", errors.New(oneOf(err)))
	}
	return &status
}

// prefix reads an address, or a network of the size that riskd remembers.
func (q *query) prefix(name string) riskd.Prefix {
	s := q.text(name)
	if s == "" {
		return 0
	}
	if a, err := netip.ParseAddr(s); err == nil && !a.Unmap().IsUnspecified() {
		return riskd.PrefixOf(a)
	}
	if n, err := netip.ParsePrefix(s); err == nil && riskd.PrefixOf(n.Addr()).String() == n.String() {
		return riskd.PrefixOf(n.Addr())
	}
	q.check(name, errors.New("must be an address, or its network as sessions show it: the /24, in IPv6 the /48"))
	return 0
}

func (q *query) limit() int {
	s := q.text("limit")
	if s == "" {
		return defaultPage
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MaxPage {
		q.check("limit", fmt.Errorf("must be 1 to %d", MaxPage))
	}
	return n
}

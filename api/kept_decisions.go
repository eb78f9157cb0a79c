package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/riskd/riskd"
)

// listDecisions answers GET /v1/decisions on the admin listener.
func (a *API) listDecisions(w http.ResponseWriter, r *http.Request) int {
	q := newQuery(r, "session", "tenant", "user", "decision", "reason", "since", "cursor", "limit")
	f := DecisionFilter{
		Session: q.session("session"), Tenant: q.tenant(), User: q.text("user"), Outcome: q.outcome("decision"),
		Reason: q.text("reason"), Since: q.time("since"), Cursor: q.text("cursor"), Limit: q.limit(),
	}
	var page []riskd.KeptDecision
	var next string
	if q.problem == nil {
		var err error
		page, next, err = a.Decisions.List(f)
		q.check("cursor", err)
	}
	if q.problem != nil {
		return writeProblem(w, q.problem)
	}
	answer := struct {
		Decisions []keptJSON `json:"decisions"`
		Next      string     `json:"next,omitzero"`
	}{make([]keptJSON, len(page)), next}
	for i := range page {
		answer.Decisions[i] = newKeptJSON(&page[i])
	}
	return writeJSON(w, http.StatusOK, answer)
}

// explainDecision answers GET /v1/decisions/{id}.
func (a *API) explainDecision(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	c := callerOf(r)
	x, ok := a.Decisions.Explain(r.Context(), r.PathValue("id"))
	if !ok || !c.Sees(x.Tenant) {
		return writeProblem(w, a.unknownDecision(c))
	}
	return writeJSON(w, http.StatusOK, newExplanationJSON(&x))
}

// unknownDecision says what is kept instead, unless the caller is bound to a tenant:
// that is of all of them. The id isn't repeated: it might be anything.
func (a *API) unknownDecision(c *riskd.Caller) *problem {
	allowed, others := a.Decisions.Spans()
	detail := "riskd keeps no decision of that id"
	switch {
	case c.Bound:
	case allowed.Kept+others.Kept == 0:
		detail += ", nor any other"
	case others.Kept == 0:
		detail += ": it keeps " + spanText(&allowed) + " that let pass, and there were no others"
	default:
		detail += ": it keeps " + spanText(&others) + " that let nothing pass"
		if allowed.Kept > 0 {
			detail += ", and " + spanText(&allowed) + " that did"
		}
	}
	return unknown("decision", detail+"; of older ones the audit log has those that changed a session")
}

func spanText(s *DecisionSpan) string {
	return fmt.Sprintf("the last %d, since %s,", s.Kept, s.Oldest.UTC().Format(time.RFC3339))
}

func (q *query) session(name string) riskd.SessionID {
	s := q.text(name)
	if s == "" {
		return riskd.SessionID{}
	}
	id, err := riskd.ParseSessionRef(s)
	if err != nil {
		q.check(name, errors.New("must be a session's reference, s_ and 26 characters"))
	}
	return id
}

func (q *query) outcome(name string) riskd.Outcome {
	s := q.text(name)
	if s == "" {
		return riskd.NoOutcome
	}
	o, err := riskd.ParseOutcome(s)
	if err != nil {
		q.check(name, errors.New(oneOf(err)))
	}
	return o
}

func (q *query) time(name string) time.Time {
	s := q.text(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		q.check(name, errors.New("must be a time such as 2026-11-21T14:02:00Z"))
	}
	return t
}

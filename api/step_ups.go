package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/riskd/riskd"
)

// The results of a step-up.
const (
	passed = "passed"
	failed = "failed"
)

// wireAnswer is what POST /v1/step-ups/{id} takes.
type wireAnswer struct {
	Result   string    `json:"result"`
	AuthTime time.Time `json:"auth_time"`
	ACR      string    `json:"acr"`
	AMR      []string  `json:"amr"`
	Actor    string    `json:"actor"`
}

// answer reads the answer to a challenge that is given at now.
func (w *wireAnswer) answer(id string, now time.Time) (riskd.StepUpAnswer, error) {
	var faults faultList
	if w.Result != passed && w.Result != failed {
		faults.add("result", "must be passed or failed")
	}
	if w.AuthTime.Sub(now) > riskd.ClockSkew {
		faults.add("auth_time", fmt.Sprintf("is more than %.0f s ahead of riskd's clock", riskd.ClockSkew.Seconds()))
	}
	a := riskd.StepUpAnswer{ID: id, Passed: w.Result == passed, AuthTime: w.AuthTime, ACR: w.ACR, AMR: w.AMR, Actor: w.Actor}
	if a.Passed && a.AuthTime.IsZero() {
		a.AuthTime = now
	}
	faults.length("acr", w.ACR)
	faults.length("actor", w.Actor)
	if n := len(w.AMR); n > riskd.MaxList {
		faults.add("amr", fmt.Sprintf("has %d entries; the limit is %d", n, riskd.MaxList))
	}
	for i, m := range w.AMR {
		if m == "" || len(m) > riskd.MaxID {
			faults.add(fmt.Sprintf("amr[%d]", i), fmt.Sprintf("must be 1 to %d bytes long", riskd.MaxID))
		}
	}
	return a, faults.err()
}

// answerStepUp answers POST /v1/step-ups/{id}.
func (a *API) answerStepUp(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	var wire wireAnswer
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	now := a.Now()
	answer, err := wire.answer(r.PathValue("id"), now)
	if err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	c := callerOf(r)
	answer.Actor = signed(c, answer.Actor)
	var s riskd.Session
	if err = riskd.ErrUnknownStepUp; a.seesStepUp(c, answer.ID) {
		s, err = a.StepUps.Answer(r.Context(), answer, now)
	}
	pending := pendingStepUp(&s, answer.ID)
	switch {
	case errors.Is(err, riskd.ErrUnknownStepUp):
		return writeProblem(w, unknown("step-up", "no session waits for that step-up: it was passed, has expired, or another took its place; the next decision tells which to ask for"))
	case errors.Is(err, riskd.ErrSessionOver):
		return writeProblem(w, conflict("session-over", "Session over", "the session has ended: the user has to sign in again"))
	case errors.Is(err, riskd.ErrNotProved) && answer.Passed:
		return writeProblem(w, notProved(pending))
	case err != nil && !errors.Is(err, riskd.ErrNotProved):
		return a.fail(w, err, "the answer has been taken; if the session had to end by it, revoke it by POST /v1/revocations")
	}
	return writeJSON(w, http.StatusOK, newAnswered(&s, wire.Result, pending))
}

// seesStepUp reports whether a challenge is there for a caller: whether the session
// is that its id names.
func (a *API) seesStepUp(c *riskd.Caller, id string) bool {
	if !c.Bound {
		return true
	}
	session, err := riskd.SessionOfStepUp(id)
	return err == nil && a.sees(c, session)
}

// answered is the answer to an answer.
type answered struct {
	Session string `json:"session"`
	Status  string `json:"status"`
	Result  string `json:"result"`
	// AttemptsLeft is how often the user may try again; nil when he has passed.
	AttemptsLeft *int `json:"attempts_left,omitzero"`
}

func newAnswered(s *riskd.Session, result string, pending *riskd.StepUp) answered {
	out := answered{Session: s.ID.String(), Status: s.Status.String(), Result: result}
	if result == failed {
		left := 0
		if pending != nil {
			left = pending.AttemptsLeft
		}
		out.AttemptsLeft = &left
	}
	return out
}

// pendingStepUp finds the challenge that can still be tried, nil if it can't.
func pendingStepUp(s *riskd.Session, id string) *riskd.StepUp {
	if s.Status.Over() || s.Status == riskd.StatusSuspended {
		return nil
	}
	for _, u := range []*riskd.StepUp{s.StepUp, s.Asked} {
		if u != nil && u.ID == id {
			return u
		}
	}
	return nil
}

// notProved says what was asked for, if that can still be tried.
func notProved(pending *riskd.StepUp) *problem {
	p := conflict("not-proved", "Not proved", "the authentication is not what the step-up asks for, or too old: ")
	if pending == nil {
		p.Detail += "there are no attempts left"
		return p
	}
	p.Detail += "see step_up for what it has to be"
	p.StepUp = newStepUpJSON(pending)
	return p
}

func conflict(kind, title, detail string) *problem {
	return &problem{Type: problemTypes + kind, Title: title, Status: http.StatusConflict, Detail: detail}
}

// unknown is the problem of a thing that isn't there.
func unknown(kind, detail string) *problem {
	return &problem{Type: problemTypes + "unknown-" + kind, Title: "Unknown " + kind, Status: http.StatusNotFound, Detail: detail}
}

// stepUpJSON is a challenge as operators see it.
type stepUpJSON struct {
	ID           string    `json:"id"`
	ACRValues    []string  `json:"acr_values"`
	AMRValues    []string  `json:"amr_values"`
	MaxAge       int       `json:"max_age,omitzero"` // seconds
	Clears       []string  `json:"clears"`
	IssuedAt     time.Time `json:"issued_at"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	AttemptsLeft int       `json:"attempts_left"`
	OverBudget   bool      `json:"over_budget,omitzero"`
}

func newStepUpJSON(u *riskd.StepUp) *stepUpJSON {
	return &stepUpJSON{
		u.ID, u.Demand.ACR, u.Demand.AMR, int(u.Demand.MaxAge.Seconds()), u.Clears, u.IssuedAt,
		u.ExpiresAt, max(0, u.AttemptsLeft), u.OverBudget,
	}
}

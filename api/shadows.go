package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/riskd/riskd"
)

// Trials puts policies on trial beside the one in force, and in its place.
type Trials interface {
	// Try puts a pack on trial. It fails with [*riskd.FieldError]s under the names
	// of the wire, with [riskd.ErrShadowExists] or [riskd.ErrTooManyShadows].
	Try(o riskd.ShadowOrder, now time.Time) (riskd.ShadowReport, error)
	// Reports says how all trials go, Report how one does.
	Reports(now time.Time) []riskd.ShadowReport
	Report(name string, now time.Time) (riskd.ShadowReport, bool)
	// End ends a trial; false says that there is none of that name.
	End(name string) bool
	// Promote puts a candidate in force, and gives the report of its trial. It fails
	// with [riskd.ErrUnknownShadow], or, unless it is forced, with
	// [*riskd.NotPromoted].
	Promote(name string, force bool, actor, reason string, now time.Time) (riskd.ShadowReport, error)
	// Confirm lets a held revision in. It fails with [riskd.ErrNotHeld].
	Confirm(revision, actor, reason string) error
}

// wireShadow is what POST /v1/policy/shadows takes.
type wireShadow struct {
	Name    string    `json:"name"`
	Pack    string    `json:"pack"`
	Rate    float64   `json:"sample_rate"`
	Budget  float64   `json:"disagreement_budget"`
	Expires time.Time `json:"expires"`
	Inline  *bool     `json:"inline"`
}

// shadowJSON is a trial as operators see it.
type shadowJSON struct {
	Name     string    `json:"name"`
	Pack     string    `json:"pack"`
	Revision string    `json:"revision"`
	Rate     float64   `json:"sample_rate"`
	Budget   float64   `json:"disagreement_budget"`
	Added    time.Time `json:"added"`
	Expires  time.Time `json:"expires"`
	Expired  bool      `json:"expired"`
	Inline   bool      `json:"inline"`
	Held     string    `json:"held,omitzero"`
	// Verdict is promote, or refuse because of Against.
	Verdict string   `json:"verdict"`
	Against []string `json:"against"`

	Live         *policyJSON        `json:"live,omitzero"`
	Decisions    uint64             `json:"decisions"`
	Differing    uint64             `json:"differing"`
	Disagreement float64            `json:"disagreement"`
	Sessions     uint64             `json:"sessions"`
	Affected     uint64             `json:"sessions_affected"`
	Matrix       matrixJSON         `json:"matrix"`
	Errors       map[string]uint64  `json:"errors"`
	Dropped      uint64             `json:"dropped"`
	Took         quantilesJSON      `json:"took"`
	LiveTook     quantilesJSON      `json:"live_took"`
	Examples     []disagreementJSON `json:"examples,omitzero"`
}

type policyJSON struct {
	Pack     string `json:"pack"`
	Revision string `json:"revision"`
}

// matrixJSON counts decisions: by what the policy in force said, and in each of
// those by what the candidate did.
type matrixJSON struct {
	Allow  outcomesJSON `json:"allow"`
	StepUp outcomesJSON `json:"step_up"`
	Revoke outcomesJSON `json:"revoke"`
}

type outcomesJSON struct {
	Allow  uint64 `json:"allow"`
	StepUp uint64 `json:"step_up"`
	Revoke uint64 `json:"revoke"`
}

type quantilesJSON struct {
	P50 float64 `json:"p50_us"`
	P99 float64 `json:"p99_us"`
	Max float64 `json:"max_us"`
}

type disagreementJSON struct {
	Session  string      `json:"session"`
	Decision string      `json:"decision_id"`
	Time     time.Time   `json:"time"`
	Live     opinionJSON `json:"live"`
	Shadow   opinionJSON `json:"shadow"`
}

// opinionJSON has the codes of the reasons that the other side didn't give.
type opinionJSON struct {
	Decision string   `json:"decision"`
	Score    int      `json:"score"`
	Reasons  []string `json:"reasons"`
}

func newShadowJSON(r *riskd.ShadowReport, examples bool) shadowJSON {
	s := shadowJSON{
		Name: r.Name, Pack: r.Pack, Revision: r.Revision, Rate: r.Rate, Budget: r.Budget,
		Added: r.Added, Expires: r.Expires, Expired: r.Over, Inline: r.Inline, Held: r.Held,
		Verdict: "promote", Against: r.Refused,
		Decisions: r.Decisions, Differing: r.Differing, Disagreement: r.Share(), Sessions: r.Sessions, Affected: r.Affected,
		Errors: r.Errors, Dropped: r.Dropped, Took: newQuantilesJSON(r.Took), LiveTook: newQuantilesJSON(r.LiveTook),
	}
	if len(r.Refused) > 0 {
		s.Verdict = "refuse"
	}
	if r.LiveRevision != "" {
		s.Live = &policyJSON{r.LivePack, r.LiveRevision}
	}
	row := func(live riskd.Outcome) outcomesJSON {
		return outcomesJSON{r.Matrix.At(live, riskd.Allow), r.Matrix.At(live, riskd.StepUpNeeded), r.Matrix.At(live, riskd.Revoke)}
	}
	s.Matrix = matrixJSON{row(riskd.Allow), row(riskd.StepUpNeeded), row(riskd.Revoke)}
	if examples {
		s.Examples = []disagreementJSON{}
		for i := range r.Examples {
			d := &r.Examples[i]
			s.Examples = append(s.Examples, disagreementJSON{
				d.Session.String(), d.Decision, d.Time, newOpinionJSON(&d.Live), newOpinionJSON(&d.Shadow),
			})
		}
	}
	return s
}

func newQuantilesJSON(q riskd.Quantiles) quantilesJSON {
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return quantilesJSON{us(q.P50), us(q.P99), us(q.Max)}
}

func newOpinionJSON(o *riskd.Opinion) opinionJSON {
	return opinionJSON{o.Outcome.String(), o.Score, o.Reasons}
}

// listShadows answers GET /v1/policy/shadows.
func (a *API) listShadows(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	answer := struct {
		Shadows []shadowJSON `json:"shadows"`
	}{[]shadowJSON{}}
	reports := a.Trials.Reports(a.Now())
	for i := range reports {
		answer.Shadows = append(answer.Shadows, newShadowJSON(&reports[i], false))
	}
	return writeJSON(w, http.StatusOK, answer)
}

// showShadow answers GET /v1/policy/shadows/{name}.
func (a *API) showShadow(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	report, ok := a.Trials.Report(r.PathValue("name"), a.Now())
	if !ok {
		return unknownShadow(w)
	}
	return writeJSON(w, http.StatusOK, newShadowJSON(&report, true))
}

func unknownShadow(w http.ResponseWriter) int {
	return writeProblem(w, unknown("shadow", "no candidate of that name is on trial: GET /v1/policy/shadows lists those that are"))
}

// trialWithin bounds how long it takes to find a pack good enough to be tried.
const trialWithin = time.Minute

// addShadow answers POST /v1/policy/shadows.
func (a *API) addShadow(w http.ResponseWriter, r *http.Request) int {
	var wire wireShadow
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	// A pack is fetched, compiled and tested before it is answered for. Writers that
	// know no deadline have none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(trialWithin))
	report, err := a.Trials.Try(riskd.ShadowOrder{
		Name: wire.Name, Pack: wire.Pack, Rate: wire.Rate, Budget: wire.Budget, Expires: wire.Expires, Inline: wire.Inline,
	}, a.Now())
	switch {
	case errors.Is(err, riskd.ErrShadowExists):
		return writeProblem(w, conflict("shadow-exists", "Candidate exists", "a candidate of that name is on trial already: remove it, or choose another name"))
	case errors.Is(err, riskd.ErrTooManyShadows):
		return writeProblem(w, conflict("too-many-shadows", "Too many candidates", "as many candidates are on trial as may be: remove one"))
	case err != nil:
		return a.fail(w, err, repeatIt)
	}
	return writeJSON(w, http.StatusOK, newShadowJSON(&report, false))
}

// endShadow answers DELETE /v1/policy/shadows/{name} with how the trial went.
func (a *API) endShadow(w http.ResponseWriter, r *http.Request) int {
	if q := newQuery(r); q.problem != nil {
		return writeProblem(w, q.problem)
	}
	report, ok := a.Trials.Report(r.PathValue("name"), a.Now())
	if !ok || !a.Trials.End(r.PathValue("name")) {
		return unknownShadow(w)
	}
	return writeJSON(w, http.StatusOK, newShadowJSON(&report, true))
}

// wirePromotion is what POST /v1/policy/shadows/{name}/promote takes.
type wirePromotion struct {
	Force  bool   `json:"force"`
	Reason string `json:"reason"`
	Actor  string `json:"actor"`
}

// promoteShadow answers POST /v1/policy/shadows/{name}/promote.
func (a *API) promoteShadow(w http.ResponseWriter, r *http.Request) int {
	var wire wirePromotion
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	if err := responsible(wire.Actor, wire.Reason); err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	report, err := a.Trials.Promote(r.PathValue("name"), wire.Force, signed(callerOf(r), wire.Actor), wire.Reason, a.Now())
	var refused *riskd.NotPromoted
	switch {
	case errors.Is(err, riskd.ErrUnknownShadow):
		return unknownShadow(w)
	case errors.As(err, &refused):
		p := conflict("not-promoted", "Not promoted", "the report of the trial says refuse: "+err.Error()+`; "force": true promotes it all the same`)
		for _, reason := range refused.Reasons {
			p.Errors = append(p.Errors, problemError{Detail: reason})
		}
		return writeProblem(w, p)
	case err != nil:
		return a.fail(w, err, repeatIt)
	}
	return writeJSON(w, http.StatusOK, newShadowJSON(&report, true))
}

// wireConfirmation is what POST /v1/policy/confirm takes.
type wireConfirmation struct {
	Revision string `json:"revision"`
	Reason   string `json:"reason"`
	Actor    string `json:"actor"`
}

// confirmPolicy answers POST /v1/policy/confirm.
func (a *API) confirmPolicy(w http.ResponseWriter, r *http.Request) int {
	var wire wireConfirmation
	if p := readDocument(r, &wire); p != nil {
		return writeProblem(w, p)
	}
	if err := responsible(wire.Actor, wire.Reason); err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	switch err := a.Trials.Confirm(wire.Revision, signed(callerOf(r), wire.Actor), wire.Reason); {
	case errors.Is(err, riskd.ErrNotHeld):
		return writeProblem(w, unknown("revision", "no revision of that name is held: GET /readyz tells of one that is"))
	case err != nil:
		return a.fail(w, err, repeatIt)
	}
	return writeJSON(w, http.StatusOK, struct {
		Revision string `json:"revision"`
		InForce  bool   `json:"in_force"`
	}{wire.Revision, true})
}

// responsible reports what is missing of who answers for something, and why.
func responsible(actor, reason string) error {
	var faults faultList
	for _, m := range []struct{ path, value string }{{"actor", actor}, {"reason", reason}} {
		if m.value == "" {
			faults.add(m.path, "is required: it is put on record")
		}
		faults.length(m.path, m.value)
	}
	return faults.err()
}

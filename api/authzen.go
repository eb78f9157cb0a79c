package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/riskd/riskd"
)

// AuthZEN Authorization API 1.0: a gateway that speaks it asks riskd as it would ask
// any policy decision point. A denial is no error there: it is answered 200.
const (
	evaluationPath  = "/access/v1/evaluation"
	evaluationsPath = "/access/v1/evaluations"
	metadataPath    = "/.well-known/authzen-configuration"
	requestID       = "X-Request-Id" // as net/http spells it
	authzenSurface  = "authzen"
)

// How far a batch is answered.
const (
	executeAll          = "execute_all"
	denyOnFirstDeny     = "deny_on_first_deny"
	permitOnFirstPermit = "permit_on_first_permit"
)

// maxRequestID is the longest request id that is sent back, in bytes.
const maxRequestID = 256

// ValidatePublicURL checks the URL by which the gateway listener is known as a policy
// decision point: callers compare it with the one they ask, byte by byte.
func ValidatePublicURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil:
		return errors.New("must be an https URL such as https://riskd.example.com")
	case u.Path != "" || strings.ContainsAny(s, "?#"):
		return errors.New("must be a host alone, without a path, a query or a fragment: https://riskd.example.com")
	}
	return nil
}

// metadata answers GET /.well-known/authzen-configuration.
func (a *API) metadata(w http.ResponseWriter, _ *http.Request) int {
	if a.PublicURL == "" {
		return writeProblem(w, blank(http.StatusNotFound, "riskd doesn't know the URL by which its callers know it: set gateway.public_url"))
	}
	w.Header().Set("Cache-Control", "max-age=3600")
	return writeJSON(w, http.StatusOK, struct {
		Point       string   `json:"policy_decision_point"`
		Evaluation  string   `json:"access_evaluation_endpoint"`
		Evaluations string   `json:"access_evaluations_endpoint"`
		Obligations []string `json:"supported_obligations"`
	}{a.PublicURL, a.PublicURL + evaluationPath, a.PublicURL + evaluationsPath, obligations()})
}

// evaluation answers POST /access/v1/evaluation.
func (a *API) evaluation(w http.ResponseWriter, r *http.Request) int {
	return a.authzen(w, r, MaxEvent, func(in *evaluations) int { return a.answerOne(w, r, &in.evaluation) })
}

// evaluations answers POST /access/v1/evaluations. Without any it is the other one.
func (a *API) evaluations(w http.ResponseWriter, r *http.Request) int {
	return a.authzen(w, r, MaxBatchBody, func(in *evaluations) int {
		if len(in.items) == 0 {
			return a.answerOne(w, r, &in.evaluation)
		}
		out := newBuffer()
		defer out.free()
		out.b = append(out.b, `{"evaluations":[`...)
		for i := range in.items {
			if i > 0 {
				out.b = append(out.b, ',')
			}
			q := in.items[i].defaulted(&in.evaluation)
			var last bool
			if out.b, last = a.appendAnswer(r.Context(), out.b, &q, in.semantic); last {
				break
			}
		}
		out.b = append(out.b, "]}"...)
		return write(w, http.StatusOK, jsonType, out.b)
	})
}

// authzen reads a request. What is wrong with one is always 400: AuthZEN knows no
// other.
func (a *API) authzen(w http.ResponseWriter, r *http.Request, limit int, answer func(*evaluations) int) int {
	body, p := readBody(r, limit)
	if p != nil {
		p.Status = http.StatusBadRequest
		return writeProblem(w, p)
	}
	in, err := readEvaluations(body.b)
	body.free()
	if err != nil {
		return writeProblem(w, invalidDocument(http.StatusBadRequest, faultsOf(err)))
	}
	return answer(in)
}

func (a *API) answerOne(w http.ResponseWriter, r *http.Request, q *evaluation) int {
	in, d, p := a.ask(r.Context(), q)
	if p != nil {
		return writeProblem(w, p)
	}
	out := newBuffer()
	defer out.free()
	out.b = appendEvaluation(out.b, in, &d, "")
	return write(w, http.StatusOK, jsonType, out.b)
}

// appendAnswer appends the answer to one of several questions, and says whether it
// is the last that the semantic wants. A question that can't be asked is denied.
func (a *API) appendAnswer(ctx context.Context, b []byte, q *evaluation, semantic string) (answer []byte, last bool) {
	in, d, p := a.ask(ctx, q)
	if p != nil {
		return appendEvaluationError(b, p), semantic == denyOnFirstDeny
	}
	allowed := d.Outcome == riskd.Allow
	if last = semantic == denyOnFirstDeny && !allowed || semantic == permitOnFirstPermit && allowed; !last {
		semantic = ""
	}
	return appendEvaluation(b, in, &d, semantic), last
}

// ask has a question decided. If that makes the engine panic, others still get their
// answers.
func (a *API) ask(ctx context.Context, q *evaluation) (in *asked, d riskd.Decision, p *problem) {
	defer func() {
		if v := recover(); v != nil {
			a.Panicked(authzenSurface, v, debug.Stack())
			p = blank(http.StatusInternalServerError, failedDetail)
		}
	}()
	in, err := q.event(a.Key, callerIn(ctx), a.Now())
	if err == nil {
		d, err = a.decide(ctx, in.event)
	}
	if err != nil {
		p = refused(err)
	}
	return in, d, p
}

// echoRequestID sends the caller's request id back, as AuthZEN asks. One that is
// long or isn't plain text is left out: a part of it would be another id.
func echoRequestID(w http.ResponseWriter, r *http.Request) {
	ids := r.Header[requestID]
	odd := func(c rune) bool { return c < ' ' || c > '~' }
	if len(ids) == 1 && ids[0] != "" && len(ids[0]) <= maxRequestID && !strings.ContainsFunc(ids[0], odd) {
		w.Header()[requestID] = ids
	}
}

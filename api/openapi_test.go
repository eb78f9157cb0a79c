package api

import (
	"context"
	stdjson "encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/leases"
)

func init() {
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
}

func loadOpenAPI(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOpenAPIHasEveryRoute(t *testing.T) {
	t.Parallel()
	h, doc := newHouse(t), loadOpenAPI(t)
	var documented, served []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			documented = append(documented, serverOf(item, method)+" "+method+" "+path)
		}
	}
	for server, routes := range map[string][]route{"http://127.0.0.1:8181": h.gatewayRoutes(), "http://127.0.0.1:8182": h.adminRoutes()} {
		for _, r := range routes {
			method := r.method
			if method == "" {
				method = "GET" // which stands for all
			}
			served = append(served, server+" "+method+" "+r.pattern)
		}
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented are\n%s\nserved are\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}

// serverOf is the listener of an operation: its own, or else its path's.
func serverOf(item *openapi3.PathItem, method string) string {
	if own := item.GetOperation(method).Servers; own != nil {
		return (*own)[0].URL
	}
	return item.Servers[0].URL
}

// call is one request to the API; its answer has to be documented.
type call struct {
	path   string // of the document
	params map[string]string
	query  string
	method string
	body   string
	change func(*http.Request)
	house  func(*house)
	status int
}

func calls() []call {
	ref := riskd.SessionID{1}.String()
	post := func(path, body string, status int) call {
		return call{path: path, method: "POST", body: body, status: status}
	}
	get := func(path string, status int) call { return call{path: path, method: "GET", status: status} }
	del := func(path, body string, status int) call {
		return call{path: path, method: "DELETE", body: body, status: status}
	}
	epoch := func(c call, number string) call { c.params = map[string]string{"epoch": number}; return c }
	challenge := func(c call) call { c.params = map[string]string{"id": suID}; return c }
	session := func(c call, ref string) call { c.params = map[string]string{"ref": ref}; return c }
	decision := func(c call, id string) call { c.params = map[string]string{"id": id}; return c }
	user := func(c call) call { c.params = map[string]string{"id": "a b"}; return c }
	profile := func(c call) call { c.params = map[string]string{"profile": "web"}; return c }
	query := func(c call, q string) call { c.query = q; return c }
	with := func(c call, f func(*house)) call { c.house = f; return c }
	change := func(c call, f func(*http.Request)) call { c.change = f; return c }
	breaks := func(c call) call {
		return with(c, func(h *house) {
			h.Sessions, h.Orders, h.StepUps, h.Identity, h.Decisions, h.Ready, h.Trials = nil, nil, nil, nil, nil, nil, (*trials)(nil)
			h.engine.answer, h.Metrics = nil, http.HandlerFunc(nil)
			h.Policy = (*memory)(nil)
			h.Notices = (*leases.Stream)(nil)
			h.gateway, h.admin = h.Gateway(), h.Admin()
		})
	}
	followed := func(h *house) {
		leave, _ := h.notices.Join("edge-2")
		leave(false)
		_, _ = h.notices.Ack("edge-1", "", 2)
		_, _ = h.notices.Ack("edge-1", "", 4)
	}
	follows := func(c call) call {
		return change(c, hangUp)
	}
	evil := func(c call) call { return change(c, func(r *http.Request) { r.Host = "evil.example" }) }
	slow := func(c call) call {
		return change(c, func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(late{}), -1 })
	}
	gzip := func(c call) call {
		return change(c, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") })
	}
	cookie := func(c call) call {
		return change(c, func(r *http.Request) {
			r.Header.Set("Cookie", "sid=a")
			r.RemoteAddr = "10.0.0.1:1"
		})
	}
	volatile := func(c call) call {
		return with(c, func(h *house) { h.memory.err = riskd.ErrNotDurable })
	}
	answered := func(err error) func(h *house) { return func(h *house) { h.memory.err = err } }
	held := func(h *house) {
		h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
			d := allow(e, now)
			d.Outcome, d.Source = riskd.StepUpNeeded, riskd.SourceSuspension
			return d
		}
	}
	steps := func(h *house) { h.engine.answer = stepUp }
	revokes := func(h *house) { h.engine.answer = revoke }

	identified := func(c call) call {
		return change(c, func(r *http.Request) { r.Header.Set("X-Request-ID", "6f1f0c0e") })
	}
	named := func(c call, name string) call { c.params = map[string]string{"name": name}; return c }
	brakes := func(h *house) { h.Brake = tight{} }
	trial := func(err error) func(h *house) { return func(h *house) { h.trials.err = err } }

	all := []call{
		with(post("/v1/decisions", full, 200), steps),
		with(post("/v1/decisions", least, 200), revokes),
		post("/v1/decisions", least, 200),
		with(post("/v1/decisions", least, 200), held),
		with(post("/v1/decisions/batch", "["+full+",{},"+least+"]", 200), steps),
		post("/v1/decisions/batch", "[]", 200),
		post("/v1/telemetry", least, 202),
		post("/v1/telemetry", "["+least+",{}]", 202),
		post("/v1/telemetry", "["+least+","+full+"]", 202),
		with(post(evaluationPath, question, 200), steps),
		with(post(evaluationPath, question, 200), revokes),
		identified(post(evaluationPath, question, 200)),
		with(post(evaluationPath, question, 200), held),
		post(evaluationPath, `{"subject":1}`, 400),
		slow(post(evaluationPath, question, 400)), gzip(post(evaluationPath, question, 400)),
		post(evaluationPath, `["`+strings.Repeat("x", MaxBatchBody)+`"]`, 400),
		breaks(post(evaluationPath, question, 500)),
		with(post(evaluationsPath, questions, 200), steps),
		with(post(evaluationsPath, `{"evaluations":[{}]}`, 200), steps),
		identified(post(evaluationsPath, question, 200)),
		post(evaluationsPath, `{"options":{"evaluations_semantic":"x"}}`, 400),
		breaks(post(evaluationsPath, question, 500)),
		identified(get(metadataPath, 200)),
		with(get(metadataPath, 404), func(h *house) { h.PublicURL = "" }),
		profile(cookie(get("/v1/forward-auth/{profile}", 200))),
		profile(cookie(with(get("/v1/forward-auth/{profile}", 401), steps))),
		profile(get("/v1/forward-auth/{profile}", 401)),
		profile(cookie(with(get("/v1/forward-auth/{profile}", 403), revokes))),
		profile(cookie(with(get("/v1/forward-auth/{profile}", 403), held))),
		breaks(profile(cookie(get("/v1/forward-auth/{profile}", 403)))),
		profile(post("/v1/data/riskd/{profile}", kongInput, 200)),
		profile(with(post("/v1/data/riskd/{profile}", apisixInput, 200), steps)),
		profile(with(post("/v1/data/riskd/{profile}", envoyInput, 200), revokes)),
		get("/v1/sessions", 200),
		query(get("/v1/sessions", 200), "limit=1&status=step_up&user=u1"),
		query(get("/v1/sessions", 200), "status=suspended&address=203.0.113.7"),
		query(get("/v1/sessions", 400), "limit=0"),
		evil(get("/v1/sessions", 403)),
		breaks(get("/v1/sessions", 500)),
		session(get("/v1/sessions/{ref}", 200), ref),
		session(get("/v1/sessions/{ref}", 400), "s_x"),
		session(get("/v1/sessions/{ref}", 404), riskd.SessionID{9}.String()),
		evil(session(get("/v1/sessions/{ref}", 403), ref)),
		breaks(session(get("/v1/sessions/{ref}", 500), ref)),
		session(post("/v1/sessions/{ref}/extend", "", 200), riskd.SessionID{2}.String()),
		session(post("/v1/sessions/{ref}/extend", "", 400), "s_x"),
		session(post("/v1/sessions/{ref}/extend", "", 404), riskd.SessionID{9}.String()),
		session(post("/v1/sessions/{ref}/extend", "", 409), ref),
		evil(session(post("/v1/sessions/{ref}/extend", "", 403), ref)),
		breaks(session(post("/v1/sessions/{ref}/extend", "", 500), ref)),
		user(get("/v1/users/{id}/sessions", 200)),
		query(user(get("/v1/users/{id}/sessions", 200)), "status=step_up&tenant=shop"),
		query(user(get("/v1/users/{id}/sessions", 400)), "cursor=x"),
		evil(user(get("/v1/users/{id}/sessions", 403))),
		breaks(user(get("/v1/users/{id}/sessions", 500))),
		get("/v1/decisions", 200),
		query(get("/v1/decisions", 200), "session="+ref+"&decision=step_up&since=2026-11-21T11:00:00Z&limit=1"),
		query(get("/v1/decisions", 400), "session=x"),
		evil(get("/v1/decisions", 403)),
		breaks(get("/v1/decisions", 500)),
		decision(get("/v1/decisions/{id}", 200), "d2"),
		decision(get("/v1/decisions/{id}", 200), "d1"),
		decision(get("/v1/decisions/{id}", 404), "d9"),
		query(decision(get("/v1/decisions/{id}", 400), "d1"), "full=1"),
		evil(decision(get("/v1/decisions/{id}", 403), "d1")),
		breaks(decision(get("/v1/decisions/{id}", 500), "d1")),
		follows(get("/v1/revocations/stream", 200)),
		query(follows(get("/v1/revocations/stream", 200)), "gateway=edge-1"),
		query(get("/v1/revocations/stream", 400), "gateway=a%20b"),
		breaks(get("/v1/revocations/stream", 500)),
		with(get("/v1/revocations/stream", 503), func(h *house) { h.notices.End() }),
		post("/v1/revocations/acks", `{"gateway":"edge-1","epoch":5}`, 200),
		post("/v1/revocations/acks", `{"gateway":"edge-1","epoch":88131}`, 409),
		post("/v1/revocations/acks", `{"gateway":"edge-1","epoch":5,"instance":"other"}`, 409),
		with(epoch(get("/v1/revocations/{epoch}", 200), "3"), followed), epoch(get("/v1/revocations/{epoch}", 400), "x"),
		epoch(get("/v1/revocations/{epoch}", 404), "9"), evil(epoch(get("/v1/revocations/{epoch}", 403), "3")),
		breaks(epoch(get("/v1/revocations/{epoch}", 500), "3")),
		get("/v1/revocations", 200),
		query(get("/v1/revocations", 400), "cursor=x"),
		evil(get("/v1/revocations", 403)),
		breaks(get("/v1/revocations", 500)),
		post("/v1/revocations", `{"target":{"session":"`+ref+`"},"reason":"r","actor":"a"}`, 200),
		post("/v1/revocations", `{"target":{"session_id":"raw"},"tenant":"shop"}`, 200),
		post("/v1/revocations", `{"target":{"tenant":""}}`, 200),
		post("/v1/revocations", `{"target":{"user":"u1"},"effect":"suspend"}`, 200),
		post("/v1/revocations", `{"target":{"user":"u1"},"preview":true}`, 200),
		post("/v1/revocations", `{"target":{"predicate":{"asn":64500,"country":"FR","network":"203.0.113.0/24","role":"r","user_type":"u","environment":"e",`+
			`"agent":"a","from":"2026-11-21T10:00:00Z","to":"2026-11-21T11:00:00Z"}},"standing_until":"2026-11-28T00:00:00Z"}`, 200),
		volatile(post("/v1/revocations", `{"target":{"user":"a"}}`, 503)),
		epoch(del("/v1/revocations/{epoch}", lifting, 200), "5"),
		epoch(del("/v1/revocations/{epoch}", lifting, 404), "9"),
		evil(epoch(del("/v1/revocations/{epoch}", lifting, 403), "1")),
		volatile(epoch(del("/v1/revocations/{epoch}", lifting, 503), "1")),
		challenge(post("/v1/step-ups/{id}", `{"result":"passed","auth_time":"2026-11-21T12:00:00Z","acr":"aal2","amr":["hwk"],"actor":"idp"}`, 200)),
		challenge(post("/v1/step-ups/{id}", `{"result":"failed"}`, 200)),
		with(challenge(post("/v1/step-ups/{id}", `{"result":"passed"}`, 404)), answered(riskd.ErrUnknownStepUp)),
		with(challenge(post("/v1/step-ups/{id}", `{"result":"passed"}`, 409)), answered(riskd.ErrSessionOver)),
		with(challenge(post("/v1/step-ups/{id}", `{"result":"passed"}`, 409)), answered(riskd.ErrNotProved)),
		evil(challenge(post("/v1/step-ups/{id}", `{"result":"passed"}`, 403))),
		volatile(challenge(post("/v1/step-ups/{id}", `{"result":"passed"}`, 503))),
		post("/v1/identity-events", `{"id":"e1","type":"password_reset","time":"2026-11-21T11:00:00Z","user":"u1","reason":"r","actor":"a"}`, 200),
		post("/v1/identity-events", `{"id":"e1","type":"logout","session_id":"raw","tenant":"shop"}`, 200),
		post("/v1/identity-events", `{"id":"e1","type":"logout","session":"`+ref+`"}`, 200),
		post("/v1/identity-events", `{"id":"e1","type":"device_compliant","device":"d1"}`, 200),
		evil(post("/v1/identity-events", telling, 403)),
		volatile(post("/v1/identity-events", telling, 503)),
		query(user(del("/v1/users/{id}", "", 200)), "tenant=shop&actor=ann"),
		query(user(del("/v1/users/{id}", "", 400)), "tenant=shop"),
		evil(query(user(del("/v1/users/{id}", "", 403)), "actor=ann")),
		breaks(query(user(del("/v1/users/{id}", "", 500)), "actor=ann")),
		volatile(query(user(del("/v1/users/{id}", "", 503)), "actor=ann")),
		evil(post("/v1/revocations", `{"target":{"user":"a"}}`, 403)),
		get("/v1/policy", 200), evil(get("/v1/policy", 403)), breaks(get("/v1/policy", 500)),
		with(get("/v1/policy", 200), func(h *house) {
			h.memory.policy = PolicyStatus{
				Pack: "a", Revision: "b", LoadedAt: noon,
				Source:   PolicySource{Kind: "url", Place: "https://a/b", Bundle: "v1", SignedBy: "ci", SignedAt: noon, Kept: true, Error: "gone"},
				Tests:    &PolicyTests{Run: 2, Passed: 1},
				Fault:    &PolicyFault{At: noon, Errors: []string{"x"}},
				Held:     &PolicyHeld{Pack: "c", Revision: "d", Reason: "too many", Since: noon},
				Previous: &PolicyPrevious{Pack: "e", Revision: "f", Until: noon},
			}
		}),
		with(post("/v1/revocations", `{"target":{"tenant":""}}`, 409), brakes),
		with(post("/v1/revocations", `{"target":{"tenant":""},"confirm":true,"actor":"ann"}`, 200), brakes),
		with(post("/v1/identity-events", telling, 429), brakes),
		with(post("/v1/identity-events", `{"id":"e1","type":"user_enabled","user":"u1","confirm":true,"actor":"ann"}`, 200), brakes),
		get("/v1/policy/shadows", 200), evil(get("/v1/policy/shadows", 403)), breaks(get("/v1/policy/shadows", 500)),
		query(get("/v1/policy/shadows", 400), "limit=1"),
		post("/v1/policy/shadows", trying, 200), evil(post("/v1/policy/shadows", trying, 403)),
		with(post("/v1/policy/shadows", trying, 409), trial(riskd.ErrShadowExists)),
		with(post("/v1/policy/shadows", trying, 409), trial(riskd.ErrTooManyShadows)),
		with(post("/v1/policy/shadows", trying, 400), trial(&riskd.FieldError{Path: "pack", Detail: "is no folder"})),
		named(get("/v1/policy/shadows/{name}", 200), "next"),
		named(get("/v1/policy/shadows/{name}", 404), "none"),
		query(named(get("/v1/policy/shadows/{name}", 400), "next"), "limit=1"),
		evil(named(get("/v1/policy/shadows/{name}", 403), "next")),
		breaks(named(get("/v1/policy/shadows/{name}", 500), "next")),
		named(del("/v1/policy/shadows/{name}", "", 200), "next"),
		named(del("/v1/policy/shadows/{name}", "", 404), "none"),
		query(named(del("/v1/policy/shadows/{name}", "", 400), "next"), "limit=1"),
		evil(named(del("/v1/policy/shadows/{name}", "", 403), "next")),
		breaks(named(del("/v1/policy/shadows/{name}", "", 500), "next")),
		named(post("/v1/policy/shadows/{name}/promote", lifting, 200), "next"),
		named(post("/v1/policy/shadows/{name}/promote", `{"reason":"r"}`, 400), "next"),
		with(named(post("/v1/policy/shadows/{name}/promote", lifting, 404), "none"), trial(riskd.ErrUnknownShadow)),
		with(named(post("/v1/policy/shadows/{name}/promote", lifting, 409), "next"), trial(&riskd.NotPromoted{Reasons: []string{"it has judged 2 decisions"}})),
		evil(named(post("/v1/policy/shadows/{name}/promote", lifting, 403), "next")),
		post("/v1/policy/confirm", confirming, 200), evil(post("/v1/policy/confirm", confirming, 403)),
		with(post("/v1/policy/confirm", confirming, 404), trial(riskd.ErrNotHeld)),
		post("/v1/policy/confirm", `{"revision":"r2","actor":"a"}`, 400),
		get("/livez", 200), evil(get("/livez", 403)),
		get("/readyz", 200), evil(get("/readyz", 403)), breaks(get("/readyz", 500)),
		with(get("/readyz", 503), func(h *house) { h.Ready = func() []string { return []string{"draining"} } }),
		with(post("/v1/telemetry", least, 503), func(h *house) { h.engine.answer = shed }),
		get("/metrics", 200), evil(get("/metrics", 403)), breaks(get("/metrics", 500)),
		get("/openapi.json", 200), evil(get("/openapi.json", 403)),
	}
	// Whoever isn't known, and who is but may not.
	for _, in := range []call{
		post(evaluationPath, plainQuestion, 0), post(evaluationsPath, plainQuestion, 0),
		post("/v1/decisions", least, 0), post("/v1/decisions/batch", "["+least+"]", 0), post("/v1/telemetry", least, 0), profile(get("/v1/forward-auth/{profile}", 0)), profile(post("/v1/data/riskd/{profile}", kongInput, 0)),
		get("/v1/sessions", 0), session(get("/v1/sessions/{ref}", 0), ref), session(post("/v1/sessions/{ref}/extend", "", 0), ref), user(get("/v1/users/{id}/sessions", 0)),
		query(user(del("/v1/users/{id}", "", 0)), "actor=a"), get("/v1/decisions", 0), decision(get("/v1/decisions/{id}", 0), "d1"),
		get("/v1/revocations", 0), get("/v1/revocations/stream", 0), post("/v1/revocations/acks", `{"gateway":"edge-1","epoch":1}`, 0), epoch(get("/v1/revocations/{epoch}", 0), "1"), post("/v1/revocations", `{"target":{"user":"a"}}`, 0), epoch(del("/v1/revocations/{epoch}", lifting, 0), "1"),
		challenge(post("/v1/step-ups/{id}", `{"result":"passed"}`, 0)), post("/v1/identity-events", telling, 0), get("/v1/policy", 0),
		get("/v1/policy/shadows", 0), post("/v1/policy/shadows", trying, 0), named(get("/v1/policy/shadows/{name}", 0), "next"), named(del("/v1/policy/shadows/{name}", "", 0), "next"),
		named(post("/v1/policy/shadows/{name}/promote", lifting, 0), "next"), post("/v1/policy/confirm", confirming, 0), get("/metrics", 0), get("/openapi.json", 0),
	} {
		unknown, notAllowed := in, in
		unknown.house, unknown.status = asks(nil), 401
		notAllowed.house, notAllowed.status = asks(&riskd.Caller{Name: "none"}), 403
		if in.path == "/v1/forward-auth/{profile}" {
			unknown.status = 403
		}
		all = append(all, unknown, notAllowed)
	}
	bound := asks(&riskd.Caller{Name: "acme", Role: riskd.RoleOperator, Bound: true, Tenant: "acme"})
	all = append(
		all,
		with(post("/v1/revocations", `{"target":{"session":"`+ref+`"}}`, 404), bound),
		with(post("/v1/identity-events", `{"id":"e1","type":"logout","session":"`+ref+`"}`, 404), bound),
	)
	for path, good := range map[string]string{
		"/v1/decisions": least, "/v1/decisions/batch": "[" + least + "]", "/v1/telemetry": least, "/v1/revocations": `{"target":{"user":"a"}}`,
		"/v1/revocations/acks":    `{"gateway":"edge-1","epoch":1}`,
		"/v1/revocations/{epoch}": lifting, "/v1/step-ups/{id}": `{"result":"passed"}`, "/v1/identity-events": telling,
		"/v1/policy/shadows": trying, "/v1/policy/shadows/{name}/promote": lifting, "/v1/policy/confirm": confirming,
		"/v1/data/riskd/{profile}": kongInput,
	} {
		take := func(body string, status int) call { return challenge(post(path, body, status)) }
		if strings.Contains(path, "{name}") {
			take = func(body string, status int) call { return named(post(path, body, status), "next") }
		}
		if strings.Contains(path, "{profile}") {
			take = func(body string, status int) call { return profile(post(path, body, status)) }
		}
		if path == "/v1/revocations/{epoch}" {
			take = func(body string, status int) call { return epoch(del(path, body, status), "1") }
		}
		if path != "/v1/decisions/batch" { // where each event fails by itself
			all = append(all, breaks(take(good, 500)))
		}
		all = append(
			all,
			take(`{"a":1}`, 400), slow(take("x", 408)), gzip(take(good, 415)),
			take(`["`+strings.Repeat("x", MaxBatchBody)+`"]`, 413),
		)
	}
	return all
}

// single is the Callers of those who are all the same one, or unknown.
type single struct{ caller *riskd.Caller }

func (s single) HTTP(*http.Request) (*riskd.Caller, error) {
	if s.caller == nil {
		return nil, riskd.ErrUnknownCaller
	}
	return s.caller, nil
}

func (s single) ForwardAuth(r *http.Request) (*riskd.Caller, error) { return s.HTTP(r) }

// asks has a house know its callers.
func asks(c *riskd.Caller) func(*house) {
	return func(h *house) {
		h.Callers = single{c}
		h.gateway, h.admin = h.Gateway(), h.Admin()
	}
}

// hangUp has the caller of a stream gone once it is up to date.
func hangUp(r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	*r = *r.WithContext(ctx)
}

const (
	lifting = `{"reason":"r","actor":"a"}`
	telling = `{"id":"e1","type":"user_enabled","user":"u1"}`

	trying     = `{"name":"next","pack":"default","sample_rate":0.5,"expires":"2026-11-28T00:00:00Z"}`
	confirming = `{"revision":"r2","reason":"r","actor":"a"}`
)

// late is a body whose deadline passes.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestOpenAPIHoldsForTheHandlers(t *testing.T) {
	t.Parallel()
	doc := loadOpenAPI(t)
	reached := map[string]bool{}
	for _, c := range calls() {
		h := newHouse(t)
		h.past.kept = []riskd.Explanation{someExplanation(), {KeptDecision: riskd.KeptDecision{Decision: riskd.Decision{ID: "d1", Outcome: riskd.Allow}}}}
		h.memory.policy = PolicyStatus{Pack: "default", Revision: "432bb16", LoadedAt: noon, Source: PolicySource{Kind: "shipped"}}
		h.memory.sessions = []riskd.Session{someSession(1), {ID: riskd.SessionID{2}, Start: noon, SeenAt: noon, Limits: riskd.Limits{Idle: time.Hour, Absolute: 12 * time.Hour}}}
		for _, target := range []riskd.Target{
			{Kind: riskd.TargetUser, ID: "u1", Tenant: "shop"},
			{Kind: riskd.TargetSession, Session: riskd.SessionID{1}},
			{Kind: riskd.TargetTenant},
			{Kind: riskd.TargetDevice, ID: "d"},
			{Kind: riskd.TargetPredicate, Predicate: &riskd.Predicate{ASN: 64500, From: noon}},
		} {
			_, _ = h.memory.Impose(t.Context(), "", riskd.Epoch{Target: target, At: noon, Reason: "r", Actor: "a"})
		}
		if c.house != nil {
			c.house(h)
		}
		item := doc.Paths.Value(c.path)
		handler := h.gateway
		if serverOf(item, c.method) == "http://127.0.0.1:8182" {
			handler = h.admin
		}
		path := c.path
		for name, value := range c.params {
			path = strings.ReplaceAll(path, "{"+name+"}", strings.ReplaceAll(value, " ", "%20"))
		}
		newRequest := func() *http.Request {
			r := request(c.method, path+"?"+c.query, c.body)
			if c.change != nil {
				c.change(r)
			}
			return r
		}
		w := send(handler, newRequest())
		name := c.method + " " + c.path + " " + http.StatusText(c.status)
		reached[name] = true
		if w.Code != c.status {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
			continue
		}
		checkDocumented(t, name, doc, item, c, newRequest(), w)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			for status := range operation.Responses.Map() {
				code, _ := strconv.Atoi(status)
				if name := method + " " + path + " " + http.StatusText(code); !reached[name] {
					t.Errorf("%s (%s) is documented but was not seen", name, status)
				}
			}
		}
	}
}

func checkDocumented(t *testing.T, name string, doc *openapi3.T, item *openapi3.PathItem, c call, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: c.params, QueryParams: r.URL.Query(),
		Route:   &routers.Route{Spec: doc, Path: c.path, PathItem: item, Method: c.method, Operation: item.GetOperation(c.method)},
		Options: &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	// A batch may be good although one of its events isn't.
	if c.status < 300 && !strings.Contains(c.body, "{}") {
		if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
			t.Errorf("%s: the request was taken but isn't as documented: %v", name, err)
		}
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.Code, Header: w.Result().Header, Options: in.Options}
	out.SetBodyBytes(w.Body.Bytes())
	if err := openapi3filter.ValidateResponse(context.Background(), out); err != nil {
		t.Errorf("%s: the answer isn't as documented: %v\n%s", name, err, w.Body)
	}
}

// Every example in the document is one, and there are some.
func TestOpenAPIExamples(t *testing.T) {
	t.Parallel()
	doc, seen := loadOpenAPI(t), 0
	for name, ref := range doc.Components.Schemas {
		for i, example := range ref.Value.Examples {
			seen++
			if err := ref.Value.VisitJSON(example, openapi3.EnableFormatValidation()); err != nil {
				t.Errorf("example %d of %s: %v", i, name, err)
			}
		}
	}
	if seen < 15 {
		t.Errorf("there are only %d examples", seen)
	}
}

// Whatever the document's examples of requests ask for is understood.
func TestOpenAPIExamplesAreTaken(t *testing.T) {
	t.Parallel()
	doc := loadOpenAPI(t)
	for path, schema := range map[string]string{
		"/v1/decisions": "Event", "/v1/revocations": "RevocationRequest", "/v1/step-ups/su_1": "StepUpAnswer", "/v1/identity-events": "IdentityEvent",
		"/v1/revocations/acks": "Ack", evaluationPath: "Evaluation", evaluationsPath: "Evaluations", "/v1/data/riskd/web": "OPAInput",
		"/v1/policy/shadows": "ShadowRequest", "/v1/policy/shadows/next/promote": "PromotionRequest", "/v1/policy/confirm": "ConfirmRequest",
	} {
		examples := doc.Components.Schemas[schema].Value.Examples
		if len(examples) == 0 {
			t.Errorf("%s has no example", schema)
		}
		for _, example := range examples {
			h := newHouse(t)
			h.memory.sessions = []riskd.Session{someSession(1)}
			body, err := stdjson.Marshal(example)
			if err != nil {
				t.Fatal(err)
			}
			handler := h.admin
			if path == "/v1/decisions" || path == evaluationPath || path == evaluationsPath || path == "/v1/revocations/acks" || schema == "OPAInput" {
				handler = h.gateway
			}
			if w := post(handler, path, string(body)); w.Code != 200 {
				t.Errorf("%s: %s gives %d %s", path, body, w.Code, w.Body)
			}
		}
	}
}

// The words of the wire are the vocabulary's, all of them.
func TestOpenAPIHasEveryWord(t *testing.T) {
	t.Parallel()
	schemas := loadOpenAPI(t).Components.Schemas
	enum := func(s *openapi3.SchemaRef) (words []string) {
		for _, w := range s.Value.Enum {
			words = append(words, w.(string))
		}
		return words
	}
	names := func(n int, name func(i int) string) (words []string) {
		for i := range n {
			words = append(words, name(i))
		}
		return words
	}
	session, explanation := schemas["Session"].Value.Properties, schemas["Explanation"].Value.Properties
	for what, c := range map[string]struct{ got, want []string }{
		"effects": {enum(schemas["Revoked"].Value.Properties["effect"]), names(int(riskd.Effects), func(i int) string { return riskd.Effect(i).String() })},
		"types":   {enum(schemas["IdentityEvent"].Value.Properties["type"]), riskd.IdentityTypes()},
		"actions": {enum(schemas["IdentityResult"].Value.Properties["actions"].Value.Items.Value.Properties["action"]), riskd.ActionNames()},
		"states":  {enum(session["status"]), names(5, func(i int) string { return riskd.Status(i).String() })},
		"moments": {enum(session["timeline"].Value.Items.Value.Properties["kind"]), names(int(riskd.Ended)+1, func(i int) string { return riskd.MomentKind(i).String() })},
		"holds":   {enum(explanation["state"].Value.Properties["hold"]), names(3, func(i int) string { return riskd.Hold(i + 1).String() })},
		"sources": {enum(explanation["state"].Value.Properties["source"]), []string{"fresh", "revocation", "fallback", "expiry", "suspension"}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s are %v, documented are %v", what, c.want, c.got)
		}
	}
}

// What the schema of an event refuses the decoder has to refuse, and the other
// way round where a schema can say it.
func TestOpenAPIAndDecoderAgree(t *testing.T) {
	t.Parallel()
	doc, h := loadOpenAPI(t), newHouse(t)
	item := doc.Paths.Value("/v1/decisions")
	good := func(body string) bool {
		r := request("POST", "/v1/decisions", body)
		return nil == openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
			Request: r, Route: &routers.Route{Spec: doc, Path: "/v1/decisions", PathItem: item, Method: "POST", Operation: item.Post},
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		})
	}
	for _, body := range []string{least, full} {
		if !good(body) {
			t.Errorf("the schema refuses %s", body)
		}
	}
	beyondSchemas := []string{"duplicate", "UTF-8", "address", "surrogate", "two documents", "comma after", "too long", "bytes huge"}
	for name, c := range nonsense() {
		if slices.ContainsFunc(beyondSchemas, func(s string) bool { return strings.Contains(name, s) }) {
			continue
		}
		if _, err := DecodeEvent([]byte(c.body), h.key); err == nil || good(c.body) {
			t.Errorf("%s: the schema takes it %t, the decoder says %v", name, good(c.body), err)
		}
	}
}

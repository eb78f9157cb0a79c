package api

import (
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// handler answers a request and says with which status. It writes nothing
// before it knows the whole answer.
type handler func(w http.ResponseWriter, r *http.Request) (status int)

// route is one line of the table that the handlers and the OpenAPI document
// are both held to.
type route struct {
	method  string // "" is any; GET answers HEAD too
	pattern string // as in http.ServeMux
	surface string
	access  access
	handle  handler
}

// forwardPath is where forward-auth lives, with everything below it.
const forwardPath = "/v1/forward-auth"

func (a *API) gatewayRoutes() []route {
	routes := []route{
		{"POST", "/v1/decisions", "decision", gateways, a.decision},
		{"POST", "/v1/decisions/batch", "batch", gateways, a.batch},
		{"POST", "/v1/telemetry", "telemetry", tellers, a.telemetry},
		{"POST", evaluationPath, authzenSurface, gateways, a.evaluation},
		{"POST", evaluationsPath, authzenSurface, gateways, a.evaluations},
		{"GET", metadataPath, authzenSurface, anybody, a.metadata},
		{"POST", opaPath, "opa_data", gateways, a.opaData},
	}
	if a.Notices != nil {
		routes = append(
			routes,
			route{"GET", "/v1/revocations/stream", "stream", gateways, a.follow},
			route{"POST", "/v1/revocations/acks", "ack", gateways, a.ack},
		)
	}
	return append(routes, route{"", forwardPath + "/{profile}", "forward_auth", gateways, a.forwardAuth})
}

func (a *API) adminRoutes() []route {
	routes := []route{
		{"GET", "/v1/sessions", "admin", analysts, a.listSessions},
		{"GET", "/v1/sessions/{ref}", "admin", analysts, a.showSession},
		{"POST", "/v1/sessions/{ref}/extend", "admin", operators, a.extendSession},
		{"GET", "/v1/users/{id}/sessions", "admin", analysts, a.listUserSessions},
		{"GET", "/v1/decisions", "admin", analysts, a.listDecisions},
		{"GET", "/v1/decisions/{id}", "admin", analysts, a.explainDecision},
		{"GET", "/v1/revocations", "admin", analysts, a.listRevocations},
		{"POST", "/v1/revocations", "admin", operators, a.revoke},
		{"GET", "/v1/revocations/{epoch}", "admin", analysts, a.showRevocation},
		{"DELETE", "/v1/revocations/{epoch}", "admin", operators, a.lift},
		{"POST", "/v1/step-ups/{id}", "admin", providers, a.answerStepUp},
		{"POST", "/v1/identity-events", "admin", providers, a.identityEvent},
		{"DELETE", "/v1/users/{id}", "admin", admins, a.eraseUser},
		{"GET", "/livez", "admin", anybody, live},
		{"GET", "/readyz", "admin", anybody, a.ready},
		{"GET", "/openapi.json", "admin", anyCaller, openAPI},
	}
	if a.Policy != nil {
		routes = append(routes, route{"GET", "/v1/policy", "admin", ofAll(analysts), a.showPolicy})
	}
	if a.Trials != nil {
		routes = append(
			routes,
			route{"GET", "/v1/policy/shadows", "admin", ofAll(analysts), a.listShadows},
			route{"POST", "/v1/policy/shadows", "admin", ofAll(operators), a.addShadow},
			route{"GET", "/v1/policy/shadows/{name}", "admin", ofAll(analysts), a.showShadow},
			route{"DELETE", "/v1/policy/shadows/{name}", "admin", ofAll(operators), a.endShadow},
			route{"POST", "/v1/policy/shadows/{name}/promote", "admin", ofAll(admins), a.promoteShadow},
			route{"POST", "/v1/policy/confirm", "admin", ofAll(admins), a.confirmPolicy},
		)
	}
	if a.Metrics != nil {
		routes = append(routes, route{"GET", "/metrics", "admin", ofAll(analysts), a.metrics})
	}
	return routes
}

// Gateway is the handler of the decision path.
func (a *API) Gateway() http.Handler {
	routes := a.gatewayRoutes()
	mux := a.mux(routes[:len(routes)-1])
	forward := a.serve("forward_auth", a.admitForward(&routes[len(routes)-1]), failForward)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Forward-auth goes before the mux, which would answer a path that isn't
		// clean with a redirect: what a gateway appends is the client's.
		if rest, ok := strings.CutPrefix(r.URL.Path, forwardPath); ok && (rest == "" || rest[0] == '/') {
			forward.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Admin is the handler for operators.
func (a *API) Admin() http.Handler {
	mux := a.mux(a.adminRoutes())
	foreign := a.serve("admin", func(w http.ResponseWriter, _ *http.Request) int {
		return writeProblem(w, forbidden("the request comes from a page of another origin: only same-origin pages and tools may change anything here"))
	}, failProblem)
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(foreign)
	return a.hostGuard(guard.Handler(mux))
}

// mux serves the routes; any other path and any other method is a problem.
func (a *API) mux(routes []route) http.Handler {
	patterns := map[string]map[string]http.Handler{}
	for _, rt := range routes {
		if patterns[rt.pattern] == nil {
			patterns[rt.pattern] = map[string]http.Handler{}
		}
		h := a.serve(rt.surface, a.admit(&rt), failProblem)
		patterns[rt.pattern][rt.method] = h
		if rt.method == http.MethodGet {
			patterns[rt.pattern][http.MethodHead] = h
		}
	}
	mux := http.NewServeMux()
	for pattern, methods := range patterns {
		mux.Handle(pattern, a.byMethod(methods))
	}
	unknown := a.serve("none", notFound, failProblem)
	mux.Handle("/", unknown)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.EscapedPath(); path.Clean(p) != p {
			unknown.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (a *API) byMethod(methods map[string]http.Handler) http.Handler {
	var allow []string
	for m := range methods {
		allow = append(allow, m)
	}
	slices.Sort(allow)
	allowed := strings.Join(allow, ", ")
	refuse := a.serve("none", func(w http.ResponseWriter, _ *http.Request) int {
		w.Header().Set("Allow", allowed)
		return writeProblem(w, blank(http.StatusMethodNotAllowed, "this path takes "+allowed))
	}, failProblem)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := methods[r.Method]; h != nil {
			h.ServeHTTP(w, r)
			return
		}
		refuse.ServeHTTP(w, r)
	})
}

// serve runs a handler, observes it, and turns its panic into an answer.
func (a *API) serve(surface string, handle handler, fail func(http.ResponseWriter) int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started, status := time.Now(), 0
		if surface == authzenSurface { // whatever the answer is
			echoRequestID(w, r)
		}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint // net/http too compares the value itself
					panic(v)
				}
				a.Panicked(surface, v, debug.Stack())
				status = fail(w)
			}
			a.Observe(surface, status, time.Since(started))
		}()
		status = handle(w, r)
	})
}

func notFound(w http.ResponseWriter, _ *http.Request) int {
	return writeProblem(w, blank(http.StatusNotFound, "there is nothing here: GET /openapi.json on the admin listener lists every path"))
}

func failProblem(w http.ResponseWriter) int {
	return writeProblem(w, blank(http.StatusInternalServerError, failedDetail))
}

const failedDetail = "riskd failed while it answered; its log says where"

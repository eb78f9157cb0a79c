package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	known "github.com/riskd/riskd/callers"
	"github.com/riskd/riskd/gateway"
)

var roles = []riskd.Role{riskd.RoleGateway, riskd.RoleIngest, riskd.RoleAnalyst, riskd.RoleOperator, riskd.RoleAdmin}

// tokens are those of a caller of each role: "operator", and, bound to a tenant,
// "operator@shop" and "operator@acme"; "expired" is an admin's.
type tokens map[string]string

// guarded is a house whose callers are known.
func guarded(t testing.TB) (*house, tokens) {
	t.Helper()
	all, grants := tokens{}, []known.Grant(nil)
	add := func(name string, c riskd.Caller, ends time.Time) {
		secret, token := known.NewToken()
		token.NotAfter = ends
		all[name], c.Name = secret, strings.ReplaceAll(name, "@", "-at-")
		grants = append(grants, known.Grant{Caller: c, Tokens: []known.Token{token}})
	}
	for _, role := range roles {
		add(role.String(), riskd.Caller{Role: role}, time.Time{})
		for _, tenant := range []string{"shop", "acme"} {
			add(role.String()+"@"+tenant, riskd.Caller{Role: role, Bound: true, Tenant: tenant}, time.Time{})
		}
	}
	add("expired", riskd.Caller{Role: riskd.RoleAdmin}, noon)
	c, err := known.New(known.Options{Grants: grants, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, func(o *Options) { o.Callers = c })
	fill(h)
	return h, all
}

// fill remembers something of the tenant shop.
func fill(h *house) {
	s := someSession(1)
	s.Tenant = "shop"
	free := riskd.Session{ID: riskd.SessionID{2}, Tenant: "shop", Start: noon, SeenAt: noon, Limits: riskd.Limits{Idle: time.Hour}}
	h.memory.sessions = []riskd.Session{s, free}
	x := someExplanation()
	x.ID, x.Tenant = "d1", "shop"
	h.past.kept = []riskd.Explanation{x}
	h.memory.epochs = []riskd.Epoch{
		{Number: 1, Target: riskd.Target{Kind: riskd.TargetUser, ID: "u1", Tenant: "shop"}, At: noon, Reason: "r", Actor: "a"},
		{Number: 2, Target: riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{1}}, At: noon, Reason: "r", Actor: "a"},
	}
}

// as sends a request with a token; "" is none.
func as(h http.Handler, r *http.Request, token string) *httptest.ResponseRecorder {
	if token != "" {
		r.Header.Set(known.Header, "Bearer "+token)
	}
	return send(h, r)
}

// rule is a row of the table in docs/callers.md.
type rule struct {
	listener, method, path string
	roles                  []string // nil is open
	spans                  bool
}

var ruleRow = regexp.MustCompile("(?m)^\\| (gateway|admin) \\| (\\w+) \\| `([^`]+)` \\| ([a-z, ]+) \\| (own|all) \\|$")

// readRules reads what was promised: the tests go by that and not by the code.
func readRules(t *testing.T) (rules []rule) {
	t.Helper()
	text, err := os.ReadFile("../docs/callers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ruleRow.FindAllStringSubmatch(string(text), -1) {
		in := rule{listener: m[1], method: m[2], path: m[3], spans: m[5] == "all"}
		if m[4] != "open" {
			in.roles = strings.Split(m[4], ", ")
		}
		rules = append(rules, in)
	}
	return rules
}

func TestAccessIsAsDocumented(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	format := func(in rule) string {
		return fmt.Sprintf("%s %s %s: %s, spans: %t", in.listener, in.method, in.path, strings.Join(in.roles, " "), in.spans)
	}
	var served, documented []string
	for listener, routes := range map[string][]route{"gateway": h.gatewayRoutes(), "admin": h.adminRoutes()} {
		for i := range routes {
			rt := &routes[i]
			if !rt.access.open && len(rt.access.roles) == 0 {
				t.Errorf("%s %s: nobody may use it", rt.method, rt.pattern)
			}
			in := rule{listener: listener, method: rt.method, path: rt.pattern, spans: rt.access.spans}
			if in.method == "" {
				in.method = "any"
			}
			if !rt.access.open {
				for _, role := range rt.access.holders() {
					in.roles = append(in.roles, role.String())
				}
			}
			served = append(served, format(in))
		}
	}
	for _, in := range readRules(t) {
		documented = append(documented, format(in))
	}
	slices.Sort(served)
	slices.Sort(documented)
	if !slices.Equal(served, documented) {
		t.Errorf("docs/callers.md has\n%s\nserved is\n%s", strings.Join(documented, "\n"), strings.Join(served, "\n"))
	}
}

func TestZeroAccessIsNobodys(t *testing.T) {
	t.Parallel()
	for _, role := range roles {
		if (&access{}).admits(&riskd.Caller{Role: role}) != (role == riskd.RoleAdmin) {
			t.Errorf("a route that was forgotten lets in %s", role)
		}
	}
	if (&access{}).admits(&riskd.Caller{}) || analysts.admits(&riskd.Caller{}) {
		t.Error("no role is a role")
	}
}

// bodies are good ones, about the tenant shop; those of paths that aren't here are
// empty.
var bodies = map[string]string{
	"POST /v1/decisions":                     `{"tenant":"shop","session":{"id":"raw-1"},"client":{"ip":"203.0.113.7"}}`,
	"POST /v1/decisions/batch":               `[{"tenant":"shop","session":{"id":"raw-1"},"client":{"ip":"203.0.113.7"}}]`,
	"POST /v1/telemetry":                     `{"tenant":"shop","session":{"id":"raw-1"},"client":{"ip":"203.0.113.7"}}`,
	"POST /v1/data/riskd/{profile}":          kongInput,
	"POST /access/v1/evaluation":             `{"subject":{"type":"session","id":"raw-1"},"action":{"name":"GET"},"resource":{"type":"route","id":"/"},"context":{"tenant":"shop"}}`,
	"POST /access/v1/evaluations":            `{"subject":{"type":"session","id":"raw-1"},"action":{"name":"GET"},"resource":{"type":"route","id":"/"},"context":{"tenant":"shop"}}`,
	"POST /v1/revocations/acks":              `{"gateway":"edge-1","epoch":0}`,
	"POST /v1/revocations":                   `{"target":{"user":"u1"},"tenant":"shop"}`,
	"DELETE /v1/revocations/{epoch}":         lifting,
	"POST /v1/step-ups/{id}":                 `{"result":"passed"}`,
	"POST /v1/identity-events":               `{"id":"e1","type":"user_enabled","user":"u1","tenant":"shop"}`,
	"POST /v1/policy/shadows":                trying,
	"POST /v1/policy/shadows/{name}/promote": lifting,
	"POST /v1/policy/confirm":                confirming,
}

// queries name the tenant shop where a path takes one.
var queries = map[string]string{
	"GET /v1/sessions": "?tenant=shop", "GET /v1/users/{id}/sessions": "?tenant=shop", "GET /v1/decisions": "?tenant=shop",
	"DELETE /v1/users/{id}": "?tenant=shop&actor=ann",
}

// about makes a good request for a route, about something of shop's.
func about(method, path string) *http.Request {
	target := strings.NewReplacer(
		"{ref}/extend", riskd.SessionID{2}.String()+"/extend", "{ref}", riskd.SessionID{1}.String(),
		"step-ups/{id}", "step-ups/"+riskd.StepUpID(riskd.SessionID{1}, "01JD"), "decisions/{id}", "decisions/d1", "{id}", "u1",
		"{epoch}", "1", "{name}", "next", "{profile}", "web",
	).Replace(path)
	key := strings.Replace(method, "HEAD", "GET", 1) + " " + path
	r := request(method, target+queries[key], bodies[key])
	r.Header.Set("Cookie", "sid=a")
	if strings.HasSuffix(path, "/stream") {
		hangUp(r)
	}
	return r
}

// changes says how often anything was decided or done.
func (h *house) changes() string {
	return fmt.Sprint(len(h.engine.events), len(h.memory.epochs), len(h.memory.acts), len(h.memory.answers), h.trials.order.Name, h.trials.ended, h.trials.promoted, h.trials.confirmed)
}

// The whole matrix: every path, every method, every kind of credentials. Whoever
// isn't let in changes nothing.
func TestAccessMatrix(t *testing.T) {
	t.Parallel()
	_, secrets := guarded(t)
	rules := readRules(t)
	methods := map[string]map[string]rule{} // by listener and path
	for _, in := range rules {
		at := in.listener + " " + in.path
		if methods[at] == nil {
			methods[at] = map[string]rule{}
		}
		methods[at][in.method] = in
		if in.method == "GET" {
			methods[at]["HEAD"] = in
		}
	}
	stranger, _ := known.NewToken()
	shown := maps.Clone(secrets)
	shown["nothing"], shown["unknown"], shown["malformed"] = "", stranger, "a b"
	asked, accepted := 0, 0
	for at, taken := range methods {
		listener, path, _ := strings.Cut(at, " ")
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			in, ok := taken[method]
			if !ok {
				in, ok = taken["any"]
			}
			for name, secret := range shown {
				h, again := guarded(t)
				if again[name] != "" {
					secret = again[name] // each house has its own
				}
				handler := h.admin
				if listener == "gateway" {
					handler = h.gateway
				}
				before := h.changes()
				w := as(handler, about(method, path), secret)
				asked++
				want := promised(in, ok, name)
				if !want.of(w) {
					t.Errorf("%s %s as %s: got %d %s, want %s", method, path, name, w.Code, w.Body, want)
				}
				if want == letIn {
					accepted++
				} else if after := h.changes(); after != before {
					t.Errorf("%s %s as %s: refused with %d, but done: %s, then %s", method, path, name, w.Code, before, after)
				}
			}
		}
	}
	t.Logf("%d requests, %d let in", asked, accepted)
	if accepted == 0 || accepted > asked/2 {
		t.Error("the matrix tells little")
	}
}

// verdict is what becomes of a request.
type verdict string

const (
	letIn      verdict = "let in"
	noMethod   verdict = "405"
	notKnown   verdict = "401"
	notAllowed verdict = "403"
	// The same for forward-auth, which knows only 403.
	noGateway     verdict = "403 unknown_caller"
	noSuchGateway verdict = "403 not_allowed"
	// foreign is about another tenant: refused, or as if it weren't there.
	foreign verdict = "403 or 404"
)

// promised is what the documented rules make of a caller.
func promised(in rule, method bool, caller string) verdict {
	forward := in.method == "any"
	role, tenant, bound := strings.Cut(caller, "@")
	switch {
	case !method:
		return noMethod
	case in.roles == nil:
		return letIn
	case slices.Contains([]string{"nothing", "unknown", "malformed", "expired"}, caller):
		if forward {
			return noGateway
		}
		return notKnown
	case !slices.Contains(in.roles, role) || in.spans && bound:
		if forward {
			return noSuchGateway
		}
		return notAllowed
	case bound && tenant != "shop" && !slices.Contains([]string{"/openapi.json", "/v1/revocations/stream", "/v1/revocations/acks"}, in.path):
		if forward {
			return noSuchGateway
		}
		return foreign
	}
	return letIn
}

func (v verdict) of(w *httptest.ResponseRecorder) bool {
	h := w.Header()
	switch v {
	case noMethod:
		return w.Code == 405
	case notKnown:
		return w.Code == 401 && h.Get("WWW-Authenticate") == `Bearer realm="riskd"` && w.Body.String() == string(unauthorized) && h.Get("Content-Type") == "application/problem+json"
	case notAllowed:
		return w.Code == 403 && h.Get("WWW-Authenticate") == "" && strings.Contains(w.Body.String(), "caller")
	case noGateway, noSuchGateway:
		for _, name := range gateway.Headers {
			if len(h[name]) != 1 {
				return false
			}
		}
		return w.Code == 403 && "403 "+h.Get("X-Risk-Reasons") == string(v) && h.Get("X-Risk-Decision") == "none"
	case foreign:
		body := w.Body.String()
		return w.Code == 403 || w.Code == 404 || w.Code == 200 && (body == `{"revocations":[]}` || strings.HasPrefix(body, `[{"error":{"type":"https://riskd.dev/problems/forbidden"`))
	}
	return w.Code >= 200 && w.Code < 300
}

// What belongs to another tenant is answered as what isn't there at all.
func TestOtherTenantsDontExist(t *testing.T) {
	t.Parallel()
	h, secrets := guarded(t)
	theirs, nobodys := riskd.SessionID{1}.String(), riskd.SessionID{9}.String()
	cases := map[string]struct{ method, theirs, nobodys, body, nobodysBody string }{
		"a session":            {"GET", "/v1/sessions/" + theirs, "/v1/sessions/" + nobodys, "", ""},
		"a session's clock":    {"POST", "/v1/sessions/" + theirs + "/extend", "/v1/sessions/" + nobodys + "/extend", "", ""},
		"a decision":           {"GET", "/v1/decisions/d1", "/v1/decisions/d9", "", ""},
		"an order":             {"DELETE", "/v1/revocations/1", "/v1/revocations/9", lifting, lifting},
		"a session's order":    {"DELETE", "/v1/revocations/2", "/v1/revocations/9", lifting, lifting},
		"a step-up":            {"POST", "/v1/step-ups/" + riskd.StepUpID(riskd.SessionID{1}, "01JD"), "/v1/step-ups/" + riskd.StepUpID(riskd.SessionID{9}, "01JD"), `{"result":"passed"}`, `{"result":"passed"}`},
		"an order by ref":      {"POST", "/v1/revocations", "/v1/revocations", `{"target":{"session":"` + theirs + `"}}`, `{"target":{"session":"` + nobodys + `"}}`},
		"a preview by ref":     {"POST", "/v1/revocations", "/v1/revocations", `{"target":{"session":"` + theirs + `"},"preview":true}`, `{"target":{"session":"` + nobodys + `"},"preview":true}`},
		"an event by ref":      {"POST", "/v1/identity-events", "/v1/identity-events", `{"id":"e1","type":"logout","session":"` + theirs + `"}`, `{"id":"e1","type":"logout","session":"` + nobodys + `"}`},
		"a user's sessions":    {"GET", "/v1/users/u1/sessions", "/v1/users/u9/sessions", "", ""},
		"the list of orders":   {"GET", "/v1/revocations", "/v1/revocations?cursor=1", "", ""},
		"decisions by session": {"GET", "/v1/decisions?session=" + theirs, "/v1/decisions?session=" + nobodys, "", ""},
	}
	hide := strings.NewReplacer(theirs, "REF", nobodys, "REF", "number 1:", "number N:", "number 2:", "number N:", "number 9:", "number N:")
	for name, c := range cases {
		before := h.changes()
		there := as(h.admin, request(c.method, c.theirs, c.body), secrets["admin@acme"])
		none := as(h.admin, request(c.method, c.nobodys, c.nobodysBody), secrets["admin@acme"])
		if there.Code != none.Code || hide.Replace(there.Body.String()) != hide.Replace(none.Body.String()) {
			t.Errorf("%s: got %d %s\nwhat isn't there: %d %s", name, there.Code, there.Body, none.Code, none.Body)
		}
		if after := h.changes(); after != before {
			t.Errorf("%s: it was done all the same: %s, then %s", name, before, after)
		}
		own := as(h.admin, request(c.method, c.theirs, c.body), secrets["admin@shop"])
		if own.Code >= 400 && own.Code != http.StatusConflict || own.Body.String() == there.Body.String() {
			t.Errorf("%s: its own tenant gets %d %s", name, own.Code, own.Body)
		}
	}
}

// Every document in which a tenant can be named, by a caller of another one.
func TestNobodySpeaksOfAnotherTenant(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ caller, method, path, body string }{
		"a decision":         {"gateway", "POST", "/v1/decisions", `{"tenant":"shop","session":{"id":"a"},"client":{"ip":"203.0.113.7"}}`},
		"batch":              {"gateway", "POST", "/v1/decisions/batch", `[{"tenant":"shop","session":{"id":"a"},"client":{"ip":"203.0.113.7"}}]`},
		"telemetry":          {"ingest", "POST", "/v1/telemetry", `{"tenant":"shop","session":{"id":"a"},"client":{"ip":"203.0.113.7"}}`},
		"telemetry, two":     {"ingest", "POST", "/v1/telemetry", `[{"tenant":"shop","session":{"id":"a"},"client":{"ip":"203.0.113.7"}},{"tenant":"shop","session":{"id":"b"},"client":{"ip":"203.0.113.7"}}]`},
		"a user's order":     {"operator", "POST", "/v1/revocations", `{"tenant":"shop","target":{"user":"u1"}}`},
		"a preview":          {"operator", "POST", "/v1/revocations", `{"tenant":"shop","target":{"user":"u1"},"preview":true}`},
		"a device's":         {"operator", "POST", "/v1/revocations", `{"tenant":"shop","target":{"device":"d1"}}`},
		"a raw session's":    {"operator", "POST", "/v1/revocations", `{"tenant":"shop","target":{"session_id":"raw"}}`},
		"a predicate's":      {"operator", "POST", "/v1/revocations", `{"tenant":"shop","target":{"predicate":{"asn":64500}}}`},
		"the whole tenant's": {"operator", "POST", "/v1/revocations", `{"target":{"tenant":"shop"},"confirm":true,"actor":"a"}`},
		"named twice":        {"operator", "POST", "/v1/revocations", `{"tenant":"acme","target":{"tenant":"shop"}}`},
		"an identity event":  {"ingest", "POST", "/v1/identity-events", `{"id":"e1","type":"user_enabled","user":"u1","tenant":"shop"}`},
		"an erasure":         {"admin", "DELETE", "/v1/users/u1?tenant=shop&actor=a", ""},
		"sessions":           {"analyst", "GET", "/v1/sessions?tenant=shop", ""},
		"a user's sessions":  {"analyst", "GET", "/v1/users/u1/sessions?tenant=shop", ""},
		"decisions":          {"analyst", "GET", "/v1/decisions?tenant=shop", ""},
		"in other letters":   {"analyst", "GET", "/v1/decisions?tenant=ACME", ""},
	}
	for name, c := range cases {
		h, secrets := guarded(t)
		handler := h.admin
		if c.caller == "gateway" || strings.HasSuffix(c.path, "telemetry") {
			handler = h.gateway
		}
		before := h.changes()
		if w := as(handler, request(c.method, c.path, c.body), secrets[c.caller+"@acme"]); !foreign.of(w) || w.Code == 404 {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
		if after := h.changes(); after != before {
			t.Errorf("%s: it was done: %s, then %s", name, before, after)
		}
		if w := as(handler, request(c.method, strings.ReplaceAll(c.path, "ACME", "shop"), strings.ReplaceAll(c.body, `"acme"`, `"shop"`)), secrets[c.caller+"@shop"]); !letIn.of(w) {
			t.Errorf("%s: its own tenant gets %d %s", name, w.Code, w.Body)
		}
	}
}

// A bound caller that names no tenant means its own, also where ids are hashed with
// it.
func TestTenantsAreFilledIn(t *testing.T) {
	t.Parallel()
	h, secrets := guarded(t)
	take := func(handler http.Handler, method, path, body, caller string) {
		t.Helper()
		if w := as(handler, request(method, path, body), secrets[caller]); !letIn.of(w) {
			t.Errorf("%s %s: got %d %s", method, path, w.Code, w.Body)
		}
	}
	take(h.gateway, "POST", "/v1/decisions", `{"session":{"id":"raw"},"client":{"ip":"203.0.113.7"}}`, "gateway@acme")
	if e, _ := h.engine.last(t); e.Tenant != "acme" || e.Session.ID != h.key.ID("acme", "raw") {
		t.Errorf("the event is %s's", e.Tenant)
	}
	for body, want := range map[string]riskd.Target{
		`{"target":{"user":"u1"}}`:                            {Kind: riskd.TargetUser, ID: "u1", Tenant: "acme"},
		`{"target":{"tenant":""},"confirm":true,"actor":"a"}`: {Kind: riskd.TargetTenant, Tenant: "acme"},
		`{"target":{"session_id":"raw"}}`:                     {Kind: riskd.TargetSession, Session: h.key.ID("acme", "raw"), Tenant: "acme"},
	} {
		take(h.admin, "POST", "/v1/revocations", body, "operator@acme")
		if got := h.memory.epochs[len(h.memory.epochs)-1].Target; got != want {
			t.Errorf("%s is over %+v", body, got)
		}
	}
	take(h.admin, "POST", "/v1/revocations", `{"target":{"predicate":{"asn":64500}}}`, "operator@acme")
	if got := h.memory.epochs[len(h.memory.epochs)-1].Target; got.Tenant != "acme" {
		t.Errorf("the predicate is over %+v", got)
	}
	take(h.admin, "POST", "/v1/identity-events", `{"id":"e1","type":"logout","session_id":"raw"}`, "ingest@acme")
	if got := h.memory.epochs[len(h.memory.epochs)-1].Target; got.Session != h.key.ID("acme", "raw") {
		t.Errorf("the identity event is over %+v", got)
	}
	take(h.admin, "DELETE", "/v1/users/u1?actor=ann", "", "admin@acme")
	if got := h.memory.acts[len(h.memory.acts)-1]; !strings.HasPrefix(got, "erase acme/u1 ") || !strings.HasSuffix(got, "ann (via admin-at-acme)") {
		t.Errorf("erased was %s", got)
	}
	for _, path := range []string{"/v1/sessions", "/v1/users/u1/sessions"} {
		take(h.admin, "GET", path, "", "analyst@acme")
		if h.memory.filter.Tenant != "acme" {
			t.Errorf("%s lists sessions of %q", path, h.memory.filter.Tenant)
		}
	}
	take(h.admin, "GET", "/v1/decisions", "", "analyst@acme")
	if h.past.filter.Tenant != "acme" {
		t.Errorf("decisions are %q's", h.past.filter.Tenant)
	}
}

// Who does something is put on record by what nobody can choose.
func TestCallersSign(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`"actor":"ada"`:             "ada (via operator)",
		`"reason":"r"`:              "operator",
		`"actor":"operator"`:        "operator",
		`"actor":"ada (via admin)"`: "ada (via admin) (via operator)",
	} {
		h, secrets := guarded(t)
		as(h.admin, request("POST", "/v1/revocations", `{"target":{"user":"u1"},`+given+`}`), secrets["operator"])
		if got := h.memory.epochs[len(h.memory.epochs)-1].Actor; got != want {
			t.Errorf("%s: on record is %q, want %q", given, got, want)
		}
	}
	h, secrets := guarded(t)
	signedBy := func(what, got string, caller string) {
		t.Helper()
		if !strings.HasSuffix(got, "a (via "+caller+")") {
			t.Errorf("%s: on record is %q", what, got)
		}
	}
	as(h.admin, request("DELETE", "/v1/revocations/1", lifting), secrets["operator"])
	signedBy("a lift", h.memory.acts[len(h.memory.acts)-1], "operator")
	as(h.admin, about("POST", "/v1/step-ups/{id}"), secrets["ingest"])
	if got := h.memory.answers[0].Actor; got != "ingest" {
		t.Errorf("a step-up: on record is %q", got)
	}
	as(h.admin, request("POST", "/v1/identity-events", `{"id":"e2","type":"user_enabled","user":"u1","actor":"a"}`), secrets["ingest"])
	signedBy("an identity event", h.memory.epochs[len(h.memory.epochs)-1].Actor, "ingest")
	as(h.admin, about("POST", "/v1/sessions/{ref}/extend"), secrets["operator"])
	if got := h.memory.acts[len(h.memory.acts)-1]; got != "extend by operator" {
		t.Errorf("an extension: %s", got)
	}
	as(h.admin, request("POST", "/v1/policy/shadows/next/promote", lifting), secrets["admin"])
	signedBy("a promotion", h.trials.actor, "admin")
}

func TestConfirmIsForOperators(t *testing.T) {
	t.Parallel()
	const event = `{"id":"e1","type":"user_enabled","user":"u1","confirm":true,"actor":"ann"}`
	for caller, want := range map[string]int{"ingest": 403, "operator": 200, "admin": 200} {
		h, secrets := guarded(t)
		if w := as(h.admin, request("POST", "/v1/identity-events", event), secrets[caller]); w.Code != want {
			t.Errorf("%s gets %d %s", caller, w.Code, w.Body)
		}
	}
}

// The checks of Host and Origin hold for callers that are known, too, and bodies are
// JSON.
func TestAdminGuardsHoldForCallers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"as it should be":  {func(*http.Request) {}, 200},
		"another host":     {func(r *http.Request) { r.Host = "evil.example" }, 403},
		"another origin":   {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"a foreign page":   {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403},
		"a form":           {func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }, 415},
		"plain text":       {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415},
		"a type of no one": {func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
	} {
		h, secrets := guarded(t)
		before := h.changes()
		r := about("POST", "/v1/revocations")
		c.change(r)
		w := as(h.admin, r, secrets["operator"])
		if w.Code != c.want {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
		if (h.changes() == before) != (c.want != 200) {
			t.Errorf("%s: %s, then %s", name, before, h.changes())
		}
	}
}

// A client can say what it likes in its own Authorization.
func TestForwardAuthTakesNoTokenOfTheClients(t *testing.T) {
	t.Parallel()
	h, secrets := guarded(t)
	r := about("GET", "/v1/forward-auth/{profile}")
	r.Header.Set("Authorization", "Bearer "+secrets["gateway"])
	if w := send(h.gateway, r); !noGateway.of(w) {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	r = about("GET", "/v1/forward-auth/{profile}")
	r.Header.Set("Authorization", "Bearer of-the-client")
	if w := as(h.gateway, r, secrets["gateway"]); w.Code != 200 {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
}

func TestUnauthorizedIsAProblem(t *testing.T) {
	t.Parallel()
	var p problem
	if err := json.Unmarshal(unauthorized, &p); err != nil || p.Status != 401 || p.Title != "Unauthorized" {
		t.Errorf("got %s, %v", unauthorized, err)
	}
}

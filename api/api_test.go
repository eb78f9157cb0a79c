package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/leases"
)

// noon is when every test happens.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// answers is a Decider that says what it's told to and keeps the events.
type answers struct {
	mu     sync.Mutex
	answer func(e *riskd.Event, now time.Time) riskd.Decision
	asked  func(end time.Time, bounded bool) // told of the deadline; optional
	events []riskd.Event
	times  []time.Time
}

func (a *answers) Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked != nil {
		a.asked(ctx.Deadline())
	}
	a.events, a.times = append(a.events, *e), append(a.times, now)
	d := a.answer(e, now)
	d.Degraded = append(slices.Clip(e.Degraded), d.Degraded...) // as Event.Degraded asks
	return d
}

func (a *answers) last(t *testing.T) (riskd.Event, time.Time) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) == 0 {
		t.Fatal("the engine was not asked")
	}
	return a.events[len(a.events)-1], a.times[len(a.times)-1]
}

// memory is the Sessions, the Orders and the StepUps of tests.
type memory struct {
	sessions []riskd.Session // in the order of their lists
	filter   Filter          // of the last list
	epochs   []riskd.Epoch
	keys     map[string]bool
	acts     []string // lifts and erasures
	answers  []riskd.StepUpAnswer
	err      error // of whatever is ordered or answered
	volatile bool
	policy   PolicyStatus
}

func (m *memory) Policy() PolicyStatus { return m.policy }

func (m *memory) Session(id riskd.SessionID) (riskd.Session, bool) {
	i := slices.IndexFunc(m.sessions, func(s riskd.Session) bool { return s.ID == id })
	if i < 0 {
		return riskd.Session{}, false
	}
	return m.sessions[i], true
}

func (m *memory) List(f Filter) ([]riskd.Session, string, error) {
	m.filter = f
	var page []riskd.Session
	past := f.Cursor == ""
	for _, s := range m.sessions {
		switch {
		case !past:
			past = s.ID.String() == f.Cursor
		case f.Tenant != "" && s.Tenant != f.Tenant, f.User != "" && s.User != f.User, f.Status != nil && s.Status != *f.Status:
		case len(page) == f.Limit:
			return page, page[len(page)-1].ID.String(), nil
		default:
			page = append(page, s)
		}
	}
	if !past {
		return nil, "", &riskd.FieldError{Path: "cursor", Detail: "is none of ours"}
	}
	return page, "", nil
}

func (m *memory) Impose(_ context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error) {
	if m.keys[key] {
		return riskd.Imposed{Repeated: true}, nil
	}
	if m.err != nil && !errors.Is(m.err, riskd.ErrNotDurable) {
		return riskd.Imposed{}, m.err
	}
	for _, e := range orders {
		e.Number = uint64(len(m.epochs) + 1)
		m.epochs = append(m.epochs, e)
	}
	if key != "" && m.err == nil {
		m.keys = map[string]bool{key: true}
	}
	return riskd.Imposed{Epochs: m.epochs[len(m.epochs)-len(orders):], Matched: len(m.sessions)}, m.err
}

func (m *memory) Preview(riskd.Target) (int, []riskd.Session) {
	return len(m.sessions), m.sessions[:min(len(m.sessions), 10)]
}

func (m *memory) Lift(_ context.Context, number uint64, at time.Time, reason, actor string) (riskd.Epoch, error) {
	i := slices.IndexFunc(m.epochs, func(e riskd.Epoch) bool { return e.Number == number })
	if i < 0 {
		return riskd.Epoch{}, riskd.ErrUnknownEpoch
	}
	m.acts = append(m.acts, fmt.Sprintf("lift %d at %s: %s, %s", number, at.Format(time.TimeOnly), reason, actor))
	return m.epochs[i], m.err
}

func (m *memory) Orders(before uint64, limit int) []riskd.Epoch {
	var page []riskd.Epoch
	for _, e := range slices.Backward(m.epochs) {
		if (before == 0 || e.Number < before) && len(page) < limit {
			page = append(page, e)
		}
	}
	return page
}

func (m *memory) Order(number uint64) (riskd.Epoch, bool) {
	i := slices.IndexFunc(m.epochs, func(e riskd.Epoch) bool { return e.Number == number })
	if i < 0 {
		return riskd.Epoch{}, false
	}
	return m.epochs[i], true
}

func (m *memory) inForce() (all []riskd.Notice) {
	for _, e := range m.epochs {
		all = append(all, riskd.Notice{Number: e.Number, Order: e})
	}
	return all
}

func (m *memory) Erase(_ context.Context, tenant, user string, at time.Time, actor string) (int, error) {
	m.acts = append(m.acts, fmt.Sprintf("erase %s/%s at %s: %s", tenant, user, at.Format(time.TimeOnly), actor))
	return len(m.sessions), m.err
}

func (m *memory) Durable() bool { return !m.volatile }

// Answer takes the answer for the first session.
func (m *memory) Answer(_ context.Context, a riskd.StepUpAnswer, _ time.Time) (riskd.Session, error) {
	m.answers = append(m.answers, a)
	if len(m.sessions) == 0 {
		return riskd.Session{}, cmp.Or(m.err, riskd.ErrUnknownStepUp)
	}
	return m.sessions[0], m.err
}

// Extend gives the session with its clock begun anew; what speaks against that is
// told by its status.
func (m *memory) Extend(id riskd.SessionID, now time.Time, actor string) (riskd.Session, error) {
	m.acts = append(m.acts, "extend by "+actor)
	s, ok := m.Session(id)
	switch {
	case !ok:
		return s, riskd.ErrUnknownSession
	case s.Status.Over():
		return s, riskd.ErrSessionOver
	case s.StepUp != nil:
		return s, riskd.ErrStepUpPending
	}
	s.ActiveAt = now
	return s, nil
}

func testKey(t testing.TB) *riskd.SessionKey {
	t.Helper()
	k, err := riskd.NewSessionKey(bytes.Repeat([]byte{7}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// house is an API with its doubles.
type house struct {
	*API
	engine  *answers
	memory  *memory
	past    *past
	trials  *trials
	notices *leases.Stream
	gateway http.Handler
	admin   http.Handler
	key     *riskd.SessionKey

	mu       sync.Mutex
	observed []string
	panics   []string
	failures []string
}

var identityTable = map[string][]riskd.Action{
	"password_reset":     {riskd.ActionRevokeUser, riskd.ActionDropTrust},
	"user_enabled":       {riskd.ActionResume},
	"device_compromised": {riskd.ActionRevokeDevice},
	"logout":             {riskd.ActionRevokeSession},
}

var trusted = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}

func testGateways(t testing.TB, key *riskd.SessionKey) *gateway.Reader {
	t.Helper()
	r, err := gateway.New(gateway.Options{
		Key: key, TrustedProxies: trusted,
		Profiles: []gateway.Profile{
			{
				Name: "web", Style: gateway.Nginx, Tenant: "shop", Class: riskd.ClassSensitive,
				Session: gateway.Source{Cookie: "sid"}, Device: gateway.Source{Cookie: "did"},
				User: "X-Auth-User", Roles: "X-Auth-Roles", StartedAt: "X-Auth-Started", AuthTime: "X-Auth-Time",
				ACR: "X-Auth-Acr", AMR: "X-Auth-Amr", Route: "X-Risk-Route",
			},
			{Name: "api", Style: gateway.Caddy, Session: gateway.Source{Header: "authorization"}},
			{Name: "envoy", Style: gateway.Envoy, Session: gateway.Source{Cookie: "sid"}},
			{Name: "routed", Style: gateway.Envoy, Session: gateway.Source{Cookie: "sid"}, Routes: []gateway.Route{
				{Path: "/"}, {Path: "/orders/{id}", Class: riskd.ClassSensitive},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newHouse(t testing.TB, change ...func(*Options)) *house {
	t.Helper()
	h := &house{engine: &answers{answer: allow}, memory: &memory{}, past: &past{}, trials: &trials{}, key: testKey(t)}
	var err error
	h.notices, err = leases.New(leases.Options{Instance: "01JD0000000000000000000000", InForce: h.memory.inForce, Number: 88130})
	if err != nil {
		t.Fatal(err)
	}
	table := func() map[string][]riskd.Action { return identityTable }
	applier, err := identity.New(identity.Options{Orders: h.memory, Table: table})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Engine: h.engine, Sessions: h.memory, Orders: h.memory, StepUps: h.memory, Identity: applier, Decisions: h.past, Policy: h.memory, Key: h.key, Trials: h.trials, Notices: h.notices,
		Now: func() time.Time { return noon }, AdminHosts: []string{"riskd.example"},
		PublicURL: "https://riskd.example", Gateways: testGateways(t, h.key),
		Observe: func(surface string, status int, _ time.Duration) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.observed = append(h.observed, surface+" "+http.StatusText(status))
		},
		Panicked: func(surface string, value any, stack []byte) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.panics = append(h.panics, fmt.Sprint(surface, " ", value, " ", string(stack)))
		},
		Failed: func(surface string, err error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.failures = append(h.failures, surface+" "+err.Error())
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			_, _ = io.WriteString(w, "riskd_build_info 1\n")
		}),
	}
	for _, f := range change {
		f(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.API, h.gateway, h.admin = a, a.Gateway(), a.Admin()
	return h
}

func allow(e *riskd.Event, now time.Time) riskd.Decision {
	return riskd.Decision{ID: "01JD", EventID: e.ID, At: now, Session: e.Session.ID, Outcome: riskd.Allow, Pack: "default", Revision: "432bb16", Lease: riskd.Lease{ValidFor: 7900 * time.Millisecond, Epoch: 12}}
}

func stepUp(e *riskd.Event, now time.Time) riskd.Decision {
	d := allow(e, now)
	d.Outcome, d.Score, d.Level, d.Lease = riskd.StepUpNeeded, 63, riskd.Medium, riskd.Lease{}
	d.Shadow = []riskd.Shadow{{Pack: "default", Revision: "5c1d", Outcome: riskd.Allow, Score: 41}}
	d.Reasons = []riskd.Reason{
		{Code: "new_country", Nats: 6.104, Points: 49, ClearsWith: []string{"mfa"}},
		{Code: "request_rate", Nats: 1.5, Points: 14, Group: riskd.GroupBehaviour, Channel: riskd.ChannelBehaviour},
	}
	d.StepUp = &riskd.StepUp{
		ID: "su_1", Clears: []string{"new_country"},
		Demand: riskd.Demand{ACR: []string{"aal2", `odd"\`}, AMR: []string{"hwk"}, MaxAge: 5 * time.Minute},
	}
	d.Missing, d.UserText, d.AdminText = []string{"geo_velocity"}, "Please confirm that it is you.", "country FR → US"
	return d
}

func revoke(e *riskd.Event, now time.Time) riskd.Decision {
	d := allow(e, now)
	d.Outcome, d.Score, d.Level, d.Source, d.Lease = riskd.Revoke, 100, riskd.High, riskd.SourceRevocation, riskd.Lease{}
	return d
}

// least is the smallest event.
const least = `{"session":{"id":"raw-1"},"client":{"ip":"203.0.113.7"}}`

// post sends a JSON body.
func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	return send(h, request("POST", path, body))
}

func request(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "localhost:8182"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	t.Parallel()
	good := newHouse(t).Options
	cases := map[string]struct {
		change func(*Options)
		err    string
	}{
		"no engine":    {func(o *Options) { o.Engine = nil }, "api.Options.Engine"},
		"no sessions":  {func(o *Options) { o.Sessions = nil }, "api.Options.Sessions"},
		"no orders":    {func(o *Options) { o.Orders = nil }, "api.Options.Orders"},
		"no step-ups":  {func(o *Options) { o.StepUps = nil }, "api.Options.StepUps"},
		"no identity":  {func(o *Options) { o.Identity = nil }, "api.Options.Identity"},
		"no decisions": {func(o *Options) { o.Decisions = nil }, "api.Options.Decisions"},
		"no key":       {func(o *Options) { o.Key = nil }, "api.Options.Key"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := good
			c.change(&o)
			if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %v, want %q in it", err, c.err)
			}
		})
	}
	required := Options{
		Engine: good.Engine, Sessions: good.Sessions, Orders: good.Orders, StepUps: good.StepUps, Identity: good.Identity,
		Decisions: good.Decisions, Key: good.Key,
	}
	if _, err := New(required); err != nil {
		t.Errorf("the required parts alone give %v", err)
	}
}

func TestRoutesDenyByDefault(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	cases := map[string]struct {
		handler      http.Handler
		method, path string
		status       int
		allow        string
	}{
		"gateway's livez":      {h.gateway, "GET", "/livez", 404, ""},
		"gateway's readyz":     {h.gateway, "GET", "/readyz", 404, ""},
		"gateway's metrics":    {h.gateway, "GET", "/metrics", 404, ""},
		"gateway's sessions":   {h.gateway, "GET", "/v1/sessions", 404, ""},
		"up from decisions":    {h.gateway, "GET", "/v1/decisions/../../livez", 404, ""},
		"up from forward-auth": {h.gateway, "GET", "/v1/forward-auth/../../livez", 403, ""},
		"two slashes":          {h.gateway, "GET", "//livez", 404, ""},
		"encoded dots":         {h.gateway, "GET", "/v1/%2e%2e/livez", 404, ""},
		"encoded slash":        {h.gateway, "GET", "/v1%2fdecisions", 404, ""},
		"slash at the end":     {h.gateway, "POST", "/v1/decisions/", 404, ""},
		"get a decision":       {h.gateway, "GET", "/v1/decisions", 405, "POST"},
		"admin's root":         {h.admin, "GET", "/", 404, ""},
		"admin has no gateway": {h.admin, "POST", "/v1/decisions/batch", 405, "GET, HEAD"},
		"admin doesn't decide": {h.admin, "POST", "/v1/decisions", 405, "GET, HEAD"},
		"admin not clean":      {h.admin, "GET", "/v1//sessions", 404, ""},
		"pprof":                {h.admin, "GET", "/debug/pprof/", 404, ""},
		"delete sessions":      {h.admin, "DELETE", "/v1/sessions", 405, "GET, HEAD"},
		"put revocations":      {h.admin, "PUT", "/v1/revocations", 405, "GET, HEAD, POST"},
		"delete revocations":   {h.admin, "DELETE", "/v1/revocations", 405, "GET, HEAD, POST"},
		"get an epoch":         {h.admin, "GET", "/v1/revocations/1", 404, ""},
		"put an epoch":         {h.admin, "PUT", "/v1/revocations/1", 405, "DELETE, GET, HEAD"},
		"admin has no stream":  {h.admin, "GET", "/v1/revocations/stream", 400, ""},
		"post a stream":        {h.gateway, "POST", "/v1/revocations/stream", 405, "GET, HEAD"},
		"head of a stream":     {h.gateway, "HEAD", "/v1/revocations/stream", 200, ""},
		"get acks":             {h.gateway, "GET", "/v1/revocations/acks", 405, "POST"},
		"get a step-up":        {h.admin, "GET", "/v1/step-ups/su_1", 405, "POST"},
		"get a user":           {h.admin, "GET", "/v1/users/u1", 405, "DELETE"},
		"delete all users":     {h.admin, "DELETE", "/v1/users/", 404, ""},
		"gateway's revocation": {h.gateway, "POST", "/v1/revocations", 404, ""},
		"gateway's step-ups":   {h.gateway, "POST", "/v1/step-ups/su_1", 404, ""},
		"gateway's identities": {h.gateway, "POST", "/v1/identity-events", 404, ""},
		"gateway's users":      {h.gateway, "DELETE", "/v1/users/u1", 404, ""},
		"gateway's trials":     {h.gateway, "GET", "/v1/policy/shadows", 404, ""},
		"gateway's confirm":    {h.gateway, "POST", "/v1/policy/confirm", 404, ""},
		"options":              {h.admin, "OPTIONS", "/livez", 405, "GET, HEAD"},
		"head":                 {h.admin, "HEAD", "/livez", 200, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := send(c.handler, request(c.method, c.path, ""))
			if w.Code != c.status || w.Header().Get("Allow") != c.allow {
				t.Errorf("%s %s gives %d, Allow %q: %s", c.method, c.path, w.Code, w.Header().Get("Allow"), w.Body)
			}
			if w.Code >= 404 && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("the answer is %s", w.Header().Get("Content-Type"))
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Error("the answer may be stored")
			}
		})
	}
}

func TestPanicsBecomeAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		if e.ID == "bad" {
			panic("the engine broke")
		}
		return allow(e, now)
	}
	bad := strings.Replace(least, "{", `{"id":"bad",`, 1)
	if w := post(h.gateway, "/v1/decisions", bad); w.Code != 500 || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("a decision gives %d %s", w.Code, w.Body)
	}
	w := post(h.gateway, "/v1/decisions/batch", "["+least+","+bad+","+least+"]")
	if w.Code != 200 || strings.Count(w.Body.String(), `"decision":"allow"`) != 2 || !strings.Contains(w.Body.String(), `{"error":{"type":"about:blank","title":"Internal Server Error","status":500`) {
		t.Errorf("a batch gives %d %s", w.Code, w.Body)
	}
	w = post(h.gateway, "/v1/telemetry", "["+least+","+bad+"]")
	if w.Code != 202 || !strings.Contains(w.Body.String(), `{"accepted":1,"errors":[{"detail":"[1]: riskd failed`) {
		t.Errorf("telemetry gives %d %s", w.Code, w.Body)
	}
	if w = post(h.gateway, "/v1/telemetry", bad); w.Code != 500 {
		t.Errorf("one telemetry event gives %d %s", w.Code, w.Body)
	}
	if len(h.panics) != 4 || !strings.Contains(h.panics[0], "decisions.go") {
		t.Errorf("%d panics were told, the first as %v", len(h.panics), h.panics)
	}
	if got := strings.Join(h.observed, ","); got != "decision Internal Server Error,batch OK,telemetry Accepted,telemetry Internal Server Error" {
		t.Errorf("observed %s", got)
	}
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := NewServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes != 16<<10 {
		t.Errorf("a limit is missing: %+v", s)
	}
}

// constant is a Decider that costs nothing.
type constant struct{}

func (constant) Decide(_ context.Context, e *riskd.Event, now time.Time) riskd.Decision {
	return allow(e, now)
}

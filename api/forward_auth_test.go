package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// forward is a request of a trusted gateway to a profile; headers are lines.
func forward(profile string, headers ...string) *http.Request {
	r := httptest.NewRequest("GET", forwardPath+"/"+profile, nil)
	r.RemoteAddr = "10.0.0.1:4711"
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		// As net/http's server does: canonical, and one more for each line.
		r.Header.Add(name, strings.Trim(value, " "))
	}
	return r
}

// checkForward checks what holds for every answer of forward-auth.
func checkForward(t testing.TB, w *httptest.ResponseRecorder) {
	t.Helper()
	if !slices.Contains([]int{200, 401, 403}, w.Code) {
		t.Errorf("the status is %d", w.Code)
	}
	for _, name := range gateway.Headers {
		if values := w.Result().Header.Values(name); len(values) != 1 {
			t.Errorf("%s is there %d times", name, len(values))
		}
	}
	if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
		t.Errorf("%d with WWW-Authenticate %q", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Body.Len() > 64 {
		t.Errorf("Cache-Control %q, %d bytes of body", w.Header().Get("Cache-Control"), w.Body.Len())
	}
	if decision := w.Header().Get("X-Risk-Decision"); (w.Code == 200) != (decision == "allow") {
		t.Errorf("%d with decision %q", w.Code, decision)
	}
}

func TestForwardAuthAnswers(t *testing.T) {
	t.Parallel()
	broken := func(*riskd.Event, time.Time) riskd.Decision { panic("broken") }
	fallback := func(e *riskd.Event, now time.Time) riskd.Decision {
		d := allow(e, now)
		d.Source, d.Degraded = riskd.SourceFallback, []string{"policy_timeout", "geo_city_missing"}
		return d
	}
	held := func(e *riskd.Event, now time.Time) riskd.Decision {
		d := allow(e, now)
		d.Outcome, d.Source, d.Lease = riskd.StepUpNeeded, riskd.SourceSuspension, riskd.Lease{}
		return d
	}
	states := map[string]struct {
		answer  func(*riskd.Event, time.Time) riskd.Decision
		status  int
		headers string // in the order of gateway.Headers
		body    string
	}{
		"allow":    {allow, 200, "allow|0|LOW||01JD||REF||7", `{"decision":"allow"}`},
		"degraded": {fallback, 200, "allow|0|LOW||01JD||REF|policy_timeout,geo_city_missing|7", `{"decision":"allow"}`},
		"step_up":  {stepUp, 401, `step_up|63|MEDIUM|new_country,request_rate|01JD|aal2 odd"\|REF||0`, `{"decision":"step_up"}`},
		"revoke":   {revoke, 403, "revoke|100|HIGH||01JD||REF||0", `{"decision":"revoke"}`},
		// No challenge: whoever is sent to sign in by one comes back as suspended as before.
		"suspended": {held, 403, "step_up|0|LOW|suspended|01JD||REF||0", `{"decision":"step_up"}`},
		"panic":     {broken, 403, "none|||||||internal_error|0", `{"decision":"none"}`},
	}
	paths := []string{"web", "web/", "web/a/b", "web/..//x/;y", "web/%2e%2e%2fdecisions", "web?x=1"}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE"}
	for name, s := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.engine.answer = s.answer
			ref := h.key.ID("shop", "raw-1").String()
			for _, method := range methods {
				for _, path := range paths {
					r := forward(path, "Cookie: sid=raw-1")
					r.Method = method
					w := send(h.gateway, r)
					checkForward(t, w)
					var got []string
					for _, name := range gateway.Headers {
						got = append(got, w.Header().Get(name))
					}
					if want := strings.Replace(s.headers, "REF", ref, 1); w.Code != s.status || strings.Join(got, "|") != want || w.Body.String() != s.body {
						t.Fatalf("%s %s gives %d %v %s\nwant %d %s %s", method, path, w.Code, got, w.Body, s.status, want, s.body)
					}
				}
			}
		})
	}
}

func TestForwardAuthChallenge(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		stepUp *riskd.StepUp
		want   string
	}{
		"all":     {&riskd.StepUp{Demand: riskd.Demand{ACR: []string{"phr", "urn:x:3"}, MaxAge: 5 * time.Minute}}, `, acr_values="phr urn:x:3", max_age="300"`},
		"acr":     {&riskd.StepUp{Demand: riskd.Demand{ACR: []string{"phr"}}}, `, acr_values="phr"`},
		"age":     {&riskd.StepUp{Demand: riskd.Demand{MaxAge: time.Minute}}, `, max_age="60"`},
		"nothing": {&riskd.StepUp{}, ""},
		"nil":     {nil, ""},
		"hostile": {&riskd.StepUp{Demand: riskd.Demand{ACR: []string{"a\", x=\"\\\r\nSet-Cookie: y\xffé"}}}, `, acr_values="a\", x=\"\\Set-Cookie: y"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
				d := stepUp(e, now)
				d.StepUp = c.stepUp
				return d
			}
			w := send(h.gateway, forward("web", "Cookie: sid=a"))
			checkForward(t, w)
			want := `Bearer realm="riskd", error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"` + c.want
			if got := w.Header().Get("WWW-Authenticate"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestForwardAuthReadsTheEvent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := forward("web/orders/42?secret=1",
		"Cookie: theme=dark; sid=\"raw%2D1\"; did=d1", "Cookie: other=sid",
		"X-Original-Method: POST", "X-Original-URI: /orders/42?secret=1", "X-Forwarded-Method: DELETE", "X-Risk-Route: /orders/{id}",
		"X-Auth-User: u1", "X-Auth-Roles: admin, ops,", "X-Auth-Started: 1795251600", "X-Auth-Time: 1795251601", "X-Auth-Acr: aal2", "X-Auth-Amr: pwd otp,hwk",
		"User-Agent: Mozilla/5.0 \xe9", "Accept-Language: fr", "X-Forwarded-For: 198.51.100.1, 203.0.113.7", "X-Secret: zzz")
	if w := send(h.gateway, r); w.Code != 200 {
		t.Fatalf("got %d %v", w.Code, w.Header())
	}
	got, now := h.engine.last(t)
	want := riskd.Event{
		Time: noon, Tenant: "shop",
		Session: riskd.EventSession{
			ID: h.key.ID("shop", "raw-1"), StartedAt: time.Unix(1795251600, 0).UTC(), AuthTime: time.Unix(1795251601, 0).UTC(),
			ACR: "aal2", AMR: []string{"pwd", "otp", "hwk"},
		},
		User:    riskd.User{ID: "u1", Roles: []string{"admin", "ops"}},
		Device:  riskd.Device{ID: "d1"},
		Client:  riskd.Client{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "Mozilla/5.0 \ufffd", Language: "fr"},
		Request: riskd.Request{Method: "POST", Route: "/orders/{id}", Class: riskd.ClassSensitive},
	}
	if !reflect.DeepEqual(got, want) || !now.Equal(noon) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}

	r = forward("api", "Authorization: bearer  raw-2 ", "X-Forwarded-Method: PUT", "X-Original-Method: GET", "X-Auth-User: ignored")
	if w := send(h.gateway, r); w.Code != 200 {
		t.Fatalf("got %d %v", w.Code, w.Header())
	}
	got, _ = h.engine.last(t)
	want = riskd.Event{
		Time: noon, Session: riskd.EventSession{ID: h.key.ID("", "raw-2")},
		Client:  riskd.Client{IP: netip.MustParseAddr("10.0.0.1")},
		Request: riskd.Request{Method: "PUT"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// An Envoy over HTTP asks with the client's own method, and with its path below the
// profile's, byte by byte.
func TestForwardAuthBelowTheProfile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for uri, want := range map[string]string{
		forwardPath + "/routed/orders/42?x=/admin":    "/orders/{id}",
		forwardPath + "/routed/orders/%34%32":         "/orders/{id}",
		forwardPath + "/routed/":                      "/",
		forwardPath + "/routed":                       "malformed",
		forwardPath + "/rout%65d/orders/42":           "malformed",
		"/v1/forward%2Dauth/routed/orders/42":         "malformed",
		forwardPath + "/routed/orders/../admin":       "path_ambiguous",
		forwardPath + "/routed/orders/%2e%2e/admin":   "path_ambiguous",
		forwardPath + "/routed//orders/42":            "path_ambiguous",
		forwardPath + "/routed/orders/42;x":           "path_ambiguous",
		"http://x" + forwardPath + "/routed/orders/1": "malformed",
	} {
		r := httptest.NewRequest("PUT", uri, nil)
		r.RemoteAddr = "10.0.0.1:4711"
		r.Header.Set("Cookie", "sid=a")
		w := send(h.gateway, r)
		checkForward(t, w)
		if want[0] != '/' {
			if got := w.Header().Get("X-Risk-Reasons"); got != want {
				t.Errorf("%s gives %s", uri, got)
			}
			continue
		}
		if e, _ := h.engine.last(t); w.Code != 200 || e.Request.Route != want || e.Request.Method != "PUT" {
			t.Errorf("%s gives %d %+v", uri, w.Code, e.Request)
		}
	}
}

func TestForwardAuthRefuses(t *testing.T) {
	t.Parallel()
	const ok = "Cookie: sid=a"
	cases := map[string]struct {
		profile string
		headers []string
		status  int
		code    string
	}{
		"no profile":           {"", []string{ok}, 403, "unknown_profile"},
		"other profile":        {"nosuch", []string{ok}, 403, "unknown_profile"},
		"profile in caps":      {"WEB", []string{ok}, 403, "unknown_profile"},
		"no cookie":            {"web", nil, 401, "no_session"},
		"another cookie":       {"web", []string{"Cookie: SID=a; xsid=b"}, 401, "no_session"},
		"empty cookie":         {"web", []string{"Cookie: sid="}, 401, "no_session"},
		"quoted nothing":       {"web", []string{`Cookie: sid=""`}, 401, "no_session"},
		"no authorization":     {"api", []string{ok}, 401, "no_session"},
		"scheme alone":         {"api", []string{"Authorization: Bearer"}, 401, "no_session"},
		"two cookies":          {"web", []string{"Cookie: sid=a; sid=b"}, 403, "malformed"},
		"two cookies, apart":   {"web", []string{"Cookie: sid=a", "Cookie: x=1; sid=b"}, 403, "malformed"},
		"cookie and nothing":   {"web", []string{"Cookie: sid=a; sid="}, 403, "malformed"},
		"odd percent":          {"web", []string{"Cookie: sid=%zz"}, 403, "malformed"},
		"two devices":          {"web", []string{ok, "Cookie: did=1; did=2"}, 403, "malformed"},
		"device not UTF-8":     {"web", []string{ok, "Cookie: did=%ff"}, 403, "malformed"},
		"two authorizations":   {"api", []string{"Authorization: Bearer a", "Authorization: Bearer b"}, 403, "malformed"},
		"two users":            {"web", []string{ok, "X-Auth-User: a", "X-Auth-User: a"}, 403, "malformed"},
		"user with _":          {"web", []string{ok, "X_Auth_User: root"}, 403, "malformed"},
		"user with . and case": {"web", []string{ok, "x-auth.uSER: root"}, 403, "malformed"},
		"both users":           {"web", []string{ok, "X-Auth-User: a", "X_auth-user: root"}, 403, "malformed"},
		"forwarded with _":     {"web", []string{ok, "X_Forwarded_For: 1.2.3.4"}, 403, "malformed"},
		"method with .":        {"web", []string{ok, "X.Original.Method: GET"}, 403, "malformed"},
		"user in Connection":   {"web", []string{ok, "X-Auth-User: a", "Connection: close, x-auth-user"}, 403, "malformed"},
		"alias in Connection":  {"web", []string{ok, "Connection: X_AUTH_USER"}, 403, "malformed"},
		"cookie in Connection": {"web", []string{ok, "Connection: Cookie"}, 403, "malformed"},
		"second Connection":    {"web", []string{ok, "Connection: keep-alive", "Connection: X-Forwarded-For"}, 403, "malformed"},
		"time a word":          {"web", []string{ok, "X-Auth-Time: yesterday"}, 403, "malformed"},
		"time negative":        {"web", []string{ok, "X-Auth-Time: -1"}, 403, "malformed"},
		"time in milliseconds": {"web", []string{ok, "X-Auth-Started: 1795251600000"}, 403, "malformed"},
		"method":               {"web", []string{ok, "X-Original-Method: GET /"}, 403, "malformed"},
		"user not UTF-8":       {"web", []string{ok, "X-Auth-User: \xff"}, 403, "malformed"},
		"role not UTF-8":       {"web", []string{ok, "X-Auth-Roles: a,\xff"}, 403, "malformed"},
		"user too long":        {"web", []string{ok, "X-Auth-User: " + strings.Repeat("u", 257)}, 403, "malformed"},
		"agent too long":       {"web", []string{ok, "User-Agent: " + strings.Repeat("u", 2049)}, 403, "malformed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			w := send(h.gateway, forward(c.profile, c.headers...))
			checkForward(t, w)
			if w.Code != c.status || w.Header().Get("X-Risk-Reasons") != c.code || w.Header().Get("X-Risk-Decision") != "none" {
				t.Errorf("got %d %s", w.Code, w.Header().Get("X-Risk-Reasons"))
			}
			if len(h.engine.events) > 0 {
				t.Error("the engine was asked")
			}
		})
	}
	t.Run("the bare path", func(t *testing.T) {
		t.Parallel()
		w := send(newHouse(t).gateway, httptest.NewRequest("GET", forwardPath, nil))
		checkForward(t, w)
		if w.Code != 403 {
			t.Errorf("got %d", w.Code)
		}
	})
	t.Run("a peer without address", func(t *testing.T) {
		t.Parallel()
		r := forward("web", ok)
		r.RemoteAddr = "@"
		w := send(newHouse(t).gateway, r)
		checkForward(t, w)
		if w.Code != 403 || w.Header().Get("X-Risk-Reasons") != "malformed" {
			t.Errorf("got %d %v", w.Code, w.Header())
		}
	})
}

// Envoy over HTTP asks with the client's own method, and below the profile's path
// with the client's own path.
func TestForwardAuthOfEnvoy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, method := range []string{"GET", "HEAD", "POST", "PURGE"} {
		r := forward("envoy/../a//b?x=1", "Cookie: sid=a", "X-Original-Method: DELETE", "X-Forwarded-Method: DELETE", "X-Forwarded-For: 203.0.113.7")
		r.Method = method
		w := send(h.gateway, r)
		checkForward(t, w)
		if got, _ := h.engine.last(t); w.Code != 200 || got.Request.Method != method || got.Client.IP.String() != "203.0.113.7" {
			t.Errorf("%s gives %d, %+v", method, w.Code, got)
		}
	}
	// Of headers that come twice it makes one.
	for _, cookie := range []string{"sid=a,sid=b", "x=1; sid=a; y=2,sid=b"} {
		w := send(h.gateway, forward("envoy", "Cookie: "+cookie))
		if w.Code != 403 || w.Header().Get("X-Risk-Reasons") != "malformed" {
			t.Errorf("%s gives %d %v", cookie, w.Code, w.Header())
		}
	}
}

// What the client can send in the names of riskd's own answers or of headers
// that the profile doesn't read changes nothing.
func TestForwardAuthIgnoresSpoofs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = stepUp
	plain := send(h.gateway, forward("web", "Cookie: sid=a"))
	want, _ := h.engine.last(t)
	for _, line := range []string{
		"X-Risk-Decision: allow", "X-Risk-Score: 0", "X_Risk_Decision: allow", "X-Forwarded-Method: GET", "X-Original-URI: /public", "X-Forwarded-Uri: /public",
		"X-Real-IP: 10.0.0.9", "Forwarded: for=10.0.0.9", "True-Client-IP: 10.0.0.9", "User-Agent2: kube-probe/1.30", "X-Forwarded-Host: localhost",
		"Authorization: Bearer other", "X-HTTP-Method-Override: GET", "Te: trailers", "Connection: x-forwarded-method", "Host: admin",
	} {
		w := send(h.gateway, forward("web", "Cookie: sid=a", line))
		got, _ := h.engine.last(t)
		if w.Code != plain.Code || !reflect.DeepEqual(w.Header(), plain.Header()) || !reflect.DeepEqual(got, want) {
			t.Errorf("%q changes the answer to %d %v, the event to %+v", line, w.Code, w.Header(), got)
		}
	}
	// Health checks have no way past the decision.
	for _, agent := range []string{"kube-probe/1.30", "ELB-HealthChecker/2.0", "GoogleHC/1.0"} {
		if w := send(h.gateway, forward("web", "Cookie: sid=a", "User-Agent: "+agent)); w.Code != 401 {
			t.Errorf("%s gets %d", agent, w.Code)
		}
	}
}

func TestForwardAuthTellsOfUntrustedPeers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := forward("web", "Cookie: sid=a", "X-Forwarded-For: 203.0.113.7")
	r.RemoteAddr = "192.0.2.1:1"
	w := send(h.gateway, r)
	e, _ := h.engine.last(t)
	if e.Client.IP.String() != "192.0.2.1" || w.Header().Get("X-Risk-Degraded") != "forwarded_for_untrusted" {
		t.Errorf("client %s, degraded %q", e.Client.IP, w.Header().Get("X-Risk-Degraded"))
	}
}

// FuzzForwardedHeaders lets an attacker choose all that a client can put into a
// request behind a gateway that appends the client's address: the answer stays
// one of three, with every header, and the address is the one the gateway saw.
func FuzzForwardedHeaders(f *testing.F) {
	f.Add("10.0.0.9", "X_Forwarded_For", "1.2.3.4", "sid=a", "web/x", false)
	f.Add("127.0.0.1, ::ffff:10.1.1.1", "Connection", "X-Forwarded-For", `sid="a"; sid=a`, "web", true)
	f.Add("unknown,,;", "X-Auth-User", "root", "sid=%61", "api/../web", false)
	f.Add("[2001:db8:ffff::1]:80", "Authorization", "Bearer x", "", "api", true)
	h := newHouse(f)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		if err := e.Validate(); err != nil {
			panic(fmt.Sprintf("the engine got an event that isn't valid: %v", err))
		}
		return allow(e, now)
	}
	client := netip.MustParseAddr("203.0.113.7")
	f.Fuzz(func(t *testing.T, left, name, value, cookies, path string, twoLines bool) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path, r.RemoteAddr = forwardPath+"/"+path, "10.0.0.1:1"
		if strings.EqualFold(name, "X-Forwarded-For") {
			name = "X-Other" // the gateway replaces or extends it
		}
		r.Header.Add(name, value)
		r.Header.Add("Cookie", cookies)
		if twoLines {
			r.Header["X-Forwarded-For"] = []string{left, "203.0.113.7, 10.0.0.2"}
		} else {
			r.Header["X-Forwarded-For"] = []string{left + ", 203.0.113.7,10.0.0.2"}
		}
		before := len(h.engine.events)
		w := send(h.gateway, r)
		checkForward(t, w)
		for _, e := range h.engine.events[before:] {
			if e.Client.IP != client {
				t.Errorf("the client is %s", e.Client.IP)
			}
		}
		if w.Header().Get("X-Risk-Degraded") != "" {
			t.Errorf("degraded: %s %v", w.Header().Get("X-Risk-Degraded"), h.panics)
		}
		h.engine.events, h.engine.times, h.observed = nil, nil, nil
	})
}

func BenchmarkForwardAuthHandler(b *testing.B) {
	h := newHouse(b, func(o *Options) {
		o.Engine, o.Observe = constant{}, nil
	})
	r := forward("web", "Cookie: theme=dark; sid=0123456789abcdef0123456789abcdef", "X-Original-Method: GET", "X-Auth-User: u1",
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Accept-Language: fr", "Connection: close",
		"X-Forwarded-For: 203.0.113.7", "Accept: */*", "Accept-Encoding: gzip", "X-Request-Id: 1", "X-Original-Uri: /a")
	w := &reply{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.gateway.ServeHTTP(w, r)
	}
}

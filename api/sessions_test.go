package api

import (
	stdjson "encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// someSession is a session with everything in it.
func someSession(id byte) riskd.Session {
	return riskd.Session{
		ID: riskd.SessionID{id}, Tenant: "shop", User: "u1", DeviceID: "d1", Status: riskd.StatusStepUp,
		Start: noon.Add(-time.Hour), SeenAt: noon, ActiveAt: noon, Requests: 7, Previous: riskd.SessionID{8}, Next: riskd.SessionID{9}, BeforeLogin: true,
		AuthTime: noon.Add(-time.Hour), ACR: "aal1", AMR: []string{"pwd"}, Binding: riskd.Binding{Type: "dpop", Thumbprint: "th"},
		Here:  riskd.Context{Prefix: riskd.PrefixOf(trusted[0].Addr()), ASN: 64500, Country: riskd.CountryOf("FR")},
		Agent: riskd.Agent{Family: "Firefox", OS: "Linux", Major: 140}, Network: riskd.NetworkMobile,
		Identity: riskd.Sum{At: noon, Open: []riskd.Evidence{{Code: "new_country", Nats: 6.104, ClearsWith: []string{"mfa"}}}},
		StepUp: &riskd.StepUp{
			ID: "su_1", Demand: riskd.Demand{ACR: []string{"aal2"}, MaxAge: 5 * time.Minute}, Clears: []string{"new_country"}, IssuedAt: noon,
		},
		Last: riskd.StepUpNeeded, DecidedAt: noon, Score: 63.7,
	}
}

func TestShowSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.memory.sessions = []riskd.Session{someSession(1), {ID: riskd.SessionID{2}, Score: math.NaN(), User: "\xff"}}
	const want = `{"session":"s_04000000000000000000000000","tenant":"shop","user":"u1","device":"d1","status":"step_up",` +
		`"started_at":"2026-11-21T11:00:00Z","seen_at":"2026-11-21T12:00:00Z","active_at":"2026-11-21T12:00:00Z","requests":7,` +
		`"decision":"step_up","decided_at":"2026-11-21T12:00:00Z","score":63,"level":"MEDIUM",` +
		`"network":{"prefix":"10.0.0.0/24","asn":64500,"country":"FR","kind":"mobile"},"agent":{"family":"Firefox","os":"Linux","version":"140.0"},` +
		`"auth":{"time":"2026-11-21T11:00:00Z","acr":"aal1","amr":["pwd"]},"binding":"dpop",` +
		`"evidence":{"identity":[{"code":"new_country","nats":6.1,"group":"network","clears_with":["mfa"]}],"behaviour":[]},` +
		`"step_up":{"id":"su_1","acr_values":["aal2"],"amr_values":[],"max_age":300,"clears":["new_country"],"issued_at":"2026-11-21T12:00:00Z"},` +
		`"previous":"s_10000000000000000000000000","next":"s_14000000000000000000000000","before_login":true}`
	if w := send(h.admin, request("GET", "/v1/sessions/"+riskd.SessionID{1}.String(), "")); w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
	if w := send(h.admin, request("GET", "/v1/sessions/"+riskd.SessionID{2}.String(), "")); w.Code != 200 || !stdjson.Valid(w.Body.Bytes()) {
		t.Errorf("an odd session gives %d %s", w.Code, w.Body)
	}
	for path, status := range map[string]int{
		"/v1/sessions/" + riskd.SessionID{3}.String():             404,
		"/v1/sessions/raw-session-id":                             400,
		"/v1/sessions/s_":                                         400,
		"/v1/sessions/" + riskd.SessionID{1}.String() + "?full=1": 400,
	} {
		w := send(h.admin, request("GET", path, ""))
		if w.Code != status || strings.Contains(w.Body.String(), "raw-session-id") {
			t.Errorf("%s gives %d %s", path, w.Code, w.Body)
		}
	}
}

func TestListSessions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for i := range byte(5) {
		s := someSession(i + 1)
		s.User = map[bool]string{true: "a/b", false: "u2"}[i < 3]
		h.memory.sessions = append(h.memory.sessions, s)
	}
	list := func(path string) (refs string, next string) {
		t.Helper()
		w := send(h.admin, request("GET", path, ""))
		var page struct {
			Sessions []struct{ Session string }
			Next     string
		}
		if err := stdjson.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%s gives %d %s", path, w.Code, w.Body)
		}
		for _, s := range page.Sessions {
			id, err := riskd.ParseSessionRef(s.Session)
			if err != nil {
				t.Fatal(err)
			}
			refs += string(rune('0' + id[0]))
		}
		return refs, page.Next
	}
	if refs, next := list("/v1/sessions"); refs != "12345" || next != "" {
		t.Errorf("all are %s, next %q", refs, next)
	}
	refs, next := list("/v1/sessions?limit=2")
	for next != "" {
		var more string
		more, next = list("/v1/sessions?limit=2&cursor=" + next)
		refs += "," + more
	}
	if refs != "12,34,5" {
		t.Errorf("the pages are %s", refs)
	}
	if refs, _ := list("/v1/users/a%2Fb/sessions?tenant=shop"); refs != "123" || h.memory.filter != (Filter{Tenant: "shop", User: "a/b", Limit: 100}) {
		t.Errorf("a user's are %s, by %+v", refs, h.memory.filter)
	}
	list("/v1/sessions?tenant=t&user=u&device=d&status=revoked&limit=1000")
	f := h.memory.filter
	if f.Status == nil || *f.Status != riskd.StatusRevoked || f.Tenant != "t" || f.User != "u" || f.Device != "d" || f.Limit != 1000 {
		t.Errorf("the filter is %+v", f)
	}
	for query, detail := range map[string]string{
		"limit=0":         "limit: must be 1 to 1000",
		"limit=1001":      "limit: must be 1 to 1000",
		"limit=x":         "limit: must be 1 to 1000",
		"status=gone":     `status: \"gone\" is not one of active, step_up, revoked`,
		"cursor=x":        `"cursor: is none of ours"`,
		"users=a":         "did you mean user?",
		"sort=x":          "known here are tenant, user, device, status, cursor, limit",
		"user=a&user=b":   "user: is given 2 times",
		"user=%zz":        "percent-encoded",
		"user=a;tenant=b": "percent-encoded",
	} {
		if w := send(h.admin, request("GET", "/v1/sessions?"+query, "")); w.Code != 400 || !strings.Contains(w.Body.String(), detail) {
			t.Errorf("%s gives %d %s", query, w.Code, w.Body)
		}
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	ref := riskd.SessionID{1}.String()
	shop := testKey(t).ID("shop", "raw-1")
	cases := map[string]struct {
		body   string
		target riskd.Target
		answer string // of target and tenant
	}{
		"session":      {`{"target":{"session":"` + ref + `"}}`, riskd.Target{Kind: riskd.TargetSession, Session: riskd.SessionID{1}}, `{"session":"` + ref + `"},"tenant":""`},
		"raw":          {`{"target":{"session_id":"raw-1"},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetSession, Session: shop, Tenant: "shop"}, `{"session":"` + shop.String() + `"},"tenant":"shop"`},
		"device":       {`{"target":{"device":"d1"},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetDevice, ID: "d1", Tenant: "shop"}, `{"device":"d1"},"tenant":"shop"`},
		"user":         {`{"target":{"user":"u1"}}`, riskd.Target{Kind: riskd.TargetUser, ID: "u1"}, `{"user":"u1"},"tenant":""`},
		"tenant":       {`{"target":{"tenant":"shop"}}`, riskd.Target{Kind: riskd.TargetTenant, Tenant: "shop"}, `{"tenant":"shop"},"tenant":"shop"`},
		"tenant twice": {`{"target":{"tenant":"shop"},"tenant":"shop"}`, riskd.Target{Kind: riskd.TargetTenant, Tenant: "shop"}, `{"tenant":"shop"},"tenant":"shop"`},
		"only tenant":  {`{"target":{"tenant":""}}`, riskd.Target{Kind: riskd.TargetTenant}, `{"tenant":""},"tenant":""`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.memory.sessions = make([]riskd.Session, 3)
			w := post(h.admin, "/v1/revocations", strings.TrimSuffix(c.body, "}")+`,"reason":"stolen","actor":"ann"}`)
			want := `{"epoch":1,"target":` + c.answer + `,"at":"2026-11-21T12:00:00Z","reason":"stolen","actor":"ann","matched":3,"durable":false}`
			if w.Code != 200 || w.Body.String() != want {
				t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
			}
			if e := h.memory.epochs[0]; e.Target != c.target || e.Reason != "stolen" || e.Actor != "ann" || !e.At.Equal(noon) {
				t.Errorf("revoked %+v", e)
			}
		})
	}
}

func TestRevokeRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 257)
	for body, fault := range map[string]string{
		`{}`:                                     `target: must have exactly one of session, session_id, device, user, tenant","pointer":"#/target"`,
		`{"target":{}}`:                          "target: must have exactly one",
		`{"target":null}`:                        "target: must have exactly one",
		`{"target":{"user":"a","device":"b"}}`:   "target: must have exactly one",
		`{"target":{"user":null,"device":null}}`: "target: must have exactly one",
		`{"target":{"session":"raw-1"}}`:         "target.session: must be a session's reference, s_ and 26 characters; the id that the gateway uses goes into session_id",
		`{"target":{"session":""}}`:              "target.session: must be",
		`{"target":{"session":"s_00000000000000000000000000"}}`: "target.session: is required",
		`{"target":{"session_id":""}}`:                          "target.session_id: must not be empty",
		`{"target":{"user":""}}`:                                "target.user: is required",
		`{"target":{"device":""}}`:                              "target.device: is required",
		`{"target":{"user":1}}`:                                 "target.user: must be a string",
		`{"target":"u1"}`:                                       "target: must be an object",
		`{"target":{"usr":"raw-1"}}`:                            "target: has a member that is not known; did you mean user?",
		`{"target":{"user":"a"},"user":"a"}`:                    "user: is not known",
		`{"target":{"user":"a","user":"b"}}`:                    "target.user: is given twice",
		`{"target":{"tenant":"a"},"tenant":"b"}`:                "tenant: is another one than target.tenant",
		`{"target":{"user":"` + long + `"}}`:                    "target.user: is 257 bytes long; the limit is 256",
		`{"target":{"user":"a"},"reason":"` + long + `"}`:       "reason: is 257 bytes long",
		`{"target":{"user":"a"},"actor":"` + long + `"}`:        "actor: is 257 bytes long",
		`{"target":{"user":"a"},"tenant":"` + long + `"}`:       "tenant: is 257 bytes long",
		`{"target":{"user":"a"}}{}`:                             "document: is over at byte 23, but the body goes on",
		`user=a`:                                                "document: is not JSON at byte 1",
	} {
		h := newHouse(t)
		w := post(h.admin, "/v1/revocations", body)
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"detail":"`+fault) || strings.Contains(w.Body.String(), "raw-1") || len(h.memory.epochs) > 0 {
			t.Errorf("%s gives %d %s", body, w.Code, w.Body)
		}
	}
}

func TestListRevocations(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, user := range []string{"a", "b", "c"} {
		h.memory.Revoke(riskd.Target{Kind: riskd.TargetUser, ID: user, Tenant: "shop"}, noon, "r", "ann")
	}
	one := func(n, user string) string {
		return `{"epoch":` + n + `,"target":{"user":"` + user + `"},"tenant":"shop","at":"2026-11-21T12:00:00Z","reason":"r","actor":"ann"}`
	}
	for path, want := range map[string]string{
		"":                  `{"revocations":[` + one("3", "c") + "," + one("2", "b") + "," + one("1", "a") + `]}`,
		"?limit=2":          `{"revocations":[` + one("3", "c") + "," + one("2", "b") + `],"next":"2"}`,
		"?limit=2&cursor=2": `{"revocations":[` + one("1", "a") + `]}`,
		"?cursor=1":         `{"revocations":[]}`,
	} {
		if w := send(h.admin, request("GET", "/v1/revocations"+path, "")); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s gives %d %s\nwant %s", path, w.Code, w.Body, want)
		}
	}
	if w := send(h.admin, request("GET", "/v1/revocations?cursor=-1", "")); w.Code != 400 {
		t.Errorf("a wrong cursor gives %d", w.Code)
	}
}

func TestAdminHosts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8182": 200, "LOCALHOST.": 200, "127.0.0.1:8182": 200, "127.8.8.8": 200, "[::1]:8182": 200, "[::1]": 200, "[::ffff:127.0.0.1]": 200,
		"riskd.example": 200, "RISKD.example:443": 200,
		"": 403, "evil.example": 403, "localhost.evil.example": 403, "127.0.0.1.evil.example:8182": 403, "10.0.0.5:8182": 403, "0.0.0.0": 403, "[::]": 403,
		"localhost@evil.example": 403, "2130706433": 403, "riskd.example.evil": 403,
	} {
		r := request("GET", "/v1/sessions", "")
		r.Host = host
		if w := send(h.admin, r); w.Code != status || status == 403 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%q gives %d %s", host, w.Code, w.Body)
		}
	}
}

func TestAdminRefusesOtherOrigins(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const body = `{"target":{"user":"a"}}`
	for name, c := range map[string]struct {
		header, value string
		status        int
	}{
		"a tool":       {"X-None", "", 200},
		"same origin":  {"Sec-Fetch-Site", "same-origin", 200},
		"cross site":   {"Sec-Fetch-Site", "cross-site", 403},
		"same site":    {"Sec-Fetch-Site", "same-site", 403},
		"other origin": {"Origin", "https://evil.example", 403},
		"null origin":  {"Origin", "null", 403},
		"own origin":   {"Origin", "http://localhost:8182", 200},
		"a form":       {"Content-Type", "text/plain", 415},
	} {
		r := request("POST", "/v1/revocations", body)
		r.Header.Set(c.header, c.value)
		w := send(h.admin, r)
		if w.Code != c.status || w.Code != 200 && w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s gives %d %s", name, w.Code, w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other origins may read", name)
		}
	}
	if len(h.memory.epochs) != 3 {
		t.Errorf("%d revocations went through", len(h.memory.epochs))
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var reasons, degraded []string
	h := newHouse(t, func(o *Options) {
		o.Ready = func() []string { return reasons }
		o.Degraded = func() []string { return degraded }
	})
	get := func(path string) string {
		w := send(h.admin, request("GET", path, ""))
		return http.StatusText(w.Code) + " " + w.Body.String()
	}
	if got := get("/readyz"); got != `OK {"status":"ok"}` {
		t.Error(got)
	}
	degraded = []string{"pack default: policy.rego:3: is nonsense"}
	if got := get("/readyz"); got != `OK {"status":"ok","degraded":["pack default: policy.rego:3: is nonsense"]}` {
		t.Error(got)
	}
	reasons = []string{"policy: none is loaded", "draining"}
	const want = `Service Unavailable {"type":"https://riskd.dev/problems/not-ready","title":"Not ready","status":503,"detail":"policy: none is loaded; draining",` +
		`"errors":[{"detail":"policy: none is loaded"},{"detail":"draining"}]}`
	if got := get("/readyz"); got != want {
		t.Error(got)
	}
	if got := get("/livez"); got != `OK {"status":"ok"}` {
		t.Error(got)
	}
	if got := get("/metrics"); got != "OK riskd_build_info 1\n" {
		t.Error(got)
	}
	bare := newHouse(t, func(o *Options) { o.Metrics = nil })
	if w := send(bare.admin, request("GET", "/metrics", "")); w.Code != 404 {
		t.Errorf("without metrics /metrics gives %d", w.Code)
	}
}

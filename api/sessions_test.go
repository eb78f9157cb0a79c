package api

import (
	stdjson "encoding/json"
	"fmt"
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
		ID: riskd.SessionID{id}, Tenant: "shop", User: "u1", UserType: "employee", Roles: []string{"admin"}, Environment: "production", DeviceID: "d1", Status: riskd.StatusStepUp,
		Start: noon.Add(-time.Hour), SeenAt: noon, ActiveAt: noon, Requests: 7, Previous: riskd.SessionID{8}, Next: riskd.SessionID{9}, BeforeLogin: true,
		AuthTime: noon.Add(-time.Hour), ACR: "aal1", AMR: []string{"pwd"}, Binding: riskd.Binding{Type: "dpop", Thumbprint: "th"},
		Here:  riskd.Context{Prefix: riskd.PrefixOf(trusted[0].Addr()), ASN: 64500, Country: riskd.CountryOf("FR")},
		Agent: riskd.Agent{Family: "Firefox", OS: "Linux", Major: 140}, Network: riskd.NetworkMobile,
		Identity: riskd.Sum{At: noon, Open: []riskd.Evidence{{Code: "new_country", Nats: 6.104, ClearsWith: []string{"mfa"}}}},
		StepUp: &riskd.StepUp{
			ID: "su_1", Demand: riskd.Demand{ACR: []string{"aal2"}, MaxAge: 5 * time.Minute}, Clears: []string{"new_country"}, IssuedAt: noon,
			ExpiresAt: noon.Add(10 * time.Minute), AttemptsLeft: 2,
		},
		Asked:    &riskd.StepUp{ID: "su_2", Demand: riskd.Demand{AMR: []string{"hwk"}}, IssuedAt: noon, AttemptsLeft: 3},
		Failures: 1, Limits: riskd.Limits{Idle: 30 * time.Minute, Absolute: 12 * time.Hour},
		Suspension: &riskd.Epoch{Effect: riskd.EffectSuspend, At: noon, Number: 7, Reason: "odd", Actor: "ann"},
		Timeline: []riskd.Moment{
			{At: noon.Add(-time.Hour), Kind: riskd.Began, Context: riskd.Context{Prefix: riskd.PrefixOf(trusted[0].Addr()), ASN: 64500, Country: riskd.CountryOf("FR")}},
			{At: noon, Kind: riskd.Challenged, Note: "new_country"},
		},
		Last: riskd.StepUpNeeded, DecidedAt: noon, Score: 63.7,
	}
}

func TestShowSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.memory.sessions = []riskd.Session{someSession(1), {ID: riskd.SessionID{2}, Score: math.NaN(), User: "\xff"}}
	const want = `{"session":"s_04000000000000000000000000","tenant":"shop","user":"u1","user_type":"employee","roles":["admin"],"environment":"production","device":"d1","status":"step_up",` +
		`"started_at":"2026-11-21T11:00:00Z","seen_at":"2026-11-21T12:00:00Z","active_at":"2026-11-21T12:00:00Z",` +
		`"expires":{"idle_at":"2026-11-21T12:30:00Z","absolute_at":"2026-11-21T23:00:00Z"},"requests":7,` +
		`"decision":"step_up","decided_at":"2026-11-21T12:00:00Z","score":63,"level":"MEDIUM",` +
		`"network":{"prefix":"10.0.0.0/24","asn":64500,"country":"FR","kind":"mobile"},"agent":{"family":"Firefox","os":"Linux","version":"140.0"},` +
		`"auth":{"time":"2026-11-21T11:00:00Z","acr":"aal1","amr":["pwd"]},"binding":"dpop",` +
		`"evidence":{"identity":[{"code":"new_country","nats":6.1,"group":"network","clears_with":["mfa"]}],"behaviour":[]},` +
		`"step_up":{"id":"su_1","acr_values":["aal2"],"amr_values":[],"max_age":300,"clears":["new_country"],"issued_at":"2026-11-21T12:00:00Z",` +
		`"expires_at":"2026-11-21T12:10:00Z","attempts_left":2},` +
		`"asked":{"id":"su_2","acr_values":[],"amr_values":["hwk"],"clears":[],"issued_at":"2026-11-21T12:00:00Z","attempts_left":3},"failures":1,"suspended":{"epoch":7,"at":"2026-11-21T12:00:00Z","reason":"odd","actor":"ann"},` +
		`"previous":"s_10000000000000000000000000","next":"s_14000000000000000000000000","before_login":true,` +
		`"timeline":[{"at":"2026-11-21T11:00:00Z","kind":"began","network":{"prefix":"10.0.0.0/24","asn":64500,"country":"FR"}},` +
		`{"at":"2026-11-21T12:00:00Z","kind":"challenged","network":{},"note":"new_country"}]}`
	if w := send(h.admin, request("GET", "/v1/sessions/"+riskd.SessionID{1}.String(), "")); w.Code != 200 || w.Body.String() != want {
		t.Errorf("got %d %s\nwant %s", w.Code, w.Body, want)
	}
	if w := send(h.admin, request("GET", "/v1/sessions/"+riskd.SessionID{2}.String(), "")); w.Code != 200 || !stdjson.Valid(w.Body.Bytes()) {
		t.Errorf("an odd session gives %d %s", w.Code, w.Body)
	}
	list := send(h.admin, request("GET", "/v1/sessions", "")).Body.String()
	if one := strings.Split(want, `,"timeline"`)[0]; !strings.Contains(list, one+"}") || strings.Contains(list, "timeline") {
		t.Errorf("the list is %s\nwant %s in it", list, one)
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
	list("/v1/sessions?tenant=t&user=u&device=d&status=suspended&limit=1000&address=203.0.113.7")
	f := h.memory.filter
	if f.Status == nil || *f.Status != riskd.StatusSuspended || f.Tenant != "t" || f.User != "u" || f.Device != "d" || f.Limit != 1000 ||
		f.Prefix.String() != "203.0.113.0/24" {
		t.Errorf("the filter is %+v", f)
	}
	list("/v1/users/u1/sessions?status=active")
	if f := h.memory.filter; f.Status == nil || *f.Status != riskd.StatusActive || f.User != "u1" {
		t.Errorf("a user's filter is %+v", f)
	}
	for address, want := range map[string]string{
		"": "", "203.0.113.0/24": "203.0.113.0/24", "::ffff:203.0.113.7": "203.0.113.0/24",
		"2001:db8:1:2::7": "2001:db8:1::/48", "2001:db8:1::/48": "2001:db8:1::/48",
	} {
		if list("/v1/sessions?address=" + address); h.memory.filter.Prefix.String() != want {
			t.Errorf("%q is taken for %s", address, h.memory.filter.Prefix)
		}
	}
	for query, detail := range map[string]string{
		"limit=0":                "limit: must be 1 to 1000",
		"limit=1001":             "limit: must be 1 to 1000",
		"limit=x":                "limit: must be 1 to 1000",
		"status=gone":            "status: must be one of active, step_up, revoked, expired, suspended",
		"address=203.0.113.0/16": "address: must be an address, or its network as sessions show it: the /24, in IPv6 the /48",
		"address=203.0.113.7/24": "address: must be", // or is it the address alone?
		"address=203.0.113.7/32": "address: must be",
		"address=2001:db8::/32":  "address: must be",
		"address=ann":            "address: must be",
		"cursor=x":               `"cursor: is none of ours"`,
		"users=a":                "did you mean user?",
		"sort=x":                 "known here are tenant, user, device, address, status, cursor, limit",
		"user=a&user=b":          "user: is given 2 times",
		"user=%zz":               "percent-encoded",
		"user=a;tenant=b":        "percent-encoded",
	} {
		if w := send(h.admin, request("GET", "/v1/sessions?"+query, "")); w.Code != 400 || !strings.Contains(w.Body.String(), detail) {
			t.Errorf("%s gives %d %s", query, w.Code, w.Body)
		}
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

// A page that shows a user where he is signed in needs nothing but this list:
// which of them go on, with what and from where, since when and until when.
func TestWhereYouAreSignedIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	live, over := someSession(1), someSession(2)
	live.Status, live.StepUp, live.Suspension, live.Failures = riskd.StatusActive, nil, nil, 0
	over.Status, over.StepUp, over.Suspension = riskd.StatusRevoked, nil, nil
	h.memory.sessions = []riskd.Session{live, over}
	w := send(h.admin, request("GET", "/v1/users/u1/sessions?tenant=shop", ""))
	var page struct {
		Sessions []struct {
			Session, Status, Device string
			Started                 time.Time `json:"started_at"`
			Seen                    time.Time `json:"seen_at"`
			Active                  time.Time `json:"active_at"`
			Expires                 *struct {
				Idle     time.Time `json:"idle_at"`
				Absolute time.Time `json:"absolute_at"`
			}
			Agent   struct{ Family, OS, Version string }
			Network struct{ Country, Prefix, Kind string }
		}
	}
	if err := stdjson.Unmarshal(w.Body.Bytes(), &page); err != nil || len(page.Sessions) != 2 {
		t.Fatalf("got %s (%v)", w.Body, err)
	}
	s := page.Sessions[0]
	line := fmt.Sprintf("%s on %s in %s, %s, since %s, seen %s, until %s", s.Agent.Family, s.Agent.OS, s.Network.Country, s.Status,
		s.Started.Format("15:04"), s.Seen.Format("15:04"), s.Expires.Idle.Format("15:04"))
	if line != "Firefox on Linux in FR, active, since 11:00, seen 12:00, until 12:30" {
		t.Error(line)
	}
	if over := page.Sessions[1]; over.Status != "revoked" || over.Expires != nil {
		t.Errorf("what is over is %+v", over)
	}
	if strings.Contains(w.Body.String(), "timeline") {
		t.Error("lists have no timelines")
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

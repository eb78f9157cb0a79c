package api

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// marked is in every secret that the callers of these tests let slip.
const marked = "canary7f3c"

func secrets() map[string]string {
	return map[string]string{
		"session id": marked + "d91e02b7",
		"token":      "Bearer eyJhbGciOi." + marked + ".c2ln",
		"cookie":     "sid=" + marked + "; Path=/; HttpOnly",
		"e-mail":     marked + "@example.org",
	}
}

// documents are good bodies, by route; between them they have every member.
var documents = map[string][]string{
	"POST /v1/decisions":          {full},
	"POST /v1/decisions/batch":    {"[" + full + "]"},
	"POST /v1/telemetry":          {full, "[" + least + "]"},
	"POST /access/v1/evaluation":  {question},
	"POST /access/v1/evaluations": {question, questions},
	"POST /v1/revocations": {
		`{"target":{"session":"s_04000000000000000000000000"},"effect":"suspend","reason":"r","actor":"a"}`,
		`{"target":{"session_id":"raw"},"tenant":"shop","preview":true}`,
		`{"target":{"user":"u"}}`, `{"target":{"device":"d"}}`, `{"target":{"tenant":"t"}}`,
		`{"target":{"predicate":{"asn":1,"country":"FR","network":"203.0.113.0/24","role":"r","user_type":"u","environment":"e","agent":"a",` +
			`"from":"2026-11-21T10:00:00Z","to":"2026-11-21T11:00:00Z"}},"standing_until":"2026-11-28T00:00:00Z"}`,
	},
	"DELETE /v1/revocations/{epoch}": {lifting},
	"POST /v1/step-ups/{id}":         {`{"result":"passed","auth_time":"2026-11-21T12:00:00Z","acr":"aal2","amr":["hwk"],"actor":"idp"}`, `{"result":"failed"}`},
	"POST /v1/identity-events": {
		`{"id":"e1","type":"password_reset","time":"2026-11-21T11:00:00Z","tenant":"t","user":"u1","device":"d1","reason":"r","actor":"a"}`,
		`{"id":"e2","type":"logout","session":"s_04000000000000000000000000"}`, `{"id":"e3","type":"logout","session_id":"raw","tenant":"shop"}`,
	},
}

// echoed are the members whose strings an answer of 200 tells back, because they
// are names that its caller gives to things: nothing else may be.
var echoed = []string{"id", "tenant", "reason", "actor", "user", "device", "target.user", "target.device", "target.tenant"}

func mayEcho(path string) bool {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "[0]"), ".")
	return slices.Contains(echoed, path) || strings.HasPrefix(path, "target.predicate.")
}

// mistake is a body with a secret in it; one that goes to a member that may be
// echoed is told by echo.
type mistake struct {
	body string
	echo bool
}

// mistakes puts a secret into every place of a document.
func mistakes(t *testing.T, document, secret string) (all []mistake) {
	t.Helper()
	var root any
	if err := stdjson.Unmarshal([]byte(document), &root); err != nil {
		t.Fatal(err)
	}
	add := func(echo bool) {
		body, err := stdjson.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mistake{string(body), echo})
	}
	var walk func(value any, path string, set func(any))
	walk = func(value any, path string, set func(any)) {
		for _, wrong := range []any{secret, []any{secret}, map[string]any{secret: secret}, map[string]any{"id": secret}} {
			_, alone := wrong.(string)
			set(wrong)
			add(alone && mayEcho(path))
		}
		set(value)
		switch v := value.(type) {
		case map[string]any:
			for name, old := range v {
				walk(old, strings.TrimPrefix(path+"."+name, "."), func(x any) { v[name] = x })
			}
			v[secret] = secret
			add(false)
			delete(v, secret)
		case []any:
			for i, old := range v {
				walk(old, fmt.Sprintf("%s[%d]", path, i), func(x any) { v[i] = x })
			}
		}
	}
	walk(root, "", func(x any) { root = x })
	end := document[:len(document)-1]
	for _, body := range []string{
		secret, document + secret, document + `{"` + secret + `":1}`, end, end + `,"` + secret, end + `,"` + secret + `":"` + secret + `\x"}`,
		end + `,"` + secret + `":1,"` + secret + `":2}`, end + `,"` + secret + "\xff\":1}", end + ` ` + secret + `}`,
	} {
		all = append(all, mistake{body, false})
	}
	return all
}

// Whatever callers send where it doesn't belong, through every route, whether
// that works, is refused, fails or panics: nothing of it comes out in an answer,
// nor in what the API tells of its work.
func TestNothingSentByMistakeComesOut(t *testing.T) {
	t.Parallel()
	states := map[string]func(*house){
		"good":   func(*house) {},
		"closed": func(h *house) { h.memory.err = errors.New("closed") },
		"lossy":  func(h *house) { h.memory.err = riskd.ErrNotDurable },
		"late":   func(h *house) { h.memory.err = riskd.ErrSessionOver },
		"weak":   func(h *house) { h.memory.err = riskd.ErrNotProved },
		"broken": func(h *house) {
			h.Sessions, h.Orders, h.StepUps, h.Identity, h.engine.answer = nil, nil, nil, nil, nil
			h.gateway, h.admin = h.Gateway(), h.Admin()
		},
	}
	for state, bring := range states {
		for kind, secret := range secrets() {
			t.Run(state+", "+kind, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				h.engine.answer = stepUp
				h.memory.sessions = []riskd.Session{someSession(1)}
				h.memory.epochs = []riskd.Epoch{{Number: 1, Target: riskd.Target{Kind: riskd.TargetTenant}}}
				bring(h)
				statuses := map[int]int{}
				check := func(handler http.Handler, r *http.Request, echo bool) {
					t.Helper()
					h.memory.keys, h.memory.epochs = nil, h.memory.epochs[:1]
					what := r.Method + " " + r.URL.String()
					if strings.HasPrefix(r.URL.Path, "/v1/revocations/stream") {
						hangUp(r)
					}
					w := send(handler, r)
					statuses[w.Code/100]++
					out := strings.ToLower(fmt.Sprint(w.Code, w.Result().Header, w.Body))
					if strings.Contains(out, marked) && !(echo && w.Code == 200) {
						t.Errorf("%s: %s", what, out)
					}
				}
				sendMistakes(t, h, secret, check)
				told := strings.ToLower(strings.Join(slices.Concat(h.observed, h.failures, h.panics), "\n"))
				if strings.Contains(told, marked) {
					t.Error("what the API tells of its work has it")
				}
				if statuses[2] == 0 || statuses[4] == 0 || state != "good" && state != "late" && state != "weak" && statuses[5] == 0 {
					t.Errorf("the answers were %v: the test looks at nothing", statuses)
				}
			})
		}
	}
}

func sendMistakes(t *testing.T, h *house, secret string, check func(http.Handler, *http.Request, bool)) {
	t.Helper()
	for handler, routes := range map[*http.Handler][]route{&h.gateway: h.gatewayRoutes(), &h.admin: h.adminRoutes()} {
		for _, rt := range routes {
			name := rt.method + " " + rt.pattern
			method := rt.method
			if method == "" {
				method = "GET"
			}
			good := strings.NewReplacer("{ref}", "s_04000000000000000000000000", "{id}", "x", "{epoch}", "1", "{profile}", "web").Replace(rt.pattern)
			body := ""
			if len(documents[name]) > 0 {
				body = documents[name][0]
			}
			for _, path := range mistakenPaths(rt.pattern, good, secret) {
				check(*handler, request(method, path, body), false)
			}
			for _, header := range mistakenHeaders {
				r := request(method, good, body)
				r.RemoteAddr = "10.0.0.1:1"
				r.Header.Set("Cookie", "sid=raw")
				r.Header.Set(header, secret)
				check(*handler, r, false)
				r.Header.Add(header, secret+"2")
				check(*handler, r, false)
			}
			r := request(method, good, body)
			r.Host = secret
			check(*handler, r, false)
			r = request("GET", good, "")
			r.Method = secret
			check(*handler, r, false)
			for _, document := range documents[name] {
				for _, m := range mistakes(t, document, secret) {
					check(*handler, request(method, good, m.body), m.echo)
				}
			}
		}
	}
}

var mistakenHeaders = []string{
	"Cookie", "Authorization", "X-Forwarded-For", "X-Auth-User", "X-Auth-Roles", "X-Auth-Started", "X-Auth-Time", "X-Auth-Acr", "X-Auth-Amr",
	"X-Risk-Route", "X-Risk-Decision", "X-Original-Method", "User-Agent", "Accept-Language", "Origin", "Referer", "Content-Type",
	"Content-Encoding", "Sec-Fetch-Site", "Connection", "X_auth_user", marked,
}

// mistakenPaths puts a secret into every variable and every parameter of a route.
func mistakenPaths(pattern, good, secret string) (paths []string) {
	escaped := url.PathEscape(secret)
	if before, rest, ok := strings.Cut(pattern, "{"); ok {
		_, after, _ := strings.Cut(rest, "}")
		paths = append(paths, before+escaped+after, before+escaped+after+"?actor=a")
	}
	paths = append(paths, good+"/"+escaped, "/"+escaped+good, good+"?"+url.QueryEscape(secret), good+"?"+url.QueryEscape(secret)+"=1", good+"?"+escaped+"%zz")
	for _, name := range []string{"tenant", "user", "device", "address", "status", "cursor", "limit", "actor", "x"} {
		one := name + "=" + url.QueryEscape(secret)
		paths = append(paths, good+"?"+one, good+"?"+one+"&"+one)
	}
	return paths
}

// What isn't even HTTP never gets to a handler; net/http answers and logs it.
func TestNothingThatIsNoRequestComesOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var logged syncBuffer
	server := httptest.NewUnstartedServer(nil)
	server.Config = NewServer(h.admin)
	server.Config.ErrorLog = log.New(&logged, "", 0)
	server.Start()
	defer server.Close()
	for kind, secret := range secrets() {
		for _, lines := range []string{
			secret, "GET " + secret + " HTTP/1.1\r\nHost: localhost", "GET / " + secret + "\r\nHost: localhost", secret + " / HTTP/1.1\r\nHost: localhost",
			"GET / HTTP/1.1\r\nHost: " + secret, "GET / HTTP/1.1\r\nHost: localhost\r\n" + secret, "GET / HTTP/1.1\r\nHost: localhost\r\n" + secret + " : x",
			"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + secret + "\x00", "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + secret,
			"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: " + secret, "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: " + secret,
			"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + secret + strings.Repeat("x", 32<<10), "GET /%zz" + secret + " HTTP/1.1\r\nHost: localhost",
		} {
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, lines+"\r\nConnection: close\r\n\r\n")
			answer, _ := io.ReadAll(conn)
			_ = conn.Close()
			if strings.Contains(string(answer), marked) || !strings.HasPrefix(string(answer), "HTTP/1.1 4") && !strings.HasPrefix(string(answer), "HTTP/1.1 501") {
				t.Errorf("%s: %.60q is answered %s", kind, lines, answer)
			}
		}
	}
	if strings.Contains(logged.String(), marked) {
		t.Errorf("net/http logs %s", logged.String())
	}
}

// syncBuffer is a buffer that several goroutines may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

//go:build integration

package examples

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	riskgateway "github.com/riskd/riskd/gateway"
)

// scenarios are what every gateway has to stand, one after the other.
var scenarios = []struct {
	name string
	run  func(t *testing.T, s *site)
}{
	{"lets pass and tells the application", lets},
	{"asks for a session", asksForSession},
	{"asks for a step-up", asksForStepUp},
	{"sends away what is revoked", sendsAway},
	{"takes any method", takesAnyMethod},
	{"takes web sockets", takesWebSockets},
	{"believes no risk header", believesNoRiskHeader},
	{"believes no address", believesNoAddress},
	{"believes no other header", believesNoOther},
	{"takes no path for a weaker one", takesNoPath},
	{"fails as documented", failsAsDocumented},
}

// classes are the locations of every example and the class of each.
var classes = []struct{ path, class string }{{"/", "standard"}, {"/pay", "sensitive"}, {"/static/", "open"}}

func lets(t *testing.T, s *site) {
	for _, c := range classes {
		session := s.signedIn(t)
		a := s.get(t, c.path, session)
		if a.status != 200 || a.app == nil {
			t.Fatalf("%s: got %v\n%s", c.path, a, a.body)
		}
		h := a.app.header
		if h.Get("X-Risk-Decision") != "allow" || h.Get("X-Risk-Level") != "LOW" || !strings.HasPrefix(h.Get("X-Risk-Session"), "s_") {
			t.Errorf("%s: the application was told %v", c.path, a.app.risk())
		}
		for _, name := range riskgateway.Headers {
			if h.Get(name) == "" && name != "X-Risk-Reasons" && name != "X-Risk-Step-Up-Acr" { // which may be empty
				t.Errorf("%s: the application wasn't told %s", c.path, name)
			}
		}
		if cookie := h.Get("Cookie"); cookie != "theme=dark; sid="+session {
			t.Errorf("%s: the application got the cookies %q", c.path, cookie)
		}
		s.checkDecision(t, a, "GET", c.class)
	}
	if a := s.ask(t, "GET", "/login", ""); a.status != 200 || len(a.app.risk()) > 0 {
		t.Errorf("/login: got %v %v", a, a.app.risk())
	}
}

// checkDecision looks up the decision that an application was told of.
func (s *site) checkDecision(t *testing.T, a *answer, method, class string) {
	t.Helper()
	if a.app == nil {
		t.Fatalf("the application wasn't reached: %v", a)
	}
	d := s.decision(t, a.app.header.Get("X-Risk-Decision-Id"))
	if d.Request.Method != method || d.Request.Class != class || d.Network.Prefix != browserPrefix {
		t.Errorf("%s %s: riskd decided on %s %s from %s, want %s %s from %s", a.app.method, a.app.uri,
			d.Request.Method, d.Request.Class, d.Network.Prefix, method, class, browserPrefix)
	}
	if slices.Contains(d.State.Degraded, "forwarded_for_untrusted") {
		t.Errorf("riskd doesn't trust the gateway: %v", d.State.Degraded)
	}
}

func asksForSession(t *testing.T, s *site) {
	for _, path := range []string{"/", "/pay"} {
		for _, cookie := range []string{"X: y", "Cookie: theme=dark", "Cookie: sid="} {
			a := s.ask(t, "GET", path, "", cookie)
			if a.status != 401 || a.app != nil || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s, %s: got %v %v", path, cookie, a, a.header)
			}
		}
	}
	if a := s.ask(t, "GET", "/", "", "Cookie: sid=a; sid=b"); a.status != 403 || a.app != nil {
		t.Errorf("two sessions: got %v", a)
	}
}

func asksForStepUp(t *testing.T, s *site) {
	ways := map[string]func(t *testing.T, session, ref string){
		"by an event": func(t *testing.T, session, _ string) { s.signIn(t, session, 0) },
		"by its id": func(t *testing.T, _, ref string) {
			var last struct {
				Decisions []struct {
					ID string `json:"decision_id"`
				}
			}
			s.read(t, "/v1/decisions?decision=step_up&session="+ref, &last)
			if len(last.Decisions) == 0 {
				t.Fatal("riskd knows no step_up of the session")
			}
			s.post(t, s.admin, "/v1/step-ups/"+s.decision(t, last.Decisions[0].ID).StepUp.ID, 200, `{"result": "passed", "acr": "aal2", "amr": ["otp", "mfa"]}`)
		},
	}
	for name, pass := range ways {
		t.Run(name, func(t *testing.T) {
			session := s.newSession()
			s.signIn(t, session, 20*time.Minute)
			before := s.get(t, "/", session)
			if before.status != 200 {
				t.Fatalf("before: got %v", before)
			}
			s.wantChallenge(t, "/pay", session)
			pass(t, session, before.app.header.Get("X-Risk-Session"))
			if a := s.get(t, "/pay", session); a.status != 200 || a.app == nil {
				t.Errorf("after: got %v %v", a, a.header)
			}
		})
	}
	t.Run("that was ordered", func(t *testing.T) {
		session := s.newSession()
		s.signIn(t, session, 10*time.Minute)
		s.order(t, "step_up", session)
		s.wantChallenge(t, "/", session)
	})
}

// wantChallenge asks and wants RFC 9470's challenge to reach the client.
func (s *site) wantChallenge(t *testing.T, path, session string) {
	t.Helper()
	s.get(t, path, session).wantChallenge(t, `acr_values="aal2 `, `max_age="300"`)
}

// wantChallenge wants an answer to be RFC 9470's challenge, with these parts.
func (a *answer) wantChallenge(t *testing.T, parts ...string) {
	t.Helper()
	challenge := a.header.Get("WWW-Authenticate")
	if a.status != 401 || a.app != nil {
		t.Fatalf("got %v %s, not a challenge", a, a.body)
	}
	for _, part := range append(parts, "Bearer ", `error="insufficient_user_authentication"`) {
		if !strings.Contains(challenge, part) {
			t.Errorf("the challenge %q has no %s", challenge, part)
		}
	}
}

func sendsAway(t *testing.T, s *site) {
	session := s.signedIn(t)
	if a := s.get(t, "/", session); a.status != 200 {
		t.Fatalf("before: got %v", a)
	}
	s.order(t, "revoke", session)
	for _, c := range classes {
		if a := s.get(t, c.path, session, "X-Risk-Decision: allow"); a.status != 403 || a.app != nil {
			t.Errorf("%s: got %v", c.path, a)
		}
	}
}

func takesAnyMethod(t *testing.T, s *site) {
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "FOO"} {
		body := ""
		if slices.Contains([]string{"POST", "PUT", "PATCH"}, method) {
			body = strings.Repeat("body ", 20_000)
		}
		a := s.ask(t, method, "/pay?q=1", body, "Cookie: sid="+s.signedIn(t))
		if a.app == nil && (method == "FOO" || method == "M-SEARCH") && a.status/100 == 4 {
			continue // refused by a gateway that takes methods that it knows
		}
		if a.app == nil || a.status != 200 || a.app.method != method || a.app.uri != "/pay?q=1" || a.app.body != body {
			t.Errorf("%s: got %v %s", method, a, a.body)
			continue
		}
		if a.body != body && method != "HEAD" {
			t.Errorf("%s: the application's answer was changed", method)
		}
		s.checkDecision(t, a, method, "sensitive")
	}
}

func takesWebSockets(t *testing.T, s *site) {
	session := s.newSession()
	for _, c := range []struct {
		cookie string
		status int
	}{{"sid=" + session, 101}, {"theme=dark", 401}} {
		conn := s.dial(t)
		defer conn.Close()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: %s\r\nCookie: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", agent, c.cookie)
		in := bufio.NewReader(conn)
		got, err := http.ReadResponse(in, nil)
		if err != nil || got.StatusCode != c.status {
			t.Fatalf("%s: got %v %v", c.cookie, got, err)
		}
		if c.status != 101 {
			continue
		}
		io.WriteString(conn, "hello\n")
		if line, err := in.ReadString('\n'); line != "hello\n" {
			t.Errorf("the application sent back %q, %v", line, err)
		}
	}
}

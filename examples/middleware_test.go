//go:build integration

package examples

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The shop of go-middleware asks riskd itself: it is gateway and application in one,
// and what the application saw is what its pages say. Each scenario gets a shop of
// its own, since to riskd one of its two users who did all of it would be an attacker.
func TestGoMiddleware(t *testing.T) {
	ran = append(ran, "go-middleware")
	for _, sc := range []struct {
		name string
		run  func(t *testing.T, s *site)
		args []string
	}{
		{name: "lets pass and tells the application", run: shopLets},
		{name: "asks for a step-up", run: shopAsksForStepUp, args: []string{"-behind-proxy"}},
		{name: "sends away what is revoked", run: shopSendsAway},
		{name: "believes no client", run: shopBelievesNoClient},
		{name: "goes by the last answer, and comes back", run: shopGoesByTheLast},
		{name: "fails as documented", run: shopFailsAsDocumented},
	} {
		t.Run(sc.name, func(t *testing.T) { sc.run(t, newShop(t, sc.args...)) })
	}
}

// newShop starts riskd and the shop as the folder's README says.
func newShop(t *testing.T, args ...string) *site {
	t.Helper()
	s := &site{gateway: &gateway{name: "go-middleware", folder: "go-middleware"}, folder: newFolder(t), app: newApp(t)}
	s.riskd, s.admin, s.address = "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	s.link = newLink(t, s.riskd)
	s.ports = map[string]string{riskdPort: port(s.riskd), adminPort: port(s.admin)}
	for _, kind := range []string{"city", "asn"} {
		build := exec.Command(riskdBinary, "geo", "build", "-type", kind, "-out", filepath.Join(s.folder, kind+".mmdb"), "../fixtures/geo/places.csv")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", build, err, out)
		}
	}
	s.serve(t, s.rendered(t, "riskd.yaml"))
	// The deadline is that of the other gateways.
	startChild(t, exec.Command(shopBinary, append(args, "-listen", s.address, "-riskd", "http://"+s.link.address, "-deadline", "500ms")...), s.address)
	return s
}

// login signs somebody in, or has a session prove itself anew.
func (s *site) login(t *testing.T, form, session string) string {
	t.Helper()
	a := s.ask(t, "POST", "/login", form, "Content-Type: application/x-www-form-urlencoded", "Cookie: sid="+session)
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatalf("login: %v %s: %v", a, a.body, err)
	}
	return cookie.Value
}

const (
	ada = "user=ada&password=engine"
	ops = "user=ops&password=tower"
)

// page is what the shop's pages say.
type page struct {
	Orders    []int
	Order     string
	Placed    int
	Sessions  int
	DecidedBy string `json:"decided_by"`
	Risk      http.Header
}

// visit asks for a page of the shop.
func (s *site) visit(t *testing.T, method, path, session string, headers ...string) (*answer, page) {
	t.Helper()
	a := s.ask(t, method, path, "", append(headers, "Cookie: theme=dark; sid="+session)...)
	var p page
	if json.Unmarshal([]byte(a.body), &p) == nil && (p.Orders != nil || p.Order != "" || p.Placed > 0 || p.Sessions > 0) {
		a.app = &seen{method: method, uri: path, header: p.Risk}
	}
	return a, p
}

// until asks for a page until the answer is as wanted.
func (s *site) until(t *testing.T, method, path, session string, wanted func(*answer, page) bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		a, p := s.visit(t, method, path, session)
		if wanted(a, p) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s %s: at last got %v %s", method, path, a, a.body)
		}
	}
}

func passes(a *answer, _ page) bool { return a.status == 200 && a.app != nil }

func decidedBy(source string) func(*answer, page) bool {
	return func(a *answer, p page) bool { return passes(a, p) && p.DecidedBy == source }
}

// awaitApplied waits until the shop says that it knows of the last order.
func (s *site) awaitApplied(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); ; {
		var order struct{ Applied int }
		if s.read(t, fmt.Sprint("/v1/revocations/", s.ordered), &order); order.Applied == 1 {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("the shop never knows of the order")
		}
	}
}

func shopLets(t *testing.T, s *site) {
	for _, path := range []string{"/orders", "/orders/17", "/admin"} {
		a, _ := s.visit(t, "GET", path, "nobody's")
		if a.status != 401 || a.app != nil || a.header.Get("WWW-Authenticate") != `Bearer realm="riskd"` {
			t.Errorf("%s without a session: got %v %v", path, a, a.header)
		}
	}
	session := s.login(t, ada, "")
	s.until(t, "GET", "/orders", session, decidedBy("lease"))
	for _, visit := range []struct{ method, path, user string }{
		{"GET", "/orders", ada}, {"GET", "/orders/17", ada}, {"POST", "/orders", ada}, {"GET", "/admin", ops},
	} {
		if a, p := s.visit(t, visit.method, visit.path, s.login(t, visit.user, "")); !passes(a, p) {
			t.Errorf("%s %s: got %v %s", visit.method, visit.path, a, a.body)
		}
	}
	a, _ := s.visit(t, "GET", "/orders/17", session)
	if a.app == nil || a.app.header.Get("X-Risk-Decision") != "allow" || !strings.HasPrefix(a.app.header.Get("X-Risk-Session"), "s_") {
		t.Errorf("the application was told %s", a.body)
	}
	s.checkDecision(t, a, "GET", "standard")
}

func shopAsksForStepUp(t *testing.T, s *site) {
	const paris, newYork = "X-Real-Ip: 203.0.113.7", "X-Real-Ip: 198.51.100.9"
	session := s.login(t, ada, "")
	for range 2 {
		if a, p := s.visit(t, "GET", "/orders", session, paris); !passes(a, p) {
			t.Fatalf("Paris: got %v %s", a, a.body)
		}
	}
	a, _ := s.visit(t, "GET", "/orders", session, newYork)
	a.wantChallenge(t, `acr_values="aal2 `, `max_age="300"`)
	if s.login(t, ada+"&code=123456", session) != session {
		t.Fatal("the proof has made another session")
	}
	if a, p := s.visit(t, "GET", "/orders", session, newYork); !decidedBy("fresh")(a, p) {
		t.Errorf("New York, with a proof: got %v %s", a, a.body)
	}
	session = s.login(t, ops, "")
	s.order(t, "step_up", session)
	a, _ = s.visit(t, "GET", "/admin", session, paris)
	a.wantChallenge(t, `acr_values="aal3 `, `max_age="120"`)
	s.login(t, ops+"&key=touched", session)
	if a, p := s.visit(t, "GET", "/admin", session, paris); !passes(a, p) {
		t.Errorf("with a key: got %v %s", a, a.body)
	}
}

func shopSendsAway(t *testing.T, s *site) {
	sends := func(session string) {
		t.Helper()
		for _, visit := range [][2]string{{"POST", "/orders"}, {"GET", "/orders"}, {"GET", "/orders/17"}, {"GET", "/admin"}} {
			if a, _ := s.visit(t, visit[0], visit[1], session, "X-Risk-Decision: allow"); a.status != 403 || a.app != nil || !strings.Contains(a.body, "revoke") {
				t.Errorf("%s %s: got %v %s", visit[0], visit[1], a, a.body)
			}
		}
	}
	asked, leased, other := s.login(t, ada, ""), s.login(t, ada, ""), s.login(t, ops, "")
	if a, p := s.visit(t, "POST", "/orders", asked); !passes(a, p) {
		t.Fatalf("before: got %v %s", a, a.body)
	}
	s.order(t, "revoke", asked)
	sends(asked)
	s.until(t, "GET", "/orders", leased, decidedBy("lease"))
	s.order(t, "revoke", leased)
	s.awaitApplied(t)
	if a, _ := s.visit(t, "GET", "/orders", leased); a.status != 403 || a.app != nil {
		t.Errorf("the first after the order, under a lease: got %v %s", a, a.body)
	}
	sends(leased)
	if a, p := s.visit(t, "GET", "/orders", other); !passes(a, p) {
		t.Errorf("another session: got %v %s", a, a.body)
	}
}

func shopBelievesNoClient(t *testing.T, s *site) {
	session := s.login(t, ada, "")
	for _, write := range names {
		for _, lines := range [][]string{
			{write("X-Real-Ip") + ": 203.0.113.7"},
			{write("X-Forwarded-For") + ": 203.0.113.7", write("X-Forwarded-For") + ": 127.0.0.1"},
			{"Forwarded: for=203.0.113.7", write("True-Client-IP") + ": 203.0.113.7"},
			{write("X-Risk-Decision") + ": spoofed", write("X-Risk-Level") + ": spoofed", write("X-Risk-Level") + ": spoofed, too"},
			{write("X-Risk-Class") + ": open", write("X-Risk-Route") + ": /spoofed", write("X-Risk-Anything") + ": spoofed"},
			{write("X-Original-Method") + ": TRACE", write("X-Forwarded-Method") + ": TRACE", write("X-HTTP-Method-Override") + ": TRACE"},
		} {
			a, p := s.visit(t, "GET", "/orders/17", session, lines...)
			if !passes(a, p) || p.Risk.Get("X-Risk-Decision") != "allow" {
				t.Errorf("%s: got %v %s", lines, a, a.body)
				continue
			}
			for header, values := range a.app.risk() {
				if len(values) > 1 || strings.Contains(values[0], "spoofed") || header == "X-Risk-Class" {
					t.Errorf("%s: the application got %s: %q", lines, header, values)
				}
			}
			s.checkDecision(t, a, "GET", "standard")
		}
	}
}

// shopGoesByTheLast outlives a lease while riskd is down.
func shopGoesByTheLast(t *testing.T, s *site) {
	session := s.login(t, ada, "")
	s.until(t, "GET", "/orders", session, decidedBy("lease"))
	s.link.set(t, down)
	s.until(t, "GET", "/orders", session, decidedBy("failure"))
	if a, _ := s.visit(t, "GET", "/orders", session, "Accept-Language: fr"); a.status != 401 || a.app != nil {
		t.Errorf("in a context that riskd hasn't seen: got %v %s", a, a.body)
	}
	if a, _ := s.visit(t, "POST", "/orders", session); a.status != 401 || a.app != nil {
		t.Errorf("a sensitive page: got %v %s", a, a.body)
	}
	s.link.set(t, pass)
	s.until(t, "GET", "/orders", session, decidedBy("fresh"))
	s.until(t, "GET", "/orders", session, decidedBy("lease"))
	if a, p := s.visit(t, "POST", "/orders", session); !passes(a, p) {
		t.Errorf("a sensitive page: got %v %s", a, a.body)
	}
}

// shopFailsAsDocumented is failsAsDocumented for pages of the shop.
func shopFailsAsDocumented(t *testing.T, s *site) {
	rows := append(slices.Clone(failures), failures[0])
	known := &rows[len(rows)-1]
	known.what, known.fault = "has revoked, 403, and is down", down
	known.prepare = func(t *testing.T, s *site, session string) { s.order(t, "revoke", session) }
	var table strings.Builder
	table.WriteString("| riskd | `/orders` standard, allowed before | `/orders` standard, not yet asked | `POST /orders` sensitive | `/admin` admin |\n|---|---|---|---|---|\n")
	for _, f := range rows {
		s.link.set(t, pass)
		before, first, admin := s.login(t, ada, ""), s.login(t, ada, ""), s.login(t, ops, "")
		s.until(t, "GET", "/orders", before, passes)
		s.until(t, "POST", "/orders", before, passes)
		s.until(t, "GET", "/admin", admin, passes)
		if f.prepare != nil {
			for _, session := range []string{before, first, admin} {
				f.prepare(t, s, session)
			}
			s.awaitApplied(t)
		}
		s.link.set(t, f.fault)
		fmt.Fprintf(&table, "| %s |", f.what)
		for i, cell := range []struct{ method, path, session string }{
			{"GET", "/orders", before}, {"GET", "/orders", first}, {"POST", "/orders", before}, {"GET", "/admin", admin},
		} {
			a, _ := s.visit(t, cell.method, cell.path, cell.session+"; other="+strings.Repeat("x", f.cookies), "X-Risk-Decision: allow")
			if a.app != nil && (f.prepare != nil || f.fault != pass && i > 0) {
				t.Errorf("riskd %s: %s %s is open: %v %s", f.what, cell.method, cell.path, a, a.body)
			}
			fmt.Fprintf(&table, " %s |", a)
		}
		table.WriteString("\n")
		s.link.set(t, pass)
		if f.prepare == nil { // back again, it works
			s.until(t, "POST", "/orders", before, passes)
		}
	}
	t.Logf("observed:\n%s", &table)
	s.checkDocs(t, table.String())
}

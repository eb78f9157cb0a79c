//go:build integration

package examples

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// contracts are gateways that no package has for this machine: their folders are
// configs and what follows from them. riskd is started as they say and asked what
// their plugins ask, as their sources and documentation have it.
var contracts = map[string]struct {
	missing string
	run     func(t *testing.T, s *site)
}{
	"apisix": {"neither Debian nor PyPI has it; its requests were sent to riskd", asAPISIX},
}

func TestContracts(t *testing.T) {
	for name, c := range contracts {
		t.Run(name, func(t *testing.T) {
			skipped[name] = c.missing
			s := &site{gateway: &gateway{folder: name}, folder: newFolder(t), app: newApp(t)}
			s.riskd, s.admin = "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
			s.startRiskd(t)
			c.run(t, s)
		})
	}
}

// asAPISIX asks as the plugin forward-auth does: GET without a body, the headers of
// request_headers and extra_headers, and X-Forwarded-*, which are APISIX's own.
func asAPISIX(t *testing.T, s *site) {
	ask := func(class, method, session string) (int, http.Header) {
		r, _ := http.NewRequest("GET", "http://"+s.riskd+"/v1/forward-auth/site", nil)
		r.Header = http.Header{
			"X-Forwarded-Proto": {"http"}, "X-Forwarded-Method": {method}, "X-Forwarded-Host": {"shop.example"},
			"X-Forwarded-Uri": {"/pay?q=1"}, "X-Forwarded-For": {browserAddress}, "User-Agent": {agent}, "X-Risk-Class": {class},
		}
		if session != "" {
			r.Header.Set("Cookie", "theme=dark; sid="+session)
		}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		io.Copy(io.Discard, got.Body)
		return got.StatusCode, got.Header
	}
	for _, c := range classes {
		status, h := ask(c.class, "POST", s.signedIn(t))
		if status != 200 || h.Get("X-Risk-Decision") != "allow" {
			t.Errorf("%s: got %d %v", c.class, status, h)
			continue
		}
		if d := s.decision(t, h.Get("X-Risk-Decision-Id")); d.Request.Method != "POST" || d.Request.Class != c.class || d.Network.Prefix != browserPrefix {
			t.Errorf("%s: riskd decided on %+v", c.class, d)
		}
	}
	if status, h := ask("standard", "GET", ""); status != 401 || h.Get("WWW-Authenticate") == "" {
		t.Errorf("no session: got %d %v", status, h)
	}
	session := s.newSession() // nobody has said when its user signed in
	if status, h := ask("sensitive", "GET", session); status != 401 || !strings.Contains(h.Get("WWW-Authenticate"), "insufficient_user_authentication") {
		t.Errorf("no proof: got %d %v", status, h)
	}
	s.order(t, "revoke", session)
	if status, _ := ask("standard", "GET", session); status != 403 {
		t.Errorf("revoked: got %d", status)
	}
}

//go:build integration

package examples

import (
	"bytes"
	"cmp"
	"encoding/json"
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
	"kong":   {"neither Debian nor PyPI has it; its requests were sent to riskd", asKong},
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

// plugin asks riskd of a request: what the client is answered, and which headers come
// with that or go to the application.
type plugin func(class, method, session string) (int, http.Header)

// asAPISIX asks as the plugin forward-auth does: GET without a body, the headers of
// request_headers and extra_headers, and X-Forwarded-*, which are APISIX's own.
func asAPISIX(t *testing.T, s *site) {
	holds(t, s, func(class, method, session string) (int, http.Header) {
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
	})
}

// asKong asks as the plugin opa does, and reads the answer as it does: the status
// must be 200, and the result tells the rest.
func asKong(t *testing.T, s *site) {
	holds(t, s, func(class, method, session string) (int, http.Header) {
		headers := map[string]any{"host": "shop.example", "user-agent": agent, "x-risk-class": class, "x-forwarded-for": "203.0.113.9"}
		if session != "" {
			headers["cookie"] = "theme=dark; sid=" + session
		}
		asked, _ := json.Marshal(map[string]any{"input": map[string]any{
			"client_ip": browserAddress,
			"request": map[string]any{"http": map[string]any{
				"host": "shop.example", "port": "8080", "tls": map[string]any{}, "method": method, "scheme": "http",
				"path": "/pay", "querystring": map[string]any{"q": "1"}, "headers": headers,
			}},
		}})
		got, err := http.Post("http://"+s.riskd+"/v1/data/riskd/site", "application/json", bytes.NewReader(asked))
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		var answer struct {
			Result *struct {
				Allow   bool
				Status  int
				Headers map[string]string
			}
		}
		if err := json.NewDecoder(got.Body).Decode(&answer); err != nil || got.StatusCode != 200 || answer.Result == nil {
			return 500, nil
		}
		h := http.Header{}
		for name, value := range answer.Result.Headers {
			h.Set(name, value)
		}
		if answer.Result.Allow {
			return 200, h
		}
		return cmp.Or(answer.Result.Status, 403), h
	})
}

// holds asks what every gateway is asked in its scenarios.
func holds(t *testing.T, s *site, ask plugin) {
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

//go:build integration

package examples

import (
	"strings"
	"testing"

	riskgateway "github.com/riskd/riskd/gateway"
)

// names are ways to write a header's name that some server takes for the same.
var names = map[string]func(name string) string{
	"as it is":      func(n string) string { return n },
	"small":         strings.ToLower,
	"underscores":   func(n string) string { return strings.ReplaceAll(n, "-", "_") },
	"underscore":    func(n string) string { i := strings.LastIndex(n, "-"); return n[:i] + "_" + n[i+1:] },
	"another one":   func(n string) string { return strings.Replace(n, "-", "_", 1) },
	"small, mixed":  func(n string) string { return strings.ToLower(strings.Replace(n, "-", "_", 1)) },
	"dots":          func(n string) string { return strings.ReplaceAll(n, "-", ".") },
	"dot":           func(n string) string { return strings.Replace(n, "-", ".", 1) },
	"dot, later on": func(n string) string { i := strings.LastIndex(n, "-"); return n[:i] + "." + n[i+1:] },
}

func believesNoRiskHeader(t *testing.T, s *site) {
	for name, write := range names {
		var headers []string
		for _, h := range riskgateway.Headers {
			headers = append(headers, write(h)+": spoofed", write(h)+": spoofed, too")
		}
		for _, path := range []string{"/", "/pay", "/static/", "/login"} {
			a := s.get(t, path, s.signedIn(t), headers...)
			if a.status/100 == 4 && name != "as it is" && name != "small" {
				continue // refused, as the names can be read in two ways
			}
			if a.status != 200 || a.app == nil {
				t.Errorf("%s, %s: got %v", name, path, a)
				continue
			}
			for header, values := range a.app.risk() {
				if len(values) > 1 || strings.Contains(values[0], "spoofed") {
					t.Errorf("%s, %s: the application got %s: %q", name, path, header, values)
				}
			}
			if path != "/login" && a.app.header.Get("X-Risk-Decision") != "allow" {
				t.Errorf("%s, %s: the application wasn't told of the decision: %v", name, path, a.app.risk())
			}
		}
	}
}

func believesNoAddress(t *testing.T, s *site) {
	for name, write := range names {
		for _, lines := range [][]string{
			{write("X-Forwarded-For") + ": 203.0.113.9"},
			{write("X-Forwarded-For") + ": 203.0.113.9", write("X-Forwarded-For") + ": 127.0.0.1"},
			{write("X-Real-IP") + ": 203.0.113.9", write("True-Client-IP") + ": 203.0.113.9", write("X-Client-IP") + ": 203.0.113.9"},
			{"Forwarded: for=203.0.113.9", "Forwarded: for=127.0.0.1"},
			{"Connection: " + write("X-Forwarded-For"), write("X-Forwarded-For") + ": 203.0.113.9"},
			{"Connection: " + write("X-Forwarded-For") + ", Cookie, X-Forwarded-Method, X-Original-Method"},
		} {
			a := s.get(t, "/", s.signedIn(t), lines...)
			if a.app == nil && a.status/100 == 4 && (name != "as it is" && name != "small" || strings.HasPrefix(lines[0], "Connection")) {
				continue
			}
			if a.status != 200 || a.app == nil {
				t.Errorf("%s: got %v", lines, a)
				continue
			}
			s.checkDecision(t, a, "GET", "standard")
			for header, values := range a.app.header {
				if strings.HasPrefix(header, "X-Forwarded-For") || header == "X-Real-Ip" || header == "Forwarded" {
					if len(values) > 1 || strings.Contains(values[0], "203.0.113.9") || strings.Contains(values[0], "127.0.0.1") {
						t.Errorf("%s: the application got %s: %q", lines, header, values)
					}
				}
			}
			if got := a.app.header.Get("X-Forwarded-For"); got != browserAddress {
				t.Errorf("%s: the application was told that the client is %q", lines, got)
			}
		}
	}
}

// believesNoOther sends the headers in which gateways tell riskd of a request.
func believesNoOther(t *testing.T, s *site) {
	for name, write := range names {
		for _, lines := range [][]string{
			{write("X-Original-Method") + ": TRACE", write("X-Forwarded-Method") + ": TRACE"},
			{write("X-Original-URI") + ": /static/", write("X-Forwarded-Uri") + ": /static/", write("X-Rewrite-URL") + ": /static/"},
			{write("X-Risk-Class") + ": open", write("X-Risk-Route") + ": /static/", write("X-Risk-Profile") + ": static"},
			{write("X-HTTP-Method-Override") + ": TRACE"},
			{write("X-Envoy-Original-Path") + ": /static/", write("X-Envoy-External-Address") + ": 203.0.113.9"},
			{write("X-Auth-Time") + ": 4102444800", write("X-Auth-Acr") + ": aal3", write("X-Auth-User") + ": root"},
		} {
			a := s.get(t, "/", s.signedIn(t), lines...)
			if a.app == nil && a.status/100 == 4 && name != "as it is" && name != "small" {
				continue
			}
			if a.status != 200 || a.app == nil {
				t.Errorf("%s: got %v", lines, a)
				continue
			}
			s.checkDecision(t, a, "GET", "standard")
		}
	}
}

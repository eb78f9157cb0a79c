//go:build integration

package examples

import (
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
)

// odd are paths that one server or another takes for /pay.
var odd = []string{
	"//pay", "///pay", "/./pay", "/a/../pay", "/static/../pay", "/static//../pay", "/login/../pay", "/static/./../pay",
	"/%70ay", "/p%61y", "/%2fpay", "/%2Fpay", "/%5cpay", "/%2e/pay", "/a/%2e%2e/pay", "/static/%2e%2e/pay", "/static/%2E./pay",
	"/static/..%2fpay", "/static/..%2Fpay", "/static/%2e%2e%2fpay", "/static/..%5cpay", "/static/..\\pay", "\\pay", "/\\pay",
	"/static/..;/pay", "/static/..;x=y/pay", "/static/..%3b/pay", "/static/..%3B/pay", "/;x/pay", "/pay;x", "/pay;x=y/z", "/static;/../pay",
	"/static/%252e%252e/pay", "/static/..%252fpay", "/%2570ay", "/static/%c0%ae%c0%ae/pay", "/static/..%00/pay", "/pay%00",
	"/static/#/../../pay", "/static/%23/../../pay", "http://shop.example/pay", "http://shop.example/static/../pay",
	"/login%2f..%2fpay", "/login/..;/pay", "/pay/", "/pay/x", "/pay/../pay", "/pay?x=/static/", "/pay#x", "/pay%20",
}

// plain are paths that nobody reads in two ways, and the classes they have.
var plain = map[string]string{
	"/orders/42":                         "standard",
	"/orders/%C3%A9%20x?next=/a//b/../c": "standard",
	"/payments":                          "",
	"/static/a.b/c..d/.e?v=1":            "open",
	"/login/more":                        "standard",
	"/loginx":                            "standard",
	"/pay/now?x=%2F":                     "sensitive",
}

var parameters = regexp.MustCompile(`;[^/]*`)

// isPay reports whether any server could take what an application gets for /pay.
func isPay(uri string) bool {
	p, _, _ := strings.Cut(uri, "?")
	p = strings.TrimPrefix(p, "http://shop.example")
	for range 3 { // decoded never, once, twice
		q := strings.ReplaceAll(strings.ReplaceAll(p, "\xc0\xae", "."), "\\", "/")
		for _, q := range []string{q, parameters.ReplaceAllString(q, "")} {
			if strings.HasPrefix(path.Clean("/"+strings.ReplaceAll(q, "\x00", "")), "/pay") {
				return true
			}
		}
		if decoded, err := url.PathUnescape(p); err == nil {
			p = decoded
		}
	}
	return false
}

func takesNoPath(t *testing.T, s *site) {
	for _, uri := range odd {
		if !isPay(uri) {
			t.Errorf("%s is no other way to write /pay", uri)
		}
		a := s.get(t, uri, s.signedIn(t))
		if a.app == nil {
			if a.status/100 != 4 && a.status/100 != 3 {
				t.Errorf("%s: got %v", uri, a)
			}
			continue
		}
		want := "sensitive"
		if !isPay(a.app.uri) { // the gateway passes on the plain form of what it took it for
			want = plainClass(a.app.uri)
		}
		if id := a.app.header.Get("X-Risk-Decision-Id"); id == "" {
			t.Errorf("%s: the application got %s, and riskd wasn't asked", uri, a.app.uri)
		} else if d := s.decision(t, id); d.Request.Class != want {
			t.Errorf("%s: the application got %s, and riskd was asked for class %s, not %s", uri, a.app.uri, d.Request.Class, want)
		}
	}
	for uri, class := range plain {
		a := s.get(t, uri, s.signedIn(t))
		if a.status != 200 || a.app == nil || a.app.uri != uri {
			t.Errorf("%s: got %v %+v", uri, a, a.app)
			continue
		}
		if class != "" {
			s.checkDecision(t, a, "GET", class)
		}
	}
}

func plainClass(uri string) string {
	if strings.HasPrefix(uri, "/static/") {
		return "open"
	}
	return "standard"
}

//go:build integration

package examples

import "testing"

// odd are paths that one server or another takes for /pay.
var odd = []string{
	"//pay", "///pay", "/./pay", "/a/../pay", "/static/../pay", "/static//../pay", "/login/../pay", "/static/./../pay",
	"/%70ay", "/p%61y", "/%2fpay", "/%2Fpay", "/%5cpay", "/%2e/pay", "/a/%2e%2e/pay", "/static/%2e%2e/pay", "/static/%2E./pay",
	"/static/..%2fpay", "/static/..%2Fpay", "/static/%2e%2e%2fpay", "/static/..%5cpay", "/static/..\\pay", "\\pay", "/\\pay",
	"/static/..;/pay", "/static/..;x=y/pay", "/static/..%3b/pay", "/static/..%3B/pay", "/;x/pay", "/pay;x", "/pay;x=y/z", "/static;/../pay",
	"/static/%252e%252e/pay", "/static/..%252fpay", "/%2570ay", "/static/%c0%ae%c0%ae/pay", "/static/..%00/pay", "/pay%00",
	"/static/#/../../pay", "/static/%23/../../pay", "http://shop.example/pay", "http://shop.example/static/../pay",
	"/login%2f..%2fpay", "/login/..;/pay", "/login;x", "/pay/", "/pay/x", "/pay/../pay", "/pay?x=/static/", "/pay#x", "/pay%20",
}

// plain are paths that nobody reads in two ways, and the classes they have.
var plain = map[string]string{
	"/orders/42":                          "standard",
	"/orders/%C3%A9%20x?next=/a//b/../;c": "standard",
	"/payments":                           "",
	"/static/a.b/c..d/.e?v=1":             "open",
	"/login/more":                         "standard",
	"/loginx":                             "standard",
	"/pay/now?x=%2F":                      "sensitive",
}

func takesNoPath(t *testing.T, s *site) {
	for _, path := range odd {
		a := s.get(t, path, s.signedIn(t))
		if a.app == nil {
			if a.status/100 != 4 && a.status/100 != 3 {
				t.Errorf("%s: got %v", path, a)
			}
			continue
		}
		if id := a.app.header.Get("X-Risk-Decision-Id"); id == "" {
			t.Errorf("%s: the application got %s, and riskd wasn't asked", path, a.app.uri)
		} else if d := s.decision(t, id); d.Request.Class != "sensitive" {
			t.Errorf("%s: the application got %s, and riskd was asked for class %s", path, a.app.uri, d.Request.Class)
		}
	}
	for path, class := range plain {
		a := s.get(t, path, s.signedIn(t))
		if a.status != 200 || a.app == nil || a.app.uri != path {
			t.Errorf("%s: got %v %+v", path, a, a.app)
			continue
		}
		if class != "" {
			s.checkDecision(t, a, "GET", class)
		}
	}
}

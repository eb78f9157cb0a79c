package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/client"
)

// The shop without riskd: who isn't signed in gets nowhere, who is gets what each
// class gets then. With riskd it is run by the tests of all examples.
func TestShopWithoutRiskd(t *testing.T) {
	t.Parallel()
	s := &shop{sessions: map[string]session{}}
	c, err := client.New(client.Options{URL: "http://127.0.0.1:1", NoLeases: true, OnFailure: riskd.FailAllow, Event: s.event})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	server := httptest.NewServer(s.handler(c))
	defer server.Close()
	jar, _ := cookiejar.New(nil) // never fails
	browser := &http.Client{Jar: jar}
	status := func(method, path, form string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	for _, step := range []struct {
		method, path, form string
		want               int
	}{
		{"GET", "/orders", "", 401},
		{"POST", "/login", "user=ada&password=wrong", 401},
		{"POST", "/login", url.Values{"user": {"ada"}, "password": {"engine"}}.Encode(), 200},
		{"GET", "/orders", "", 200},
		{"GET", "/orders/17", "", 200},
		{"POST", "/orders", "", 401},
		{"GET", "/admin", "", 401},
		{"GET", "/nothing", "", 404},
	} {
		if got := status(step.method, step.path, step.form); got != step.want {
			t.Errorf("%s %s: %d, want %d", step.method, step.path, got, step.want)
		}
	}
}

// What riskd is told of a request stands in the table of routes.
func TestEvent(t *testing.T) {
	t.Parallel()
	s := &shop{sessions: map[string]session{"x": {user: "ops", role: "admin"}}, behindProxy: true}
	mux := http.NewServeMux()
	var got client.Event
	for _, rt := range routes {
		mux.HandleFunc(rt.pattern, func(_ http.ResponseWriter, r *http.Request) { got, _ = s.event(r) })
	}
	r := httptest.NewRequest("GET", "/orders/17", nil)
	r.AddCookie(&http.Cookie{Name: "sid", Value: "x"})
	r.Header.Set("X-Real-Ip", "203.0.113.7")
	mux.ServeHTTP(httptest.NewRecorder(), r)
	if got.Request.Route != "/orders/{id}" || got.Request.Object != "17" || got.User.ID != "ops" || got.Peer.IP != "203.0.113.7" || got.Session.ID != "x" {
		t.Errorf("%+v", got)
	}
}

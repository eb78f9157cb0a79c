package api

import (
	stdjson "encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/gateway"
)

// What the plugins send for the same request, each in its form and with what it
// has beside.
const (
	kongInput = `{"input":{
		"request":{"http":{"host":"shop.example","port":"443","tls":{},"method":"POST","scheme":"https","path":"/orders/42","querystring":{"x":"1"},
			"uri_captures":{"named":{},"unnamed":["/orders"]},
			"headers":{"host":"shop.example","user-agent":"Mozilla/5.0","accept-language":"fr","cookie":["theme=dark","sid=raw-1; did=d1"],"x-auth-user":"u1","x-forwarded-for":"10.0.0.9"}}},
		"client_ip":"203.0.113.7",
		"service":{"id":"s","name":"shop","port":8080,"tags":null},"route":{"id":"r","paths":["/orders"]},"consumer":{"id":"c"}}}`
	apisixInput = `{"input":{"type":"http",
		"request":{"scheme":"https","method":"POST","host":"shop.example","port":443,"path":"/orders/42","query":{"x":"1"},
			"headers":{"host":"shop.example","user-agent":"Mozilla/5.0","accept-language":"fr","cookie":"theme=dark; sid=raw-1; did=d1","x-auth-user":"u1","x-forwarded-for":"10.0.0.9"}},
		"var":{"server_addr":"10.0.0.1","server_port":"443","remote_addr":"203.0.113.7","remote_port":"50112","timestamp":1795262400},
		"route":{"id":"1","plugins":{"opa":{"host":"http://riskd"}}},"service":{},"consumer":{}}}`
	envoyInput = `{"input":{"attributes":{
		"source":{"address":{"socketAddress":{"address":"203.0.113.7","portValue":50112}},"principal":""},
		"destination":{"address":{"socketAddress":{"address":"10.0.0.5","portValue":8443}}},
		"request":{"time":"2026-11-21T12:00:00Z","http":{"id":"1","method":"POST","path":"/orders/42?x=1","host":"shop.example","scheme":"https","protocol":"HTTP/2","size":"-1",
			"headers":{":method":"POST",":path":"/orders/42?x=1",":authority":"shop.example","user-agent":"Mozilla/5.0","accept-language":"fr",
				"cookie":"theme=dark; sid=raw-1; did=d1","x-auth-user":"u1","x-forwarded-for":"10.0.0.9"}}},
		"contextExtensions":{"a":"b"},"metadataContext":{"filterMetadata":{"x":{"y":{"z":1}}}}},
		"parsed_path":["orders","42"],"parsed_query":{"x":["1"]},"version":{"ext_authz":"v3","encoding":"protojson"}}}`
)

var opaInputs = map[string]string{"kong": kongInput, "apisix": apisixInput, "envoy": envoyInput}

func askOPA(t testing.TB, h *house, profile, body string) (*httptest.ResponseRecorder, map[string]any) {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/data/riskd/"+profile, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := send(h.gateway, r)
	var answer map[string]any
	if err := stdjson.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return w, answer
}

func TestOPAReadsTheEvent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	want := riskd.Event{
		Time: noon, Tenant: "shop",
		Session: riskd.EventSession{ID: h.key.ID("shop", "raw-1")},
		User:    riskd.User{ID: "u1"}, Device: riskd.Device{ID: "d1"},
		Client:  riskd.Client{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "Mozilla/5.0", Language: "fr"},
		Request: riskd.Request{Method: "POST", Class: riskd.ClassSensitive},
	}
	for name, body := range opaInputs {
		w, _ := askOPA(t, h, "web", body)
		got, _ := h.engine.last(t)
		// What the client put into X-Forwarded-For is no proxy's word.
		if w.Code != 200 || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d %s\ngot  %+v\nwant %+v", name, w.Code, w.Body, got, want)
		}
	}
	// Behind a proxy that is trusted it is.
	for name, body := range opaInputs {
		body = strings.NewReplacer(`"203.0.113.7"`, `"::ffff:10.0.0.2"`, `"10.0.0.9"`, `"198.51.100.1, 203.0.113.9"`).Replace(body)
		askOPA(t, h, "web", body)
		if got, _ := h.engine.last(t); got.Client.IP.String() != "203.0.113.9" {
			t.Errorf("%s: behind a proxy the client is %s", name, got.Client.IP)
		}
	}
}

// Golden answers: each plugin finds its own members, whatever the decision.
func TestOPAAnswers(t *testing.T) {
	t.Parallel()
	held := func(e *riskd.Event, now time.Time) riskd.Decision {
		d := allow(e, now)
		d.Outcome, d.Source = riskd.StepUpNeeded, riskd.SourceSuspension
		return d
	}
	for name, c := range map[string]struct {
		answer  func(*riskd.Event, time.Time) riskd.Decision
		profile string
		change  [2]string
		status  int
		word    string // reason and message
		score   int
		reasons []any
	}{
		"allow":           {allow, "web", [2]string{}, 200, "allow", 0, []any{}},
		"step_up":         {stepUp, "web", [2]string{}, 401, "step_up", 63, []any{"new_country", "request_rate"}},
		"revoke":          {revoke, "web", [2]string{}, 403, "revoke", 100, []any{}},
		"suspended":       {held, "web", [2]string{}, 403, "step_up", 0, []any{}},
		"no session":      {allow, "web", [2]string{"sid=", "xid="}, 401, "no_session", 0, []any{}},
		"no profile":      {allow, "nosuch", [2]string{}, 403, "unknown_profile", 0, []any{}},
		"header disguise": {allow, "web", [2]string{`"x-auth-user"`, `"x_auth_user"`}, 403, "malformed", 0, []any{}},
		"header twice":    {allow, "web", [2]string{`"x-auth-user":"u1"`, `"x-auth-user":["u1","u2"]`}, 403, "malformed", 0, []any{}},
		"in two cases":    {allow, "web", [2]string{`"x-auth-user":"u1"`, `"x-auth-user":"u1","X-Auth-User":"u2"`}, 403, "malformed", 0, []any{}},
		"odd method":      {allow, "web", [2]string{`"POST"`, `"PO ST"`}, 403, "malformed", 0, []any{}},
	} {
		h := newHouse(t)
		h.engine.answer = c.answer
		for plugin, body := range opaInputs {
			if c.change[0] != "" {
				body = strings.ReplaceAll(body, c.change[0], c.change[1])
			}
			w, answer := askOPA(t, h, c.profile, body)
			result, _ := answer["result"].(map[string]any)
			if w.Code != 200 || result == nil || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s, %s: %d %s", name, plugin, w.Code, w.Body)
				continue
			}
			headers := result["headers"].(map[string]any)
			for _, header := range gateway.Headers {
				if _, ok := headers[header].(string); !ok {
					t.Errorf("%s, %s: there is no %s", name, plugin, header)
				}
			}
			if (headers["WWW-Authenticate"] != nil) != (c.status == 401) {
				t.Errorf("%s, %s: %d with the challenge %v", name, plugin, c.status, headers["WWW-Authenticate"])
			}
			delete(result, "headers")
			status := float64(c.status)
			decision := c.word
			if c.word != "allow" && c.word != "step_up" && c.word != "revoke" {
				decision = "none"
			}
			want := map[string]any{
				"allow": c.status == 200, "allowed": c.status == 200, "status_code": status, "status": status, "http_status": status,
				"reason": c.word, "message": c.word, "decision": decision, "score": float64(c.score), "reasons": c.reasons,
			}
			if !reflect.DeepEqual(result, want) {
				t.Errorf("%s, %s: got %v\nwant %v", name, plugin, result, want)
			}
			if (answer["decision_id"] == "01JD") != (decision != "none") {
				t.Errorf("%s, %s: the id is %v", name, plugin, answer["decision_id"])
			}
		}
	}
}

// What is none of the plugins' forms gets no result, so that all of them close.
func TestOPARefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	kong := func(old, replacement string) string { return strings.Replace(kongInput, old, replacement, 1) }
	for name, body := range map[string]string{
		"nothing":              `{}`,
		"no input":             `{"input":{}}`,
		"input a word":         `{"input":"kong"}`,
		"an array":             `[]`,
		"a stream":             strings.Replace(apisixInput, `"type":"http"`, `"type":"stream"`, 1),
		"no type":              strings.Replace(apisixInput, `"type":"http",`, ``, 1),
		"no var":               strings.Replace(apisixInput, `"var"`, `"vars"`, 1),
		"two forms":            kong(`{"input":{`, `{"input":{"type":"http","var":{"remote_addr":"10.0.0.1"},`),
		"three forms":          kong(`{"input":{`, `{"input":{"attributes":{"request":{"http":{"method":"GET"}}},`),
		"no address":           kong(`"client_ip":"203.0.113.7"`, `"client_ip":""`),
		"an address and more":  kong(`"client_ip":"203.0.113.7"`, `"client_ip":"203.0.113.7:80"`),
		"no method":            kong(`"method":"POST",`, ``),
		"address twice":        kong(`"client_ip":"203.0.113.7"`, `"client_ip":"203.0.113.7","client_ip":"10.0.0.1"`),
		"header twice by name": kong(`"x-auth-user":"u1"`, `"x-auth-user":"u1","x-auth-user":"u2"`),
		"headers an array":     kong(`"headers":{"host":"shop.example",`, `"headers":[],"more":{"x":"y",`),
		"header a number":      kong(`"x-auth-user":"u1"`, `"x-auth-user":1`),
		"headers of numbers":   kong(`"x-auth-user":"u1"`, `"x-auth-user":["u1",1]`),
		"header null":          kong(`"x-auth-user":"u1"`, `"x-auth-user":null`),
		"deep":                 kong(`"tls":{}`, `"tls":`+strings.Repeat("[", 40)+strings.Repeat("]", 40)),
		"two documents":        kongInput + kongInput,
		"half":                 kongInput[:200],
	} {
		w, answer := askOPA(t, h, "web", body)
		if w.Code != 400 || answer["result"] != nil || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "raw-1") {
			t.Errorf("%s: the answer tells the session: %s", name, w.Body)
		}
	}
	if len(h.engine.events) > 0 {
		t.Error("the engine was asked")
	}
	h.engine.answer = func(*riskd.Event, time.Time) riskd.Decision { panic("broken") }
	if w, answer := askOPA(t, h, "web", kongInput); w.Code != 500 || answer["result"] != nil {
		t.Errorf("a panic gives %d %s", w.Code, w.Body)
	}
}

// Of Envoy alone the path is the client's own; the class isn't made of another's.
func TestOPAPaths(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for plugin, body := range opaInputs {
		want := "malformed"
		if plugin == "envoy" {
			want = "allow"
		}
		_, answer := askOPA(t, h, "routed", body)
		if got := answer["result"].(map[string]any)["reason"]; got != want {
			t.Errorf("%s: %v", plugin, got)
		}
	}
	if e, _ := h.engine.last(t); e.Request.Route != "/orders/{id}" {
		t.Errorf("the route is %q", e.Request.Route)
	}
}

// FuzzOPAInput holds that a body gets a result that is whole, or none.
func FuzzOPAInput(f *testing.F) {
	for _, body := range opaInputs {
		f.Add(body)
	}
	f.Add(`{"input":{"request":{"http":{"method":"GET","headers":{"cookie":["sid=a","sid=b"]}}},"client_ip":"::1"}}`)
	f.Add(`{"input":{"type":"http","request":{"method":"GET","headers":{"A":[]}},"var":{"remote_addr":"10.0.0.1"}}}`)
	h := newHouse(f)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		if err := e.Validate(); err != nil {
			panic(fmt.Sprintf("the engine got an event that isn't valid: %v", err))
		}
		return allow(e, now)
	}
	f.Fuzz(func(t *testing.T, body string) {
		before := len(h.engine.events)
		w, answer := askOPA(t, h, "web", body)
		result, _ := answer["result"].(map[string]any)
		switch {
		case w.Code == http.StatusOK && result != nil:
			if asked := len(h.engine.events) > before; result["allow"] != asked || result["allowed"] != asked || (result["status"] == 200.0) != asked {
				t.Errorf("asked %t: %s", asked, w.Body)
			}
		case w.Code < 400 || w.Code >= 500 || result != nil:
			t.Errorf("%d %s %v", w.Code, w.Body, h.panics)
		}
		h.engine.events, h.engine.times, h.observed = nil, nil, nil
	})
}

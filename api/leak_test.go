package api

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/riskd/riskd"
)

// A raw session id must not come out anywhere, however badly the request that
// carries it is made.
func TestRawSessionIDsNeverComeOut(t *testing.T) {
	t.Parallel()
	const canary = "canary7f3cd91e"
	var log bytes.Buffer
	h := newHouse(t)
	h.engine.answer = stepUp
	var seen []string
	check := func(name string, w *httptest.ResponseRecorder) {
		t.Helper()
		out := fmt.Sprint(w.Code, w.Result().Header, w.Body)
		seen = append(seen, out)
		if strings.Contains(out, canary) {
			t.Errorf("%s: %s", name, out)
		}
	}
	bodies := []string{
		`{"session":{"id":"@"},"client":{"ip":"203.0.113.7"}}`,
		`{"session":{"id":"@","previous_id":"@"},"client":{"ip":"203.0.113.7"},"tenant":"t"}`,
		`{"session":{"id":"@"}}`,
		`{"session":{"id":"@","id":"@"}}`,
		`{"session":{"id":["@"]}}`,
		`{"session":{"id":{"@":"@"}}}`,
		`{"session":{"id":{"@":1,"@":2}}}`,
		`{"session":{"amr":{"@":[{"@":1,"@":2}]}}}`,
		`{"session":{"@":1}}`,
		`{"session":{"binding":{"@":1}}}`,
		`{"session":{"binding":"@"}}`,
		`{"session":{"started_at":"@"}}`,
		`{"session":{"id":"@`,
		`{"session":{"id":"@\x"}}`,
		`{"session":{"id":"@"}}@`,
		"{\"session\":{\"id\":\"@\xff\"}}",
		`{"session":"@"}`,
		`{"session_id":"@"}`,
		`{"client":{"ip":"@"},"session":{"id":"@"}}`,
		`"@"`,
		`@`,
	}
	for _, body := range bodies {
		body = strings.ReplaceAll(body, "@", canary)
		for _, path := range []string{"/v1/decisions", "/v1/telemetry"} {
			check(path+" "+body, post(h.gateway, path, body))
		}
		for _, path := range []string{"/v1/decisions/batch", "/v1/telemetry"} {
			check(path+" ["+body+"]", post(h.gateway, path, "["+body+"]"))
		}
		if _, err := DecodeEvent([]byte(body), h.key); err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", body, err)
		}
		if _, err := DecodeTraceEvent([]byte(body), h.key); err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{
		`{"target":{"session_id":"@"}}`, `{"target":{"session":"@"}}`, `{"target":{"@":"@"}}`, `{"target":"@"}`, `{"target":{"session_id":["@"]}}`,
		`{"target":{"session_id":{"@":1,"@":1}}}`, `{"target":{"session_id":"@","session":"@"}}`, `{"target":{"session_id":"@"}} @`,
	} {
		body = strings.ReplaceAll(body, "@", canary)
		check(body, post(h.admin, "/v1/revocations", body))
	}
	for _, body := range []string{
		`{"id":"e1","type":"logout","session_id":"@"}`, `{"id":"e2","type":"logout","session":"@"}`, `{"id":"e3","type":"@","session_id":"@"}`,
		`{"id":"e4","type":"password_reset","session_id":"@"}`, `{"id":"e5","type":"logout","session_id":["@"]}`, `{"id":"e6","type":"logout","sessionid":"@"}`,
	} {
		body = strings.ReplaceAll(body, "@", canary)
		check(body, post(h.admin, "/v1/identity-events", body))
	}
	for _, body := range []string{
		`{"subject":{"type":"session","id":"@"},"action":{"name":"r"},"resource":{"type":"x","id":"y"}}`,
		`{"subject":{"type":"session","id":"@","id":"@"},"action":{"name":"r"},"resource":{"type":"x","id":"y"}}`,
		`{"subject":{"type":"session","id":"@"},"action":{"name":"r"},"resource":{"type":"x","id":"y"},"context":{"session_id":"@2"}}`,
		`{"subject":{"type":"user","id":"u","properties":{"sid":"@","session_id":"@","previous_session_id":"@1"}},"action":{"name":"r"},"resource":{"type":"x","id":"y"}}`,
		`{"subject":{"type":"user","id":"u","properties":{"sid":["@"],"Sid":"@"}},"action":{"name":"r"},"resource":{"type":"x","id":"y"}}`,
		`{"subject":{"type":"session","id":"@"},"action":{"name":"r"},"evaluations":[{},{"context":{"session_id":"@2"},"resource":{"type":"x","id":"y"}},{"@":1},"@"]}`,
		`{"subject":{"type":"session","id":"@"},"options":{"evaluations_semantic":"@"}}`, `{"subject":{"@":"@"}}`, `{"subject":"@"`,
	} {
		body = strings.ReplaceAll(body, "@", canary)
		check(body, post(h.gateway, evaluationPath, body))
		check(body, post(h.gateway, evaluationsPath, body))
	}
	for _, headers := range [][]string{
		{"Cookie: sid=@"},
		{"Cookie: sid=@; sid=@2"},
		{"Cookie: sid=@%"},
		{"Cookie: sid=\"@"},
		{"Cookie: sid=@", "X-Auth-Time: @"},
		{"Cookie: sid=@", "X-Original-Method: @"},
		{"Cookie: sid=@", "X_Auth_User: @"},
	} {
		for i := range headers {
			headers[i] = strings.ReplaceAll(headers[i], "@", canary)
		}
		check(headers[0], send(h.gateway, forward("web", headers...)))
		check(headers[0], send(h.gateway, forward(canary, headers...)))
	}
	check("authorization", send(h.gateway, forward("api", "Authorization: Bearer "+canary)))
	for _, path := range []string{"/v1/sessions/" + canary, "/v1/sessions?session=" + canary, "/v1/sessions?" + canary, "/v1/sessions?cursor=" + canary, "/" + canary} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		check(path, send(h.admin, r))
		check(path, send(h.gateway, r))
	}
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	for i := range h.engine.events {
		logger.Info("decided", "event", h.engine.events[i])
		fmt.Fprintf(&log, "%+v", h.engine.events[i])
	}
	for _, e := range h.memory.epochs {
		fmt.Fprintf(&log, "%+v", e)
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("the engine or the memory has the raw id: %s", &log)
	}
	ref := h.key.ID("", canary)
	if !strings.Contains(strings.Join(seen, ""), ref.String()) || !strings.Contains(log.String(), ref.String()) {
		t.Error("the reference never came out: the test looks at nothing")
	}
	if len(h.memory.epochs) != 2 || h.memory.epochs[0].Target.Session != ref || h.memory.epochs[1].Target.Session != ref || ref == (riskd.SessionID{}) {
		t.Errorf("revoked %+v", h.memory.epochs)
	}
}

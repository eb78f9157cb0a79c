package api

import (
	stdjson "encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// answering gives the answer of a house whose engine says so.
func answering(t *testing.T, body string, change func(*riskd.Decision)) string {
	t.Helper()
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		d := allow(e, now)
		d.Session, d.Lease = riskd.SessionID{4}, riskd.Lease{}
		change(&d)
		return d
	}
	w := post(h.gateway, evaluationPath, body)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

func challenged(d *riskd.Decision) {
	d.Outcome, d.Score, d.Level = riskd.StepUpNeeded, 63, riskd.Medium
	d.Reasons = []riskd.Reason{{Code: "new_country"}, {Code: "geo_velocity"}}
	d.StepUp = &riskd.StepUp{ID: "su_1", Demand: riskd.Demand{ACR: []string{"phr", "phrh"}, AMR: []string{"hwk", "mfa"}, MaxAge: 5 * time.Minute}}
	d.UserText, d.AdminText = "Please confirm it is you.", "new_country, geo_velocity"
	d.Lease = riskd.Lease{ValidFor: 1500 * time.Millisecond, Epoch: 7}
	d.Expires.IdleAt = noon.Add(time.Hour)
}

func ended(by riskd.TargetKind) func(*riskd.Decision) {
	return func(d *riskd.Decision) {
		d.Outcome, d.Score, d.Level, d.RevokedBy = riskd.Revoke, 100, riskd.High, by
		d.UserText, d.Degraded = "You were signed out.", []string{"x"}
	}
}

const (
	oursAllowed = `"riskd":{"decision_id":"01JD","effect":"allow","score":0,"level":"LOW","session":"s_0g000000000000000000000000","pack":"default",` +
		`"policy_revision":"432bb16","reasons":[],"lease":{"valid_for_ms":0,"revocation_epoch":0}}`
	oursChallenged = `"riskd":{"decision_id":"01JD","effect":"step_up","score":63,"level":"MEDIUM","session":"s_0g000000000000000000000000","pack":"default",` +
		`"policy_revision":"432bb16","reasons":["new_country","geo_velocity"],"step_up":"su_1","session_expires_at":"2026-11-21T13:00:00Z","lease":{"valid_for_ms":1500,"revocation_epoch":7}}`
	oursEnded = `"riskd":{"decision_id":"01JD","effect":"revoke","score":100,"level":"HIGH","session":"s_0g000000000000000000000000","pack":"default",` +
		`"policy_revision":"432bb16","reasons":[],"lease":{"valid_for_ms":0,"revocation_epoch":0},"degraded":["x"]}`
	challengeWords = `"acr_values":"phr phrh","amr_values":"hwk mfa","max_age":300,` +
		`"reason_admin":{"401":"new_country, geo_velocity"},"reason_user":{"401":"Please confirm it is you."},`
)

func TestAuthZENAnswers(t *testing.T) {
	t.Parallel()
	able := func(kinds string) string {
		return strings.TrimSuffix(plainQuestion, "}") + `,"context":{"supported_obligations":[` + kinds + `]}}`
	}
	custom := `"obligations":[{"id":"o1","type":"custom","properties":{"vendor":"riskd","action":"terminate_session","session":"s_0g000000000000000000000000"}}],`
	for name, c := range map[string]struct {
		body   string
		change func(*riskd.Decision)
		want   string
	}{
		"allow": {plainQuestion, func(*riskd.Decision) {}, `{"decision":true,"context":{` + oursAllowed + `}}`},
		"step-up": {plainQuestion, challenged, `{"decision":false,"context":{` + challengeWords +
			`"obligations":[{"id":"o1","type":"step-up","properties":{"acr_value":"phr","amr_values":["hwk","mfa"]}}],` + oursChallenged + `}}`},
		"step-up of one who can't": {able(`"session_termination"`), challenged, `{"decision":false,"context":{` + challengeWords + oursChallenged + `}}`},
		"step-up without classes": {
			plainQuestion, func(d *riskd.Decision) { challenged(d); d.StepUp.Demand.ACR = nil },
			`{"decision":false,"context":{` + strings.TrimPrefix(challengeWords, `"acr_values":"phr phrh",`) + oursChallenged + `}}`,
		},
		"revoked":                  {plainQuestion, ended(riskd.TargetSession), `{"decision":false,"context":{"reason_user":{"401":"You were signed out."},` + custom + oursEnded + `}}`},
		"revoked by the policy":    {able(`"custom"`), ended(0), `{"decision":false,"context":{"reason_user":{"401":"You were signed out."},` + custom + oursEnded + `}}`},
		"revoked of one who can't": {able(``), ended(0), `{"decision":false,"context":{"reason_user":{"401":"You were signed out."},` + oursEnded + `}}`},
		"user revoked": {plainQuestion, ended(riskd.TargetUser), `{"decision":false,"context":{"reason_user":{"401":"You were signed out."},` +
			`"obligations":[{"id":"o1","type":"session_termination","properties":{"subject":"u1"}}],` + oursEnded + `}}`},
		"user revoked of one who can't": {able(`"custom","step-up","who knows"`), ended(riskd.TargetUser), `{"decision":false,"context":{"reason_user":{"401":"You were signed out."},` + oursEnded + `}}`},
		"suspended": {plainQuestion, func(d *riskd.Decision) {
			d.Outcome, d.Source, d.UserText, d.AdminText = riskd.StepUpNeeded, riskd.SourceSuspension, "Your session is on hold.", "suspended"
		}, `{"decision":false,"context":{"reason_admin":{"403":"suspended"},"reason_user":{"403":"Your session is on hold."},` +
			strings.Replace(oursAllowed, `"allow"`, `"step_up"`, 1) + `}}`},
		"no outcome": {plainQuestion, func(d *riskd.Decision) { d.Outcome = riskd.NoOutcome }, `{"decision":false,"context":{` +
			strings.TrimSuffix(strings.Replace(oursAllowed, `"allow"`, `"step_up"`, 1), "}") + `,"degraded":["no_outcome"]}}}`},
	} {
		if got := answering(t, c.body, c.change); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

// batch asks several questions; read is denied of r2.
func batch(t *testing.T, body string) (answers []map[string]any, h *house) {
	t.Helper()
	h = newHouse(t)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		if e.Attributes["resource.id"] == "panic" {
			panic("boom")
		}
		if e.Attributes["resource.id"] == "r2" {
			return stepUp(e, now)
		}
		return allow(e, now)
	}
	w := post(h.gateway, evaluationsPath, body)
	if w.Code != 200 {
		t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
	var out struct{ Evaluations []map[string]any }
	if err := stdjson.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Evaluations, h
}

func decisions(answers []map[string]any) (out []bool) {
	for _, a := range answers {
		out = append(out, a["decision"].(bool))
	}
	return out
}

func TestAuthZENBatch(t *testing.T) {
	t.Parallel()
	record := func(id string) string { return `{"resource":{"type":"record","id":"` + id + `"}}` }
	top := func(items, semantic string) string {
		return strings.TrimSuffix(plainQuestion, "}") + `,"evaluations":[` + items + `],"options":{"other":1` + semantic + `}}`
	}
	for name, c := range map[string]struct {
		body string
		want []bool
		last string // reason of the last
	}{
		"all by default":    {top(record("r1")+","+record("r2")+","+record("r3"), ""), []bool{true, false, true}, ""},
		"all":               {top(record("r1")+","+record("r2")+","+record("r3"), `,"evaluations_semantic":"execute_all"`), []bool{true, false, true}, ""},
		"up to a denial":    {top(record("r1")+","+record("r2")+","+record("r3"), `,"evaluations_semantic":"deny_on_first_deny"`), []bool{true, false}, "deny_on_first_deny"},
		"up to a permit":    {top(record("r2")+","+record("r1")+","+record("r3"), `,"evaluations_semantic":"permit_on_first_permit"`), []bool{false, true}, "permit_on_first_permit"},
		"no denial":         {top(record("r1")+","+record("r3"), `,"evaluations_semantic":"deny_on_first_deny"`), []bool{true, true}, ""},
		"no permit":         {top(record("r2")+","+record("r2"), `,"evaluations_semantic":"permit_on_first_permit"`), []bool{false, false}, ""},
		"nothing of an own": {top(`{},{}`, ""), []bool{true, true}, ""},
		"null members":      {top(`{"subject":null,"resource":null}`, ""), []bool{true}, ""},
		"broken":            {top(`{"resource":5},`+record("r1")+`,{"resource":{"type":"record"}},"x",`+record("panic"), ""), []bool{false, true, false, false, false}, ""},
		"broken ends it":    {top(`{"resource":5},`+record("r1"), `,"evaluations_semantic":"deny_on_first_deny"`), []bool{false}, ""},
		"broken is no permit": {
			top(`{"resource":5},`+record("r1")+`,`+record("r1"), `,"evaluations_semantic":"permit_on_first_permit"`),
			[]bool{false, true},
			"permit_on_first_permit",
		},
	} {
		answers, _ := batch(t, c.body)
		reason := ""
		if s, ok := answers[len(answers)-1]["context"].(map[string]any)["reason"]; ok {
			reason = s.(string)
		}
		if !slices.Equal(decisions(answers), c.want) || reason != c.last {
			t.Errorf("%s: %v %q, want %v %q", name, decisions(answers), reason, c.want, c.last)
		}
	}
}

// A question has its own parts as a whole, and those of the request otherwise.
func TestAuthZENBatchDefaults(t *testing.T) {
	t.Parallel()
	_, h := batch(t, `{
		"subject":{"type":"user","id":"u1","properties":{"role":"a"}},"action":{"name":"read","properties":{"soft":true}},
		"resource":{"type":"record","id":"r1","properties":{"status":"active"}},"context":{"ip":"203.0.113.7","channel":"web"},
		"evaluations":[{},{"subject":{"type":"user","id":"u2"}},{"resource":{"type":"record","id":"r3"},"context":{"language":"de"}},{"action":{"name":"write"}}]}`)
	var got []string
	for _, e := range h.engine.events {
		a := e.Attributes
		got = append(got, fmt.Sprintf("%s/%s %s/%s %s/%s %s/%s/%s", e.User.ID, a["subject.role"], a["action.name"], a["action.soft"],
			a["resource.id"], a["resource.status"], e.Client.IP, e.Client.Language, a["context.channel"]))
	}
	want := []string{
		"u1/a read/true r1/active 203.0.113.7//web", "u2/ read/true r1/active 203.0.113.7//web", "u1/a read/true r3/ ::/de/", "u1/a write/ r1/active 203.0.113.7//web",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAuthZENBatchErrors(t *testing.T) {
	t.Parallel()
	answers, h := batch(t, `{"subject":{"type":"user","id":"u1"},"action":{"name":"read"},"resource":"secret",
		"evaluations":[{},{"resource":{"type":"record","id":"r1"}},7,{"action":{},"resource":{"type":"x"}},{"resource":{"type":"record","id":"panic"}}]}`)
	var got []string
	for _, a := range answers {
		context := a["context"].(map[string]any)
		if e, ok := context["error"].(map[string]any); ok {
			got = append(got, fmt.Sprint(e["status"], " ", e["message"]))
		} else {
			got = append(got, context["riskd"].(map[string]any)["effect"].(string))
		}
	}
	want := []string{"400 resource: must be an object", "allow", "400 document: must be an object", "400 action.name: is required; resource.id: is required", "500 " + failedDetail}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(h.panics) != 1 {
		t.Errorf("panics: %v", h.panics)
	}
}

// Without questions the batch is the single evaluation.
func TestAuthZENBatchOfNone(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	single := post(h.gateway, evaluationPath, plainQuestion).Body.String()
	for _, none := range []string{"", `,"evaluations":[]`, `,"evaluations":null`, `,"options":{"evaluations_semantic":"deny_on_first_deny"}`} {
		w := post(h.gateway, evaluationsPath, strings.TrimSuffix(plainQuestion, "}")+none+"}")
		if w.Code != 200 || w.Body.String() != single {
			t.Errorf("%s: %d %s", none, w.Code, w.Body)
		}
	}
	many := `{"evaluations":[` + strings.TrimSuffix(strings.Repeat("{},", MaxEvaluations+1), ",") + `]}`
	if w := post(h.gateway, evaluationsPath, many); w.Code != 400 || !strings.Contains(w.Body.String(), "evaluations[100]: is one too many") {
		t.Errorf("too many: %d %s", w.Code, w.Body)
	}
	if w := post(h.gateway, evaluationsPath, strings.Replace(many, "{},", "", 1)); w.Code != 200 {
		t.Errorf("just as many: %d %s", w.Code, w.Body)
	}
	if w := post(h.gateway, evaluationsPath, `{"evaluations":{}}`); w.Code != 400 {
		t.Errorf("an object: %d", w.Code)
	}
}

func TestAuthZENRequestID(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = stepUp
	for id, back := range map[string]bool{
		"6f1f0c0e-6d53-4f0a-9a0b-3b1a7e7d0001": true, "anything goes; even ~ this": true, strings.Repeat("x", 256): true,
		"": false, strings.Repeat("x", 257): false, "a\nb": false, "a\x00b": false, "é": false,
	} {
		for path, body := range map[string]string{evaluationPath: plainQuestion, evaluationsPath: questions, metadataPath: "", evaluationPath + "#": "{}"} {
			path, _, _ = strings.Cut(path, "#")
			method := "POST"
			if body == "" {
				method = "GET"
			}
			r := request(method, path, body)
			r.Header["X-Request-Id"] = []string{id}
			if got := send(h.gateway, r).Header().Get("X-Request-ID"); back && got != id || !back && got != "" {
				t.Errorf("%s: %q comes back as %q", path, id, got)
			}
		}
	}
	h.engine.answer = nil // it panics
	r := request("POST", evaluationPath, plainQuestion)
	r.Header.Set("X-Request-ID", "a")
	if w := send(h.gateway, r); w.Code != 500 || w.Header().Get("X-Request-ID") != "a" {
		t.Errorf("a failure: %d %q", w.Code, w.Header().Get("X-Request-ID"))
	}
	r = request("POST", evaluationPath, plainQuestion)
	r.Header["X-Request-Id"] = []string{"a", "b"}
	if got := send(h.gateway, r).Header().Values("X-Request-ID"); got != nil {
		t.Errorf("two come back as %q", got)
	}
}

func TestAuthZENMetadata(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	get := func() (int, http.Header, string) {
		w := send(h.gateway, request("GET", metadataPath, ""))
		return w.Code, w.Header(), w.Body.String()
	}
	want := `{"policy_decision_point":"https://riskd.example","access_evaluation_endpoint":"https://riskd.example/access/v1/evaluation",` +
		`"access_evaluations_endpoint":"https://riskd.example/access/v1/evaluations","supported_obligations":["step-up","session_termination","custom"]}`
	if code, header, body := get(); code != 200 || body != want || header.Get("Cache-Control") != "max-age=3600" || header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %s", code, header, body)
	}
	h.PublicURL = ""
	if code, header, body := get(); code != 404 || !strings.Contains(body, "gateway.public_url") || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", code, header, body)
	}
	for _, path := range []string{"/access/v1/search/subject", "/access/v1/search/resource", "/access/v1/search/action"} {
		if w := post(h.gateway, path, plainQuestion); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for url, good := range map[string]bool{
		"": true, "https://riskd.example": true, "https://riskd.example:8443": true, "https://[2001:db8::1]:8443": true,
		"http://riskd.example": false, "https://riskd.example/": false, "https://riskd.example/a": false, "https://riskd.example?a": false,
		"https://riskd.example#": false, "https://u@riskd.example": false, "https://": false, "https://:8443": false, "riskd.example": false, "https:riskd": false,
	} {
		if err := ValidatePublicURL(url); (err == nil) != good {
			t.Errorf("%q: %v", url, err)
		}
	}
}

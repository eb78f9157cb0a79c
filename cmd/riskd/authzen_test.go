package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// authzen is a riskd that answers as AuthZEN's certification wants it to.
func authzen(t *testing.T) *running {
	t.Helper()
	pack, err := filepath.Abs("../../fixtures/packs/authzen")
	if err != nil {
		t.Fatal(err)
	}
	return serving(t, "gateway: {listen: \"127.0.0.1:0\", public_url: \"https://riskd.example.com\"}\npolicy: {pack: "+pack+"}\n")
}

const (
	alice    = `"subject":{"type":"user","id":"alice"}`
	bob      = `"subject":{"type":"user","id":"bob"}`
	record1  = `"resource":{"type":"record","id":"record-1"}`
	archived = `"resource":{"type":"record","id":"record-2","properties":{"status":"archived"}}`
	reads    = `"action":{"name":"read"}`
	writes   = `"action":{"name":"write"}`
)

// The decisions that certification asks for, as members of a question.
var certified = []struct {
	question string
	want     bool
}{
	{alice + "," + reads + "," + record1, true},
	{alice + "," + writes + "," + record1, true},
	{bob + "," + reads + "," + record1, true},
	{bob + "," + writes + "," + record1, false},
	{alice + "," + writes + "," + archived, false},
	{`"subject":{"type":"user","id":"bob","properties":{"role":"admin"}},` + writes + "," + archived, true},
	{alice + `,"action":{"name":"delete","properties":{"soft":true}},` + record1, true},
	{alice + `,"action":{"name":"delete","properties":{"soft":false}},` + record1, false},
}

// The same question is answered the same, however often, whatever was asked
// meanwhile, whatever the context says, and with members that nobody knows.
func TestAuthZENCertification(t *testing.T) {
	t.Parallel()
	r := authzen(t)
	extras := []string{
		"", `,"context":{}`, `,"context":{"time":"1985-10-26T01:22-07:00"}`, `,"context":{"ip":"203.0.113.7","user_agent":"curl/8.5.0"}`,
		`,"context":{"ip":"2001:db8::7","geo":{"country":"FR"},"supported_obligations":[]}`, `,"unknown":{"a":[1]},"evaluations":[]`, "",
	}
	for round, extra := range extras {
		for i, c := range certified {
			for _, path := range []string{"/access/v1/evaluation", "/access/v1/evaluations"} {
				status, body := r.post(r.gateway+path, "{"+c.question+extra+"}")
				answer := struct {
					Decision any
					Context  map[string]any
				}{}
				if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || answer.Decision != c.want || answer.Context == nil {
					t.Errorf("decision %d, round %d, %s: %d %s %v", i+1, round, path, status, body, err)
				}
			}
		}
	}
	var items, want []string
	for _, c := range certified {
		items, want = append(items, "{"+c.question+"}"), append(want, fmt.Sprint(c.want))
	}
	if got := r.decides(`{"evaluations":[` + strings.Join(items, ",") + `]}`); got != strings.Join(want, " ") {
		t.Errorf("all at once: %s", got)
	}
}

// decides gives the decisions on several questions.
func (r *running) decides(body string) string {
	r.t.Helper()
	status, answer := r.post(r.gateway+"/access/v1/evaluations", body)
	var out struct {
		Evaluations []struct{ Decision bool }
	}
	if err := json.Unmarshal([]byte(answer), &out); err != nil || status != 200 {
		r.t.Fatalf("%s: %d %s %v", body, status, answer, err)
	}
	var got []string
	for _, e := range out.Evaluations {
		got = append(got, fmt.Sprint(e.Decision))
	}
	return strings.Join(got, " ")
}

func TestAuthZENCertificationOfBatches(t *testing.T) {
	t.Parallel()
	r := authzen(t)
	for name, c := range map[string]struct{ body, want string }{
		"defaults":             {`{` + alice + `,` + writes + `,"evaluations":[{` + record1 + `},{` + archived + `}]}`, "true false"},
		"an own subject":       {`{` + bob + `,` + writes + `,` + record1 + `,"evaluations":[{},{` + alice + `}]}`, "false true"},
		"parts are whole":      {`{"subject":{"type":"user","id":"bob","properties":{"role":"admin"}},` + writes + `,` + archived + `,"evaluations":[{},{` + bob + `}]}`, "true false"},
		"nothing of their own": {`{` + alice + `,` + reads + `,` + record1 + `,"context":{"ip":"203.0.113.7"},"evaluations":[{},{}]}`, "true true"},
		"an own context":       {`{` + alice + `,` + reads + `,` + record1 + `,"context":{"a":1},"evaluations":[{"context":{"b":2}},{}]}`, "true true"},
		"a broken one":         {`{` + alice + `,` + reads + `,"evaluations":[{` + record1 + `},{"resource":{"type":"record"}},{},{` + record1 + `}]}`, "true false false true"},
		"up to a denial":       {`{` + alice + `,` + writes + `,"options":{"evaluations_semantic":"deny_on_first_deny"},"evaluations":[{` + record1 + `},{` + archived + `},{` + record1 + `}]}`, "true false"},
		"up to a permit":       {`{` + alice + `,` + writes + `,"options":{"evaluations_semantic":"permit_on_first_permit"},"evaluations":[{` + archived + `},{` + record1 + `},{` + record1 + `}]}`, "false true"},
		"all":                  {`{` + alice + `,` + writes + `,"options":{"evaluations_semantic":"execute_all"},"evaluations":[{` + archived + `},{` + record1 + `},{` + archived + `}]}`, "false true false"},
	} {
		if got := r.decides(c.body); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// What certification wants answered 400, the request id, and the metadata, over the
// wire.
func TestAuthZENCertificationOfTheWire(t *testing.T) {
	t.Parallel()
	r := authzen(t)
	good := "{" + certified[0].question + "}"
	send := func(method, path, body, contentType string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequest(method, r.gateway+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("X-Request-ID", "cert-1")
		answer, err := http.DefaultClient.Do(request)
		_, text := read(t, answer, err)
		if answer.Header.Get("X-Request-ID") != "cert-1" {
			t.Errorf("%s %s: the request id comes back as %q", path, body, answer.Header.Get("X-Request-ID"))
		}
		return answer, text
	}
	for name, c := range map[string]struct{ body, contentType string }{
		"empty": {"", "application/json"}, "no JSON": {"{", "application/json"}, "text": {good, "text/plain"},
		"no subject":       {`{` + reads + `,` + record1 + `}`, "application/json"},
		"no action":        {`{` + alice + `,` + record1 + `}`, "application/json"},
		"no resource":      {`{` + alice + `,` + reads + `}`, "application/json"},
		"no subject type":  {`{"subject":{"id":"alice"},` + reads + `,` + record1 + `}`, "application/json"},
		"no subject id":    {`{"subject":{"type":"user"},` + reads + `,` + record1 + `}`, "application/json"},
		"no action name":   {`{` + alice + `,"action":{},` + record1 + `}`, "application/json"},
		"no resource type": {`{` + alice + `,` + reads + `,"resource":{"id":"record-1"}}`, "application/json"},
		"no resource id":   {`{` + alice + `,` + reads + `,"resource":{"type":"record"}}`, "application/json"},
		"subject a string": {`{"subject":"alice",` + reads + `,` + record1 + `}`, "application/json"},
		"name a number":    {`{` + alice + `,"action":{"name":1},` + record1 + `}`, "application/json"},
	} {
		for _, path := range []string{"/access/v1/evaluation", "/access/v1/evaluations"} {
			if answer, body := send("POST", path, c.body, c.contentType); answer.StatusCode != 400 {
				t.Errorf("%s %s: %d %s", path, name, answer.StatusCode, body)
			}
		}
	}
	if answer, body := send("POST", "/access/v1/evaluation", good, "application/json"); answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("good: %d %s", answer.StatusCode, body)
	}
	answer, body := send("GET", "/.well-known/authzen-configuration", "", "")
	var document map[string]any
	if err := json.Unmarshal([]byte(body), &document); err != nil || answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("metadata: %d %s %v", answer.StatusCode, body, err)
	}
	if document["policy_decision_point"] != "https://riskd.example.com" || len(document) != 4 {
		t.Errorf("metadata: %v", document)
	}
	for name, v := range document {
		if list, ok := v.([]any); ok && len(list) == 0 || !ok && !strings.HasPrefix(v.(string), "https://riskd.example.com") {
			t.Errorf("metadata: %s is %v", name, v)
		}
	}
	for _, search := range []string{"subject", "resource", "action"} {
		if status, _ := r.post(r.gateway+"/access/v1/search/"+search, good); status != 404 {
			t.Errorf("search of %s: %d", search, status)
		}
	}
}

// What differs from run to run in an answer.
var varying = regexp.MustCompile(`"(decision_id|session|step_up|policy_revision|session_expires_at)":"[^"]*"|"revocation_epoch":\d+|at \d{4}-[^ ]* by`)

// The same with the default pack: a payment without a fresh proof, an order over a
// session and one over a user, as a gateway gets to know them.
func TestAuthZENWithTheDefaultPack(t *testing.T) {
	t.Parallel()
	r := serving(t, "drain: {wait: 0s, limit: 1m}\n")
	ask := func(session, user, sensitivity, context string) string {
		t.Helper()
		status, body := r.post(r.gateway+"/access/v1/evaluation", `{"subject":{"type":"session","id":"`+session+`","properties":{"user":"`+user+`"}},"action":{"name":"POST"},
			"resource":{"type":"route","id":"/payments/{id}","properties":{"sensitivity":"`+sensitivity+`"}},"context":{"ip":"203.0.113.7"`+context+`}}`)
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		return varying.ReplaceAllString(body, "…")
	}
	order := func(target string) {
		t.Helper()
		if status, body := r.post(r.admin+"/v1/revocations", `{"target":`+target+`,"reason":"stolen","actor":"ann","confirm":true}`); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	same := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
		}
	}
	const (
		challenge = `{"decision":false,"context":{"acr_values":"aal2 aal3 phr phrh","amr_values":"mfa hwk","max_age":300,` +
			`"reason_admin":{"401":"stale_proof: level 0, class sensitive, proof -1 s old (-1: unknown)"},"reason_user":{"401":"Please confirm that it is you before you do this."},`
		challenged = `"riskd":{…,"effect":"step_up","score":0,"level":"LOW",…,"pack":"default",…,"reasons":["stale_proof"],…,…,"lease":{"valid_for_ms":0,…},"degraded":["geo_missing"]}}}`
		ended      = `"riskd":{…,"effect":"revoke","score":100,"level":"HIGH",…,"pack":"default",…,"reasons":[],"lease":{"valid_for_ms":0,…}}}}`
		signIn     = `"reason_user":{"401":"Your session has ended. Please sign in again."},`
	)
	same("allow", ask("raw-s1", "ann", "low", ""),
		`{"decision":true,"context":{"riskd":{…,"effect":"allow","score":0,"level":"LOW",…,"pack":"default",…,"reasons":[],…,"lease":{"valid_for_ms":5000,…},"degraded":["geo_missing"]}}}`)
	same("step-up", ask("raw-s1", "ann", "high", ""), challenge+
		`"obligations":[{"id":"o1","type":"step-up","properties":{"acr_value":"aal2","amr_values":["mfa","hwk"]}}],`+challenged)
	same("step-up, unsupported", ask("raw-s1", "ann", "high", `,"supported_obligations":["custom"]`), challenge+challenged)
	order(`{"session_id":"raw-s1"}`)
	same("session revoked", ask("raw-s1", "ann", "low", ""), `{"decision":false,"context":{"reason_admin":{"401":"session revoked … ann: stolen"},`+signIn+
		`"obligations":[{"id":"o1","type":"custom","properties":{"vendor":"riskd","action":"terminate_session",…}}],`+ended)
	order(`{"user":"bob"}`)
	same("user revoked", ask("raw-s2", "bob", "low", ""), `{"decision":false,"context":{"reason_admin":{"401":"user revoked … ann: stolen"},`+signIn+
		`"obligations":[{"id":"o1","type":"session_termination","properties":{"subject":"bob"}}],`+ended)
	same("user revoked, unsupported", ask("raw-s2", "bob", "low", `,"supported_obligations":["custom"]`),
		`{"decision":false,"context":{"reason_admin":{"401":"user revoked … ann: stolen"},`+signIn+ended)
	if err := r.end(); err != nil {
		t.Error(err)
	}
	if log := r.log.text(); strings.Contains(log, "raw-s") {
		t.Errorf("the log has a raw session id:\n%s", log)
	}
}

var (
	shownCall   = regexp.MustCompile("(?s)curl -s http://127\\.0\\.0\\.1:8181(\\S+) [^\n]*-d '(.*?)'\n```\n\n```json\n(.*?)\n```")
	shownPolicy = regexp.MustCompile(`"(decision_id|step_up|session|policy_revision|session_expires_at)":"[^"]*"`)
)

// The page's calls are answered as it says.
func TestAuthZENDocumentIsTrue(t *testing.T) {
	t.Parallel()
	r := serving(t, "")
	calls := shownCall.FindAllStringSubmatch(string(readFile(t, "../../docs/authzen.md")), -1)
	if len(calls) != 2 {
		t.Fatalf("the page has %d calls", len(calls))
	}
	for _, c := range calls {
		status, got := r.post(r.gateway+c[1], c[2])
		if got, want := shownPolicy.ReplaceAllString(got, "…"), shownPolicy.ReplaceAllString(c[3], "…"); status != 200 || got != want {
			t.Errorf("%s:\ngot  %d %s\nwant %s", c[1], status, got, want)
		}
	}
}

package api

import (
	stdjson "encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// question has something in every member that riskd reads of one.
const question = `{
	"subject":{"type":"session","id":"raw-1","properties":{
		"session_id":"raw-1","sid":"raw-1","previous_session_id":"raw-0","session_started_at":"2026-11-21T09:00:00Z","auth_time":1795248000,
		"acr":"aal1","amr":["pwd"],"user":"u1","user_type":"staff","roles":["admin"],"device_id":"d1","device_fingerprint":"f1",
		"device_compliant":false,"tenant":"shop","role":"admin","department":null,"score":1.5}},
	"action":{"name":"POST","properties":{"privilege":"refund","privilege_level":3,"activity":"background","soft":true}},
	"resource":{"type":"route","id":"/payments/{id}","properties":{"class":"sensitive","sensitivity":"high","object":"p-1","status":"archived"}},
	"context":{"tenant":"shop","ip":"203.0.113.7","user_agent":"Mozilla/5.0","ja4":"t13d","language":"de","time":"2026-11-21T11:59:00Z",
		"environment":"production","session_id":"raw-1","supported_obligations":["step-up","custom"],"geo":{"country":"FR"},"tags":[1,"a"]}}`

const questions = `{
	"subject":{"type":"user","id":"u1"},"action":{"name":"GET"},"context":{"ip":"203.0.113.7"},
	"evaluations":[{"resource":{"type":"route","id":"/a"}},{},{"resource":{"type":"record","id":"r1"},"subject":{"type":"session","id":"raw-1"}}],
	"options":{"evaluations_semantic":"execute_all"}}`

// plainQuestion is the smallest one.
const plainQuestion = `{"subject":{"type":"user","id":"u1"},"action":{"name":"read"},"resource":{"type":"record","id":"r1"}}`

func TestAuthZENQuestionBecomesAnEvent(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	no := false
	if w := post(h.gateway, evaluationPath, question); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	got, _ := h.engine.last(t)
	want := riskd.Event{
		Time: noon.Add(-time.Minute), Tenant: "shop",
		Session: riskd.EventSession{
			ID: h.key.ID("shop", "raw-1"), PreviousID: h.key.ID("shop", "raw-0"),
			StartedAt: noon.Add(-3 * time.Hour), AuthTime: time.Unix(1795248000, 0).UTC(), ACR: "aal1", AMR: []string{"pwd"},
		},
		User:   riskd.User{ID: "u1", Type: "staff", Roles: []string{"admin"}},
		Device: riskd.Device{ID: "d1", Fingerprint: "f1", Compliant: &no},
		Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "Mozilla/5.0", JA4: "t13d", Language: "de"},
		Request: riskd.Request{
			Method: "POST", Route: "/payments/{id}", Class: riskd.ClassSensitive, Activity: riskd.Background, Object: h.key.Mark("object", "shop", "p-1"),
		},
		Privilege: riskd.Privilege{Level: 3, Action: "refund"}, Environment: "production",
		Attributes: map[string]string{
			"subject.type": "session", "subject.role": "admin", "subject.score": "1.5", "action.name": "POST", "action.soft": "true",
			"resource.type": "route", "resource.id": "/payments/{id}", "resource.status": "archived",
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every place of every fact brings that fact alone; the test knows what the place
// says by what it is a place of.
func TestAuthZENFactsFromEveryPlace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	values := map[int]string{
		factTime: `"2026-11-21T11:00:00Z"`, factStarted: `1795248000`, factAuthTime: `"2026-11-21T11:00:00Z"`, factAMR: `"pwd otp"`, factRoles: `"a"`,
		factCompliant: `true`, factIP: `"203.0.113.7"`, factClass: `"critical"`, factActivity: `"background"`, factLevel: `7`, factUser: `"u1"`,
	}
	plainEvent := eventOf(t, h, plainQuestion)
	for at, known := range places {
		section, _, _ := strings.Cut(at[0], ".")
		name, path, fact := at[1], known.path, known.fact
		value := values[fact]
		if value == "" {
			value = `"x"`
		}
		member := fmt.Sprintf(`{"%s":%s}`, name, value)
		body := strings.TrimSuffix(plainQuestion, "}") + `,"context":` + member + "}"
		if section != "context" {
			at := strings.Index(plainQuestion, `"`+section+`":{`) + len(section) + 4
			body = plainQuestion[:at] + `"properties":` + member + "," + plainQuestion[at:]
		}
		if section == "resource" && name == "object" { // the id is another
			body = strings.Replace(body, `"id":"r1"`, `"id":"x"`, 1)
		}
		e := eventOf(t, h, body)
		if fact == factUser { // which the subject is already
			continue
		}
		if len(e.Attributes) != len(plainEvent.Attributes) || reflect.DeepEqual(e, plainEvent) {
			t.Errorf("%s: says nothing of %s: %+v", path, facts[fact].to, e)
		}
	}
}

func eventOf(t *testing.T, h *house, body string) riskd.Event {
	t.Helper()
	if w := post(h.gateway, evaluationPath, body); w.Code != 200 {
		t.Fatalf("%s: %d %s", body, w.Code, w.Body)
	}
	e, _ := h.engine.last(t)
	return e
}

// Whom a question is about, and by which session, if the caller doesn't say.
func TestAuthZENSubjects(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ask := func(subject, context string) riskd.Event {
		return eventOf(t, h, `{"subject":`+subject+`,"action":{"name":"read"},"resource":{"type":"record","id":"r1"},"context":`+context+`}`)
	}
	user := ask(`{"type":"user","id":"u1"}`, `{}`)
	if !user.Session.Implied || user.Session.ID != h.key.Subject("", "user", "u1", time.Time{}) || user.User.ID != "u1" || user.Client.IP != netip.IPv6Unspecified() {
		t.Errorf("a user alone: %+v", user)
	}
	seen := map[riskd.SessionID]string{h.key.ID("", "u1"): "the session u1", h.key.ID("", "user"): "the session user"}
	for name, e := range map[string]riskd.Event{
		"user":              user,
		"another user":      ask(`{"type":"user","id":"u2"}`, `{}`),
		"identity":          ask(`{"type":"identity","id":"u1"}`, `{}`),
		"service":           ask(`{"type":"service","id":"u1"}`, `{}`),
		"another tenant's":  ask(`{"type":"user","id":"u1"}`, `{"tenant":"shop"}`),
		"signed in again":   ask(`{"type":"user","id":"u1"}`, `{"session_started_at":1795248000}`),
		"a session's":       ask(`{"type":"session","id":"u3"}`, `{}`),
		"by context":        ask(`{"type":"user","id":"u1"}`, `{"session_id":"raw-1"}`),
		"in another tenant": ask(`{"type":"user","id":"u1"}`, `{"session_id":"raw-1","tenant":"shop"}`),
	} {
		if other := seen[e.Session.ID]; other != "" {
			t.Errorf("%s has the session of %s", name, other)
		}
		seen[e.Session.ID] = name
		if named := strings.Contains(name, "session") || strings.Contains(name, "context") || strings.Contains(name, "in another"); named == e.Session.Implied {
			t.Errorf("%s: implied %t", name, e.Session.Implied)
		}
	}
	if e := ask(`{"type":"service","id":"cron"}`, `{}`); e.User.Type != "service" || e.User.ID != "cron" {
		t.Errorf("a service is %+v", e.User)
	}
	e := ask(`{"type":"session","id":"raw-1","properties":{"user":"u1"}}`, `{"session_id":"raw-1"}`)
	if e.Session.ID != h.key.ID("", "raw-1") || e.User.ID != "u1" || e.Attributes["subject.id"] != "" {
		t.Errorf("both forms that agree: %+v", e)
	}
}

func TestAuthZENResources(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	of := func(resource string) riskd.Event {
		return eventOf(t, h, `{"subject":{"type":"user","id":"u1"},"action":{"name":"read"},"resource":`+resource+`}`)
	}
	if e := of(`{"type":"record","id":"r1"}`); e.Request.Route != "record" || e.Request.Object != h.key.Mark("object", "", "r1") || e.Attributes["resource.id"] != "r1" {
		t.Errorf("a record: %+v", e)
	}
	if e := of(`{"type":"route","id":"/a/{id}"}`); e.Request.Route != "/a/{id}" || e.Request.Object != 0 {
		t.Errorf("a route: %+v", e)
	}
	long := strings.Repeat("x", 300)
	if e := of(`{"type":"record","id":"` + long + `"}`); e.Attributes["resource.id"] != "" || e.Request.Object != h.key.Mark("object", "", long) {
		t.Errorf("a long id: %+v", e)
	}
	for word, want := range map[string]riskd.Class{
		`"open"`: riskd.ClassOpen, `"public"`: riskd.ClassOpen, `"standard"`: 0, `"normal"`: 0, `"low"`: 0, `"Medium"`: 0, `""`: 0,
		`"sensitive"`: riskd.ClassSensitive, `"HIGH"`: riskd.ClassSensitive, `"admin"`: riskd.ClassAdmin, `"critical"`: riskd.ClassAdmin,
		`"top secret"`: riskd.ClassSensitive, `4`: riskd.ClassSensitive, `true`: riskd.ClassSensitive, `["low"]`: riskd.ClassSensitive, `{}`: riskd.ClassSensitive,
	} {
		for _, name := range []string{"class", "sensitivity"} {
			if e := of(`{"type":"record","id":"r1","properties":{"` + name + `":` + word + `}}`); e.Request.Class != want {
				t.Errorf("%s %s is %s, want %s", name, word, e.Request.Class, want)
			}
		}
	}
	if e := of(`{"type":"record","id":"r1","properties":{"class":"sensitive","sensitivity":"high"}}`); e.Request.Class != riskd.ClassSensitive {
		t.Errorf("two words for one class: %s", e.Request.Class)
	}
}

// Times that can't be gone by, AuthZEN's own example among them, count as now.
func TestAuthZENTimes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for value, odd := range map[string]bool{
		`"2026-11-21T11:59:00Z"`: false, `1795262340`: false, `"2026-11-21T12:01:00+00:00"`: false,
		`"1985-10-26T01:22-07:00"`: true, `"2024-10-26T01:22:00Z"`: true, `"soon"`: true, `-1`: true, `1e300`: true, `true`: true, `{}`: true,
	} {
		e := eventOf(t, h, strings.TrimSuffix(plainQuestion, "}")+`,"context":{"time":`+value+`}}`)
		if got := len(e.Degraded) == 1 && e.Degraded[0] == timeUnusable; got != odd || odd != e.Time.Equal(noon) {
			t.Errorf("%s: %v at %s", value, e.Degraded, e.Time)
		}
	}
	e := eventOf(t, h, strings.TrimSuffix(plainQuestion, "}")+`,"context":{"environment":{"os":"x"},"supported_obligations":"step-up"}}`)
	if e.Environment != "" || e.Attributes["context.supported_obligations"] != "step-up" {
		t.Errorf("others' words are taken for ours: %+v", e)
	}
}

// What the checklist wants refused, and what would let two programs read two
// different questions. No answer quotes what was sent.
func TestAuthZENRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	without := func(part string) string { return strings.Replace(plainQuestion, `"`+part+`"`, `"x"`, 1) }
	in := func(section, properties string) string {
		return strings.Replace(plainQuestion, `"`+section+`":{`, `"`+section+`":{"properties":`+properties+`,`, 1)
	}
	with := func(more string) string { return strings.TrimSuffix(plainQuestion, "}") + "," + more + "}" }
	many := make([]string, riskd.MaxList)
	for i := range many {
		many[i] = fmt.Sprintf(`"p%d":1`, i)
	}
	for name, c := range map[string]struct{ body, want string }{
		"empty":                {"", "empty"},
		"no subject":           {without("subject"), "subject: is required"},
		"no action":            {without("action"), "action: is required"},
		"no resource":          {without("resource"), "resource: is required"},
		"null subject":         {strings.Replace(plainQuestion, `{"type":"user","id":"u1"}`, "null", 1), "subject: is required"},
		"no subject type":      {strings.Replace(plainQuestion, `"type":"user",`, "", 1), "subject.type: is required"},
		"no subject id":        {strings.Replace(plainQuestion, `,"id":"u1"`, "", 1), "subject.id: is required"},
		"no action name":       {strings.Replace(plainQuestion, `"name":"read"`, "", 1), "action.name: is required"},
		"no resource type":     {strings.Replace(plainQuestion, `"type":"record",`, "", 1), "resource.type: is required"},
		"no resource id":       {strings.Replace(plainQuestion, `,"id":"r1"`, "", 1), "resource.id: is required"},
		"empty id":             {strings.Replace(plainQuestion, `"u1"`, `""`, 1), "subject.id: is required"},
		"nothing":              {`{}`, "subject: is required"},
		"subject a string":     {strings.Replace(plainQuestion, `{"type":"user","id":"u1"}`, `"u1"`, 1), "subject: must be an object"},
		"name a number":        {strings.Replace(plainQuestion, `"read"`, `5`, 1), "action.name: must be a string"},
		"id a number":          {strings.Replace(plainQuestion, `"r1"`, `5`, 1), "resource.id: must be a string"},
		"properties a list":    {in("subject", `[]`), "subject.properties: must be an object"},
		"context a string":     {with(`"context":"x"`), "context: must be an object"},
		"an array":             {"[" + plainQuestion + "]", "document: must be an object"},
		"no JSON":              {`{"subject":`, "ends in the middle"},
		"two documents":        {plainQuestion + plainQuestion, "document: goes on"},
		"invalid UTF-8":        {strings.Replace(plainQuestion, "u1", "\xff", 1), "UTF-8"},
		"duplicate subject":    {with(`"subject":{"type":"user","id":"u2"}`), "subject: is given twice"},
		"duplicate id":         {strings.Replace(plainQuestion, `"id":"u1"`, `"id":"u1","id":"u2"`, 1), "subject.id: is given twice"},
		"duplicate property":   {in("subject", `{"role":"a","role":"b"}`), "subject.properties: has a member that is given twice"},
		"another case":         {with(`"Subject":{"type":"user","id":"u2"}`), "document: has a member that differs from another only by case"},
		"case alone":           {with(`"Context":{"ip":"203.0.113.7"}`), "document: has a member that differs from another only by case"},
		"case of an id":        {strings.Replace(plainQuestion, `"id":"u1"`, `"id":"u1","ID":"u2"`, 1), "subject: has a member that differs"},
		"case of a property":   {in("subject", `{"role":"a","Role":"b"}`), "subject.properties: has a member that differs"},
		"case in a context":    {with(`"context":{"ip":"203.0.113.7","IP":"203.0.113.8"}`), "context: has a member that differs"},
		"deep":                 {with(`"context":{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`), "document: is nested more than 16 deep"},
		"two session ids":      {with(`"context":{"session_id":"a"}`)[:len(plainQuestion)-1] + `,"context":{"session_id":"a","previous_session_id":1}}`, "context.previous_session_id: must be of this kind: string"},
		"a session's two ids":  {`{"subject":{"type":"session","id":"a"},"action":{"name":"r"},"resource":{"type":"x","id":"y"},"context":{"session_id":"b"}}`, "context.session_id: says something else than subject.id"},
		"two sids":             {in("subject", `{"sid":"a","session_id":"b"}`), "subject.properties.session_id: says something else than subject.properties.sid"},
		"two users":            {in("subject", `{"user":"u2"}`), "subject.properties.user: says something else than subject.id"},
		"two tenants":          {strings.TrimSuffix(in("subject", `{"tenant":"a"}`), "}") + `,"context":{"tenant":"b"}}`, "context.tenant: says something else than subject.properties.tenant"},
		"two classes":          {in("resource", `{"class":"open","sensitivity":"high"}`), "resource.properties.sensitivity: says something else than resource.properties.class"},
		"two objects":          {in("resource", `{"object":"r2"}`), "resource.properties.object: says something else than resource.id"},
		"an address with port": {with(`"context":{"ip":"203.0.113.7:443"}`), "context.ip: must be an IPv4 or IPv6 address"},
		"an address a number":  {with(`"context":{"ip":5}`), "context.ip: must be of this kind"},
		"an odd auth_time":     {in("subject", `{"auth_time":"now"}`), "subject.properties.auth_time: must be of this kind: RFC 3339 or Unix seconds"},
		"a negative auth_time": {in("subject", `{"auth_time":-1}`), "subject.properties.auth_time: must be of this kind"},
		"roles of numbers":     {in("subject", `{"roles":[1]}`), "subject.properties.roles: must be of this kind: array of strings"},
		"a long role":          {in("subject", `{"roles":["`+strings.Repeat("x", 65)+`"]}`), "subject.properties.roles: must be 1 to 64 bytes long"},
		"an odd compliance":    {in("subject", `{"device_compliant":"yes"}`), "subject.properties.device_compliant: must be of this kind: boolean"},
		"an odd level":         {in("action", `{"privilege":11}`), "action.properties.privilege: must be of this kind: number, 0 to 10"},
		"an odd activity":      {with(`"context":{"activity":"idle"}`), "context.activity: must be of this kind: interactive or background"},
		"a long id":            {strings.Replace(plainQuestion, "u1", strings.Repeat("u", 257), 1), "subject.id: is 257 bytes long"},
		"a long type":          {strings.Replace(plainQuestion, `"user"`, `"`+strings.Repeat("u", 65)+`"`, 1), "subject.type: is 65 bytes long"},
		"a long name":          {strings.Replace(plainQuestion, "read", strings.Repeat("r", 65), 1), "action.name: is 65 bytes long"},
		"a long object":        {strings.Replace(plainQuestion, "r1", strings.Repeat("r", 2049), 1), "resource.id: is too long"},
		"a long property":      {in("subject", `{"role":"`+strings.Repeat("x", 257)+`"}`), "subject.properties.role: has a value of 257 bytes"},
		"a property's name":    {with(`"context":{"` + strings.Repeat("x", 57) + `":1}`), "context: has a name that is too long"},
		"many properties":      {with(`"context":{` + strings.Join(many, ",") + `}`), "context: has too many members"},
		"an odd option":        {with(`"options":{"evaluations_semantic":"first"}`), "options.evaluations_semantic: must be execute_all, deny_on_first_deny or permit_on_first_permit"},
		"options a list":       {with(`"options":[]`), "options: must be an object"},
	} {
		for _, path := range []string{evaluationPath, evaluationsPath} {
			w := post(h.gateway, path, c.body)
			if c.body == "" {
				r := request("POST", path, "")
				r.Header.Set("Content-Type", "application/json")
				w = send(h.gateway, r)
			}
			if w.Code != 400 || w.Header().Get("Content-Type") != "application/problem+json" || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("%s: %s\ngot %d %s\nwant %s", name, c.body, w.Code, w.Body, c.want)
			}
		}
	}
	for name, change := range map[string]func(*http.Request){
		"text":       func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"no type":    func(r *http.Request) { r.Header.Del("Content-Type") },
		"compressed": func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
		"too long":   func(r *http.Request) { r.ContentLength = MaxBatchBody + 1 },
		"late":       func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, -1 },
	} {
		r := request("POST", evaluationPath, plainQuestion)
		change(r)
		if w := send(h.gateway, r); w.Code != 400 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if len(h.engine.events) > 0 {
		t.Errorf("the engine was asked %d times", len(h.engine.events))
	}
}

// The page about AuthZEN has the table that is worked with.
func TestAuthZENDocumentHasTheFacts(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/authzen.md")
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| riskd's event | told in | as |\n|---|---|---|\n")
	for i := range facts {
		f := &facts[i]
		from := make([]string, len(f.from))
		for i, at := range f.from {
			path, when, _ := strings.Cut(at, " ")
			from[i] = strings.TrimSpace("`" + path + "` " + when)
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s |\n", f.to, strings.Join(from, ", "), f.as)
	}
	if !strings.Contains(string(page), want.String()) {
		t.Errorf("docs/authzen.md hasn't got this table:\n%s", &want)
	}
}

func BenchmarkAuthZENQuestion(b *testing.B) {
	key := testKey(b)
	for name, body := range map[string]string{"least": plainQuestion, "full": question} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				in, err := readEvaluations([]byte(body))
				if err == nil {
					_, err = in.event(key, &local, noon)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Whatever comes, a question that is read is one that encoding/json reads the same
// way, and its event is valid.
func FuzzAuthZENQuestion(f *testing.F) {
	key := testKey(f)
	for _, seed := range []string{question, questions, plainQuestion, `{"subject":null}`, `{"evaluations":[{},{"context":{}}]}`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readEvaluations(body)
		if err != nil {
			return
		}
		if !stdjson.Valid(body) {
			t.Fatal("took what encoding/json refuses")
		}
		for _, q := range append(in.items, in.evaluation) {
			q = q.defaulted(&in.evaluation)
			out, err := q.event(key, &local, noon)
			if err == nil && (out.event.Validate() != nil || q.subject.id == "" || q.action.id == "" || q.resource.id == "") {
				t.Fatalf("took %+v", out.event)
			}
		}
	})
}

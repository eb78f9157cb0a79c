package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
)

func TestDecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = stepUp
	w := post(h.gateway, "/v1/decisions", full)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	d := readDecision(t, w.Body.Bytes())
	if d.Decision != "step_up" || d.EventID != "e1" || d.Session != h.key.ID("shop", "raw-1").String() || d.StepUp.MaxAge != 300 {
		t.Errorf("got %s", w.Body)
	}
	if got := strings.Join(h.observed, ","); got != "decision OK" {
		t.Errorf("observed %s", got)
	}
}

func TestNoOutcomeIsStepUp(t *testing.T) {
	t.Parallel()
	for _, outcome := range []riskd.Outcome{riskd.NoOutcome, riskd.Revoke + 1, 255} {
		h := newHouse(t)
		h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
			d := allow(e, now)
			d.Outcome = outcome
			return d
		}
		d := readDecision(t, post(h.gateway, "/v1/decisions", least).Body.Bytes())
		if d.Decision != "step_up" || d.State.Degraded[0] != "no_outcome" {
			t.Errorf("outcome %d leaves as %s %v", outcome, d.Decision, d.State.Degraded)
		}
		if w := send(h.gateway, forward("web", "Cookie: sid=a")); w.Code != 401 || w.Header().Get("X-Risk-Decision") != "step_up" {
			t.Errorf("outcome %d leaves forward-auth as %d", outcome, w.Code)
		}
	}
}

func TestEventTimes(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) string {
		return fmt.Sprintf(`{"time":%q,`, noon.Add(d).Format(time.RFC3339Nano)) + least[1:]
	}
	cases := map[string]struct {
		body  string
		at    time.Time // zero: refused
		ahead bool
	}{
		"none":             {least, noon, false},
		"now":              {at(0), noon, false},
		"a little ahead":   {at(MaxAhead), noon.Add(MaxAhead), false},
		"too far ahead":    {at(MaxAhead + 1), noon, true},
		"late":             {at(-time.Hour), noon.Add(-time.Hour), false},
		"as late as can":   {at(-MaxLate), noon.Add(-MaxLate), false},
		"too late":         {at(-MaxLate - 1), time.Time{}, false},
		"in another epoch": {`{"time":"1970-01-01T00:00:00Z",` + least[1:], time.Time{}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			w := post(h.gateway, "/v1/decisions", c.body)
			told := post(h.gateway, "/v1/telemetry", c.body)
			if c.at.IsZero() {
				if w.Code != 400 || told.Code != 400 || !strings.Contains(w.Body.String(), `{"detail":"time: is more than 24 h old: replay old events with `+"`riskd replay`"+`","pointer":"#/time"}`) {
					t.Errorf("got %d, telemetry %d: %s", w.Code, told.Code, w.Body)
				}
				return
			}
			e, now := h.engine.last(t)
			if w.Code != 200 || told.Code != 202 || !now.Equal(c.at) || !e.Time.Equal(c.at) {
				t.Errorf("decided at %v on an event of %v, want %v", now, e.Time, c.at)
			}
			if degraded := readDecision(t, w.Body.Bytes()).State.Degraded; (len(degraded) > 0 && degraded[0] == "event_time_ahead") != c.ahead {
				t.Errorf("degraded is %v", degraded)
			}
		})
	}
}

func TestBodiesAreRefused(t *testing.T) {
	t.Parallel()
	big := strings.Repeat(" ", MaxEvent) + least
	huge := strings.Repeat(" ", MaxBatchBody) + "[]"
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	cases := map[string]struct {
		path, body string
		change     func(*http.Request)
		status     int
		detail     string
	}{
		"empty":              {"/v1/decisions", "", header("Content-Type", "application/json"), 400, "the body is empty"},
		"empty batch body":   {"/v1/decisions/batch", "", header("Content-Type", "application/json"), 400, "the body is empty"},
		"no type":            {"/v1/decisions", least, header("Content-Type"), 415, "Content-Type: must be application/json"},
		"a form":             {"/v1/decisions", least, header("Content-Type", "application/x-www-form-urlencoded"), 415, "Content-Type"},
		"text":               {"/v1/telemetry", least, header("Content-Type", "text/plain"), 415, "Content-Type"},
		"two types":          {"/v1/decisions", least, header("Content-Type", "application/json", "text/plain"), 415, "Content-Type"},
		"latin 1":            {"/v1/decisions", least, header("Content-Type", "application/json; charset=latin1"), 415, "Content-Type"},
		"gzip":               {"/v1/decisions", "\x1f\x8b\x08", header("Content-Encoding", "gzip"), 415, "Content-Encoding: only identity"},
		"gzip batch":         {"/v1/decisions/batch", "\x1f\x8b\x08", header("Content-Encoding", "gzip"), 415, "Content-Encoding"},
		"gzip telemetry":     {"/v1/telemetry", "\x1f\x8b\x08", header("Content-Encoding", "br"), 415, "Content-Encoding"},
		"identity and gzip":  {"/v1/decisions", least, header("Content-Encoding", "identity", "gzip"), 415, "Content-Encoding"},
		"too long":           {"/v1/decisions", big, nil, 413, "the body is longer than 65536 bytes"},
		"announced too long": {"/v1/decisions", big, func(r *http.Request) { r.Body = io.NopCloser(&broken{}) }, 413, "the body is longer than 65536 bytes"},
		"too long, chunked":  {"/v1/decisions", big, chunked, 413, "the body is longer than 65536 bytes"},
		"batch too long":     {"/v1/decisions/batch", huge, nil, 413, "the body is longer than 1048576 bytes"},
		"batch, chunked":     {"/v1/decisions/batch", huge, chunked, 413, "the body is longer than 1048576 bytes"},
		"telemetry too long": {"/v1/telemetry", huge, nil, 413, "the body is longer"},
		"broken off":         {"/v1/decisions", least, func(r *http.Request) { r.Body = io.NopCloser(&broken{}) }, 400, "the body ended early"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			r := request("POST", c.path, c.body)
			if c.change != nil {
				c.change(r)
			}
			w := send(h.gateway, r)
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p, strict); err != nil || w.Code != c.status || p.Status != c.status || !strings.HasPrefix(p.Detail, c.detail) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
	for name, change := range map[string]func(*http.Request){
		"charset":  header("Content-Type", "application/json; charset=UTF-8"),
		"identity": header("Content-Encoding", "identity"),
		"chunked":  chunked,
	} {
		r := request("POST", "/v1/decisions", least)
		change(r)
		if w := send(newHouse(t).gateway, r); w.Code != 200 {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// What a server's read deadline does to a body is answered as a timeout.
func TestSlowBodyTimesOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		h.gateway.ServeHTTP(w, r)
	}))
	defer s.Close()
	body, end := io.Pipe()
	defer end.Close()
	go func() { _, _ = end.Write([]byte(`{"id":`)) }()
	res, err := http.Post(s.URL+"/v1/decisions", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode != 408 || !bytes.Contains(answer, []byte("problems/timeout")) {
		t.Errorf("got %d %s", res.StatusCode, answer)
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		if e.ID == "b" {
			return stepUp(e, now)
		}
		return allow(e, now)
	}
	item := func(id string) string { return fmt.Sprintf(`{"id":%q,`, id) + least[1:] }
	w := post(h.gateway, "/v1/decisions/batch", " [ "+strings.Join([]string{
		item("a"), `{"session":{"id":"x","id":"y"}}`, item("b"), `7`, "{\"tenant\":\"\xff\"}", `{"time":"1970-01-01T00:00:00Z",` + least[1:], item("c"),
	}, " , ")+" ] ")
	var got []struct {
		Decision string  `json:"decision"`
		EventID  string  `json:"event_id"`
		Error    problem `json:"error"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 {
		t.Fatalf("%d %v in %s", w.Code, err, w.Body)
	}
	var lines []string
	for _, g := range got {
		line := strings.TrimSpace(g.EventID + " " + g.Decision)
		if g.Error.Status != 0 {
			line = fmt.Sprintf("%d %s %s", g.Error.Status, g.Error.Errors[0].Pointer, g.Error.Errors[0].Detail)
		}
		lines = append(lines, line)
	}
	want := []string{
		"a allow",
		"400 #/1/session/id [1].session.id: is given twice",
		"b step_up",
		"400 #/3 [3]: must be an object",
		"400 #/4/tenant [4].tenant: is not valid UTF-8",
		"400 #/5/time [5].time: is more than 24 h old: replay old events with `riskd replay`",
		"c allow",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if w := post(h.gateway, "/v1/decisions/batch", "[]"); w.Code != 200 || w.Body.String() != "[]" {
		t.Errorf("an empty batch gives %d %s", w.Code, w.Body)
	}
}

func TestArraysAreRefusedWhole(t *testing.T) {
	t.Parallel()
	million := "[" + strings.Repeat("{},", MaxBatchBody/3-1) + "{}]"
	cases := map[string]struct {
		body   string
		status int
		fault  string // pointer and detail
	}{
		"no array":          {least, 400, "# document: must be an array of events"},
		"two arrays":        {"[][]", 400, "# document: goes on after its end: send one array"},
		"cut off":           {"[" + least, 400, "# document: ends in the middle"},
		"cut off in a word": {"[tru", 400, "#/0 [0]: ends in the middle"},
		"comma too many":    {"[" + least + ",]", 400, "# document: is not JSON at byte 58"},
		"deep":              {strings.Repeat("[", 50_000), 400, "#/0 [0]: is nested more than 17 deep"},
		"1001 events":       {"[" + strings.Repeat("{},", 1000) + "{}]", 413, "#/1000 [1000]: is one event too many: send at most 1000 at once"},
		"a million":         {million, 413, "#/1000 [1000]: is one event too many"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			for _, path := range []string{"/v1/decisions/batch", "/v1/telemetry"} {
				if path == "/v1/telemetry" && c.body == least {
					continue // which takes single events too
				}
				w := post(h.gateway, path, c.body)
				var p problem
				if err := json.Unmarshal(w.Body.Bytes(), &p, strict); err != nil || w.Code != c.status || p.Status != c.status {
					t.Fatalf("%s gives %d %s", path, w.Code, w.Body)
				}
				if got := p.Errors[0].Pointer + " " + p.Errors[0].Detail; !strings.HasPrefix(got, c.fault) {
					t.Errorf("%s gives %s\nwant %s", path, got, c.fault)
				}
			}
			if len(h.engine.events) > 0 {
				t.Error("some of it was decided")
			}
		})
	}
}

// Refusing a megabyte of nonsense must not cost by its length.
func TestMillionEventsAreRefusedCheaply(t *testing.T) {
	body := []byte("[" + strings.Repeat("{},", MaxBatchBody/3-1) + "{}]")
	allocations := testing.AllocsPerRun(10, func() {
		if _, p := splitArray(body); p == nil {
			t.Fatal("taken")
		}
	})
	if allocations > 50 {
		t.Errorf("refusing %d bytes takes %v allocations", len(body), allocations)
	}
}

func TestTelemetry(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body    string
		status  int
		answer  string
		decided int
	}{
		"one":       {least, 202, `{"accepted":1,"errors":[]}`, 1},
		"two":       {"[" + least + "," + least + "]", 202, `{"accepted":2,"errors":[]}`, 2},
		"none":      {"[]", 202, `{"accepted":0,"errors":[]}`, 0},
		"some bad":  {"[{}," + least + ",1]", 202, `{"accepted":1,"errors":[{"detail":"[0].session.id: is required","pointer":"#/0/session/id"},{"detail":"[0].client.ip: is required: an IPv4 or IPv6 address","pointer":"#/0/client/ip"},{"detail":"[2]: must be an object","pointer":"#/2"}]}`, 1},
		"all bad":   {`[{"tenant":1},2]`, 400, `{"type":"https://riskd.dev/problems/invalid-request","title":"Invalid request","status":400,"detail":"[0].tenant: must be a string","errors":[{"detail":"[0].tenant: must be a string","pointer":"#/0/tenant"},{"detail":"[1]: must be an object","pointer":"#/1"}]}`, 0},
		"one bad":   {`{"tenant":1}`, 400, `{"type":"https://riskd.dev/problems/invalid-request","title":"Invalid request","status":400,"detail":"tenant: must be a string","errors":[{"detail":"tenant: must be a string","pointer":"#/tenant"}]}`, 0},
		"no object": {`true`, 400, `{"type":"https://riskd.dev/problems/invalid-request","title":"Invalid request","status":400,"detail":"document: must be an object","errors":[{"detail":"document: must be an object","pointer":"#"}]}`, 0},
		"space":     {"  ", 400, `{"type":"https://riskd.dev/problems/invalid-request","title":"Invalid request","status":400,"detail":"document: ends in the middle","errors":[{"detail":"document: ends in the middle","pointer":"#"}]}`, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			w := post(h.gateway, "/v1/telemetry", c.body)
			if w.Code != c.status || w.Body.String() != c.answer || len(h.engine.events) != c.decided {
				t.Errorf("got %d %s, %d decided\nwant %d %s", w.Code, w.Body, len(h.engine.events), c.status, c.answer)
			}
		})
	}
}

// reply is a ResponseWriter that costs nothing.
type reply struct{ h http.Header }

func (r *reply) Header() http.Header         { return r.h }
func (r *reply) WriteHeader(int)             {}
func (r *reply) Write(b []byte) (int, error) { return len(b), nil }

// The whole handler but the engine and the network.
func BenchmarkDecisionHandler(b *testing.B) {
	h := newHouse(b, func(o *Options) {
		o.Engine, o.Observe = constant{}, nil
	})
	body := bytes.NewReader([]byte(full))
	r := request("POST", "/v1/decisions", full)
	r.Body = io.NopCloser(body)
	w := &reply{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset([]byte(full))
		h.gateway.ServeHTTP(w, r)
	}
}

func BenchmarkBatchHandler64(b *testing.B) {
	h := newHouse(b, func(o *Options) {
		o.Engine, o.Observe = constant{}, nil
	})
	text := []byte("[" + strings.Repeat(full+",", 63) + full + "]")
	body := bytes.NewReader(text)
	r := request("POST", "/v1/decisions/batch", "[]")
	r.Body, r.ContentLength = io.NopCloser(body), int64(len(text))
	w := &reply{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(text)
		h.gateway.ServeHTTP(w, r)
	}
}

// shed is a decision that was taken without evaluating the event.
func shed(e *riskd.Event, now time.Time) riskd.Decision {
	d := allow(e, now)
	d.Source, d.Degraded = riskd.SourceFallback, []string{"overloaded"}
	return d
}

// What riskd had no room for it hasn't accepted.
func TestTelemetryThatIsShed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.engine.answer = func(e *riskd.Event, now time.Time) riskd.Decision {
		if e.ID == "late" {
			return shed(e, now)
		}
		return allow(e, now)
	}
	if overloaded != scoring.CodeOverloaded {
		t.Errorf("the engine's code is %q", scoring.CodeOverloaded)
	}
	late := strings.Replace(least, "{", `{"id":"late",`, 1)
	if w := post(h.gateway, "/v1/telemetry", late); w.Code != 503 || !strings.Contains(w.Body.String(), "problems/overloaded") {
		t.Errorf("one: %d %s", w.Code, w.Body)
	}
	if w := post(h.gateway, "/v1/telemetry", "["+late+","+late+"]"); w.Code != 503 {
		t.Errorf("all: %d %s", w.Code, w.Body)
	}
	w := post(h.gateway, "/v1/telemetry", "["+least+","+late+"]")
	if w.Code != 202 || !strings.Contains(w.Body.String(), `"accepted":1`) || !strings.Contains(w.Body.String(), "[1]: was not evaluated") {
		t.Errorf("some: %d %s", w.Code, w.Body)
	}
	if w := post(h.gateway, "/v1/decisions", late); w.Code != 200 {
		t.Errorf("a decision: %d %s", w.Code, w.Body)
	}
}

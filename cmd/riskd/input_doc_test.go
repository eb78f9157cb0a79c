package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

var update = flag.Bool("update", false, "write what the tests compare with anew")

const inputDoc = "../../docs/input.md"

// docs/input.md is what the table of fields says, with examples from events that
// are really decided. `go test ./cmd/riskd -run InputReference -update` writes it.
func TestInputReference(t *testing.T) {
	want := inputReference(t)
	if *update {
		if err := os.WriteFile(inputDoc, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(inputDoc)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s isn't what the fields say: run `go test ./cmd/riskd -run InputReference -update`", inputDoc)
	}
}

// exampleEvents tell everything that a gateway can tell. The second is the example;
// the first makes the session one that isn't new.
var exampleEvents = [2]string{
	`{"time":"2026-02-20T09:00:00Z","session":{"id":"example","started_at":"2026-02-20T09:00:00Z"},
	"tenant":"acme","user":{"id":"ada"},"client":{"ip":"203.0.113.7","ja4":"t13d1516h2_8daaf6152771_b186095e22b6"}}`,
	`{
  "id": "evt-4711", "time": "2026-02-20T09:12:30Z", "tenant": "acme", "environment": "production",
  "session": {
    "id": "example", "started_at": "2026-02-20T09:00:00Z", "auth_time": "2026-02-20T09:02:00Z",
    "acr": "aal2", "amr": ["pwd", "otp"], "binding": {"type": "dpop", "thumbprint": "kqx7…", "verified": true}
  },
  "user": {"id": "ada", "type": "employee", "roles": ["support"]},
  "device": {"id": "dev-ada", "fingerprint": "fp-ada", "attributes": {"platform": "Win32"}, "compliant": true},
  "client": {
    "ip": "203.0.113.7", "language": "fr-FR,fr;q=0.9", "ja4": "t13d1516h2_8daaf6152771_b186095e22b6",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"
  },
  "request": {"method": "POST", "route": "/orders/{id}/refund", "class": "sensitive", "activity": "interactive", "status": 403, "bytes": 512},
  "privilege": {"level": 6, "action": "refund"}
}`,
}

func inputReference(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(inputIntroduction)
	fmt.Fprintf(&out, "```json\n%s\n```\n", exampleEvents[1])
	seen := newEavesdropper(t)
	seen.play(t)
	described := map[string]string{}
	for _, s := range signals.Descriptions() {
		described["readings."+s.Name] = s.Doc
	}
	section := ""
	for _, f := range policies.Fields(signals.Descriptions()) {
		if strings.HasSuffix(f.Path, ".missing") {
			continue // described once
		}
		if s := sectionOf(&f); s != section {
			if strings.HasPrefix(s, "readings.") && !strings.HasPrefix(section, "readings.") {
				out.WriteString(readingsIntroduction)
			}
			section = s
			fmt.Fprintf(&out, "\n%s\n\n", heading(s, described[s]))
			out.WriteString("| field | type | what it is | example |\n|---|---|---|---|\n")
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s |\n", f.Path, f.Type, f.Doc, seen.example(t, f.Path))
	}
	return out.Bytes()
}

func sectionOf(f *policies.Field) string {
	steps := strings.Split(f.Path, ".")
	switch {
	case f.Judgement:
		return "score"
	case steps[0] == "readings":
		return strings.Join(steps[:2], ".")
	}
	return steps[0]
}

func heading(section, doc string) string {
	switch name, reading := strings.CutPrefix(section, "readings."); {
	case reading:
		return "### " + name + "\n\n" + doc
	case section == "score":
		return "## What only the judgement sees\n\nThese are there in `policy.rego`, package `riskd.decision`, and not in rules."
	}
	return "## " + section
}

const inputIntroduction = `# What rules see

The input of rules and of a pack's judgement, by field. This page is written by ` + "`go test\n./cmd/riskd -run InputReference -update`" + ` from the table that the schema comes from, with
values from events that the test decides; ` + "`riskd check -schema`" + ` prints the same as JSON
Schema.

- **Two queries.** Rules, in package ` + "`riskd.rules`" + `, are asked for reasons. The judgement, in
  package ` + "`riskd.decision`" + ` of a pack's ` + "`policy.rego`" + `, is asked for a decision when those are
  added up. It sees all that rules see, and besides what [stands below](#what-only-the-judgement-sees).
- **What isn't known isn't there.** A field without a value is undefined, and a condition
  on it fails: ` + "`input.device.compliant == false`" + ` doesn't hold where nobody reports. Numbers
  that count and booleans are always there, unless their row says otherwise.
- **A misspelt field is a mistake**, found when the pack is loaded, with the nearest name.
- Times are UTC, durations are in seconds, lengths in km, sizes in bytes, evidence in nats.

The examples are what rules see of this event, the second one of its session:

`

const readingsIntroduction = `
## Readings

What signals have measured, under ` + "`input.readings.<signal>`" + `. A reading is there when a rule of
the pack or library reads or weighs the signal. ` + "`nats`" + ` is what the fact is worth by
[detection.md](detection.md), before a rule weighs and bounds it. Where a signal lacks what it
needs, its reading is ` + "`{\"missing\": \"…\"}`" + `, a string that names it, and nothing else; so
` + "`value == 0`" + ` says that something was looked at and isn't so. The examples of one signal are of
one event of ` + "[`fixtures/scenarios`](../fixtures/scenarios)" + `.
`

// eavesdropper is a pack that keeps what it is asked.
type eavesdropper struct {
	*policies.Pack
	inputs []map[string]any
}

// A rule that reads the whole input is asked with the whole input.
const (
	curiousRules    = "package riskd.rules\n\ncurious if count(input) < 0\n"
	curiousDecision = "package riskd.decision\n\ncurious if count(input) < 0\n"
)

func newEavesdropper(t *testing.T) *eavesdropper {
	t.Helper()
	files := fstest.MapFS{"a.rego": {Data: []byte(curiousRules)}, "b.rego": {Data: []byte(curiousDecision)}}
	for _, name := range []string{"policy.rego", "tuning.json"} {
		data, err := fs.ReadFile(policies.Default(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	pack, err := policies.Compile("curious", files, policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		t.Fatal(err)
	}
	return &eavesdropper{Pack: pack}
}

func (e *eavesdropper) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	document, err := e.Input(c)
	if err != nil {
		return riskd.Judgement{}, err
	}
	var input map[string]any
	if err := json.Unmarshal(document, &input); err != nil {
		return riskd.Judgement{}, err
	}
	e.inputs = append(e.inputs, input)
	return e.Pack.Judge(ctx, c)
}

// play decides the example's events, then every scenario's, each in an engine of
// its own.
func (e *eavesdropper) play(t *testing.T) {
	t.Helper()
	stories := [][]string{exampleEvents[:]}
	for _, s := range scenarios(t) {
		var story []string
		for _, line := range s.Events {
			_, document, err := fixtures.SplitLine(line)
			if err != nil {
				t.Fatal(err)
			}
			story = append(story, string(document))
		}
		stories = append(stories, story)
	}
	for _, story := range stories {
		e.tell(t, story)
	}
}

func (e *eavesdropper) tell(t *testing.T, story []string) {
	t.Helper()
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		t.Fatal(err)
	}
	defer locator.Close()
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return e }, NewID: newID, Deadline: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := riskd.NewSessionKey(bytes.Repeat([]byte{1}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range story {
		event, err := api.DecodeEvent([]byte(document), key)
		if err != nil {
			t.Fatal(err)
		}
		engine.Decide(t.Context(), event, event.Time)
	}
}

// example shows the value of a field: of a reading, in the first of the inputs in
// which the reading says most; of anything else, in the example event's.
func (e *eavesdropper) example(t *testing.T, path string) string {
	t.Helper()
	steps := strings.Split(path, ".")
	from := e.inputs[1]
	if steps[0] == "readings" {
		most := -1
		for _, input := range e.inputs {
			if n := says(valueAt(input, steps[:2])); n > most {
				from, most = input, n
			}
		}
	}
	value := valueAt(from, steps)
	if value == nil {
		t.Errorf("%s: no event shows an example of it", path)
	}
	if x, isNumber := value.(float64); isNumber {
		return "`" + strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64) + "`"
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if _, isList := value.([]any); isList {
		text = bytes.ReplaceAll(text, []byte(","), []byte(", "))
	}
	return "`" + string(text) + "`"
}

func valueAt(document any, steps []string) any {
	for _, step := range steps {
		object, _ := document.(map[string]any)
		document = object[step]
	}
	return document
}

// says counts the members of a reading that aren't nothing.
func says(reading any) int {
	members, _ := reading.(map[string]any)
	n := 0
	for _, v := range members {
		if v != 0.0 && v != "" {
			n++
		}
	}
	return n
}

package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
)

// recorded is a trace and its labels.
type recorded struct{ trace, labels string }

// honest are the scenarios that name a rule and tell of nobody but the user himself.
var honest = []string{"step_up_proved", "proved_elsewhere", "trusted_device"}

// recordScenarios makes one trace of the fixtures' scenarios, a tenant each, all of
// them ending on the same day, rounds times over. Where one names the rule that
// catches its attack, all from the first alarm on that it wants are labelled.
func recordScenarios(t *testing.T, rounds int) recorded {
	t.Helper()
	type line struct {
		at   time.Time
		text string
	}
	var lines []line
	var labels strings.Builder
	for round := range rounds {
		for _, s := range scenarios(t) {
			if s.Tuning != nil {
				continue
			}
			attack := s.Rule != "" && !slices.Contains(honest, s.Name)
			shift, caught, wants := time.Duration(0), false, s.Want
			for i := len(s.Events) - 1; i >= 0; i-- {
				kind, document, err := fixtures.SplitLine(s.Events[i])
				if err != nil {
					t.Fatal(err)
				}
				_ = kind
				if shift == 0 {
					end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
					shift = end.Sub(timeOf(t, document)).Truncate(24 * time.Hour)
				}
			}
			for i, in := range s.Events {
				kind, document, err := fixtures.SplitLine(in)
				if err != nil {
					t.Fatal(err)
				}
				id := fmt.Sprintf("%s-%d-%d", s.Name, round, i)
				if kind == fixtures.Decision {
					caught = caught || attack && wants[0].Outcome > riskd.Allow
					wants = wants[1:]
				}
				if caught {
					fmt.Fprintf(&labels, `{"event":%q,"attack":"%s-%d","family":%q}`+"\n", id, s.Name, round, s.Rule)
				}
				lines = append(lines, line{timeOf(t, document).Add(shift), rewritten(t, kind, document, fmt.Sprintf("%s-%d", s.Name, round), id, shift)})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	var trace strings.Builder
	for _, l := range lines {
		trace.WriteString(l.text + "\n")
	}
	return recorded{trace.String(), labels.String()}
}

// rewritten gives a line's document a tenant, an id and other times.
func rewritten(t *testing.T, kind string, document []byte, tenant, id string, shift time.Duration) string {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal(document, &e); err != nil {
		t.Fatal(err)
	}
	move := func(in map[string]any, name string) {
		if text, ok := in[name].(string); ok {
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				t.Fatal(err)
			}
			in[name] = at.Add(shift).Format(time.RFC3339Nano)
		}
	}
	move(e, "time")
	if session, ok := e["session"].(map[string]any); ok {
		move(session, "started_at")
		move(session, "auth_time")
	}
	e["tenant"], e["id"] = tenant, id
	out, err := json.Marshal(map[string]any{kind: e})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func (r *recorded) write(t *testing.T) (trace, labels string) {
	t.Helper()
	dir := t.TempDir()
	trace, labels = filepath.Join(dir, "trace.ndjson"), filepath.Join(dir, "labels.ndjson")
	for name, text := range map[string]string{trace: r.trace, labels: r.labels} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return trace, labels
}

// packWith copies the default pack into a folder, its tuning changed.
func packWith(t *testing.T, change func(tuning map[string]any)) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "candidate")
	if err := os.CopyFS(dir, policies.Default()); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "tuning.json")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var tuning map[string]any
	if err := json.Unmarshal(data, &tuning); err != nil {
		t.Fatal(err)
	}
	change(tuning)
	if data, err = json.Marshal(tuning); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// milder is a pack that takes more evidence to be alarmed.
func milder(t *testing.T) string {
	return packWith(t, func(tuning map[string]any) {
		tuning["score"] = map[string]any{"step_up_nats": 13, "revoke_nats": 17, "request_bonus": 4}
	})
}

// riskdCommand runs a command in this process.
func riskdCommand(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, stdio{in: strings.NewReader(""), out: &stdout, err: &stderr})
	return stdout.String(), stderr.String(), code
}

func reportOf(t *testing.T, text string) *records.Report {
	t.Helper()
	var r records.Report
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return &r
}

var _ = cmp.Compare[int]

func TestDump(t *testing.T) {
	r := recordScenarios(t, 3)
	os.WriteFile("/tmp/rp/trace.ndjson", []byte(r.trace), 0o600)
	os.WriteFile("/tmp/rp/labels.ndjson", []byte(r.labels), 0o600)
	os.RemoveAll("/tmp/rp/milder")
	os.CopyFS("/tmp/rp/milder", os.DirFS(milder(t)))
}

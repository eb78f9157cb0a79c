package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
)

// recordedTrace is a trace and its labels.
type recordedTrace struct{ trace, labels string }

// honestScenarios are the scenarios that name a rule and tell of nobody but the user himself.
var honestScenarios = []string{"step_up_proved", "proved_elsewhere", "trusted_device"}

// recordScenarios makes one trace of the fixtures' scenarios, a tenant each, all of
// them ending on the same day, rounds times over. Where one names the rule that
// catches its attack, all from the first alarm on that it wants are labelled.
func recordScenarios(t *testing.T, rounds int) recordedTrace {
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
			attack := s.Rule != "" && !slices.Contains(honestScenarios, s.Name)
			shift, caught, wants := time.Duration(0), false, s.Want
			if n := len(s.Events); n > 0 {
				_, last, err := fixtures.SplitLine(s.Events[n-1])
				if err != nil {
					t.Fatal(err)
				}
				end := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
				shift = end.Sub(timeOf(t, last)).Truncate(24 * time.Hour)
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
	return recordedTrace{trace.String(), labels.String()}
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

func (r *recordedTrace) write(t *testing.T) (trace, labels string) {
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

// tunedPack copies the default pack into a folder, its tuning changed.
func tunedPack(t *testing.T, change func(tuning map[string]any)) string {
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
	return tunedPack(t, func(tuning map[string]any) {
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

// A pack that takes more to be alarmed misses attacks, and the report says which.
func TestReplayAgainstNamesMissedAttacks(t *testing.T) {
	t.Parallel()
	r := recordScenarios(t, 1)
	trace, labels := r.write(t)
	page := filepath.Join(t.TempDir(), "report.html")
	candidate := milder(t)
	out, errs, code := riskdCommand(t, "replay", "-against", candidate, "-labels", labels, "-step-ups", "recorded", "-html", page, "-fail-on", "missed", "-json", trace)
	if code != exitProblem || !strings.Contains(errs, "riskd: error: 18 attacks caught by A alone: -fail-on missed\n") {
		t.Errorf("ended with %d: %s", code, errs)
	}
	report := reportOf(t, out)
	var missed []string
	for _, a := range report.Detection.Missed {
		missed = append(missed, a.Attack)
	}
	slices.Sort(missed)
	want := "burst-0 cloned_agent-0 copied_but_the_stack-0 copied_to_another_machine-0 impossible_travel-0 looking_for_doors-0 " +
		"malware_at_work-0 neighbour_interleaved-0 nobodys_network-0 one_jar_many_accounts-0 password_changed_after_a_move-0 " +
		"quiet_export-0 replay_abroad-0 signs_in_at_night-0 spray_and_hit-0 told_afterwards-0 two_places_at_once-0 vpn_exit-0"
	if got := strings.Join(missed, " "); got != want {
		t.Errorf("missed are %s, want %s", got, want)
	}
	if a := report.Detection.A.Attacks.Caught; a.Count != a.Of || a.Of < 15 {
		t.Errorf("the default pack catches %+v", a)
	}
	if len(report.Detection.Found) != 0 || report.Count(records.NewlyRevoked)+report.Count(records.NewlySteppedUp) != 0 {
		t.Errorf("a milder pack finds %v; changes %+v", report.Detection.Found, report.Changes)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(missed, "Attacks that A catches and B doesn't") {
		if !bytes.Contains(html, []byte(text)) {
			t.Errorf("the page doesn't name %s", text)
		}
	}
	text, errs, code := riskdCommand(t, "replay", "-pack", candidate, "-against", "default", "-labels", labels, "-step-ups", "recorded", "-fail-on", "missed", trace)
	if code != 0 || !strings.Contains(text, "\ncaught by B alone\n") || strings.Contains(text, "caught by A alone") {
		t.Errorf("the other way round: %d %s\n%s", code, errs, text)
	}
	_, errs, code = riskdCommand(t, "replay", "-against", "default", "-labels", labels, "-max-diverging", "0%", "-fail-on", "revoked,stepped_up,missed,false_alarms", trace)
	if code != 0 {
		t.Errorf("a pack differs from itself: %d %s", code, errs)
	}
}

// What is printed doesn't depend on when it was done, nor on how the stages met.
func TestReplayAgainstIsTheSameToTheByte(t *testing.T) {
	t.Parallel()
	r := recordScenarios(t, 2) // more than a few batches
	trace, labels := r.write(t)
	candidate := milder(t)
	forms := func() [2]string {
		page := filepath.Join(t.TempDir(), "report.html")
		out, errs, code := riskdCommand(t, "replay", "-against", candidate, "-labels", labels, "-html", page, "-json", trace)
		if code != 0 {
			t.Fatal(errs)
		}
		html, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return [2]string{out, string(html)}
	}
	want := forms()
	if report := reportOf(t, want[0]); report.Events <= 2048 || report.Diverging.Count == 0 {
		t.Fatalf("%d events, %d diverging sessions: too few to tell", report.Events, report.Diverging.Count)
	}
	for range 2 {
		if got := forms(); got != want {
			t.Error("another run gives another report")
		}
	}
}

// Asking wrongly ends with 2, and with a hint.
func TestReplayAgainstUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-html p t":                                "are for a comparison or for labels",
		"-from 3d t":                               "are for a comparison or for labels",
		"-labels l -max-diverging 3 t":             "-max-diverging is for a comparison",
		"-labels l -from soon t":                   `-from "soon" is neither a time nor a number of days`,
		"-labels l -until -2d t":                   `-until "-2d" is neither`,
		"-labels l -fail-on missed t":              `-fail-on "missed" is no bound`,
		"-labels l -fail-on tpr<much t":            `-fail-on "tpr<much": "much" is no number`,
		"-labels l -fail-on trp<0.9 t":             `-fail-on "trp<0.9": "trp" is no figure`,
		"-labels l -fail-on tpr@0.2<0.9 t":         `-fail-on "tpr@0.2<0.9": "0.2" is no budget`,
		"-labels l -fail-on fsu.x<0.9 t":           `"fsu.x" is no figure`,
		"-labels l x.txtar":                        "x.txtar is a scenario",
		"-against default -from 3d t":              "-from and -until are for measuring one pack",
		"-against default":                         "replay needs a trace",
		"-against default x.txtar":                 "x.txtar is a scenario; -against and -labels are for traces",
		"-against default -step-ups all t":         "-step-ups must be recorded or passed",
		"-against default -max-diverging half t":   `-max-diverging "half" is neither a share nor a number`,
		"-against default -max-diverging -1 t":     `-max-diverging "-1" is neither`,
		"-against default -max-diverging 101% t":   `-max-diverging "101%" is neither`,
		"-against default -max-diverging NaN% t":   `-max-diverging "NaN%" is neither`,
		"-against default -fail-on revoke t":       `-fail-on "revoke" is none of revoked, stepped_up, missed, false_alarms`,
		"-against default -fail-on missed t":       "-fail-on missed needs labels",
		"-against default -fail-on false_alarms t": "-fail-on false_alarms needs labels",
	} {
		out, errs, code := riskdCommand(t, append([]string{"replay"}, strings.Fields(args)...)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) || !strings.Contains(errs, "riskd: hint: ") {
			t.Errorf("%s: ended with %d, %s", args, code, errs)
		}
	}
}

// The report's JSON has the members that docs/replay.md describes, and the other way
// round.
func TestReplayReportIsDocumented(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/replay.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for _, name := range strings.Split(cells[1], ",") {
			described[strings.Trim(strings.TrimSpace(name), "`")] = true
		}
	}
	var walk func(path string, of reflect.Type)
	walk = func(path string, of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range of.NumField() {
			if of.Field(i).Anonymous {
				walk(path, of.Field(i).Type)
				continue
			}
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			if name == "" {
				t.Errorf("%s.%s has no name in JSON", of, of.Field(i).Name)
				continue
			}
			if !described[name] {
				t.Errorf("docs/replay.md doesn't describe %s of %s", name, path)
			}
			described[name+" "] = true // met
			walk(path+"."+name, of.Field(i).Type)
		}
	}
	walk("the report", reflect.TypeFor[records.Report]())
	walk("the measurement", reflect.TypeFor[records.Measurement]())
	for name := range described {
		if !strings.HasSuffix(name, " ") && !described[name+" "] {
			t.Errorf("docs/replay.md describes %s, which no report has", name)
		}
	}
}

func timeOf(t *testing.T, document []byte) time.Time {
	t.Helper()
	var e struct{ Time time.Time }
	if err := json.Unmarshal(document, &e); err != nil || e.Time.IsZero() {
		t.Fatalf("event has no time (%v): %s", err, document)
	}
	return e.Time
}

package riskd_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A new signal needs its Go file, its test, its rule and the rule's test, and no
// other edit: this test adds one to a copy of the tree, runs the copy's tests,
// and sees it decide.
func TestNewSignalNeedsNoOtherEdit(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a copy of the tree; not with -short")
	}
	t.Parallel()
	tree := t.TempDir()
	copyTree(t, ".", tree)
	for name, text := range weekendSignal {
		if err := os.WriteFile(filepath.Join(tree, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	goIn(t, tree, "test", "-short", ".", "./signals", "./policies")
	out := goIn(t, tree, "run", "./cmd/riskd", "replay", "-json", "saturday.ndjson")
	if !strings.Contains(out, `"code":"weekend"`) || !strings.Contains(out, `"nats":0.5`) {
		t.Errorf("the new signal doesn't show in the decision:\n%s", out)
	}
}

var weekendSignal = map[string]string{
	"signals/weekend.go": `package signals

import (
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "weekend",
		Doc:   "Whether the request comes on a Saturday or a Sunday.",
		Value: "1 on a weekend, else 0",
	}, measureWeekend)
}

func measureWeekend(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	switch in.Now.UTC().Weekday() {
	case time.Saturday, time.Sunday:
		return measured(1, 1, details{}), cell
	}
	return measured(0, 0, details{}), cell
}
`,
	"signals/weekend_test.go": `package signals

import (
	"testing"
	"time"
)

func TestWeekend(t *testing.T) {
	for day, want := range map[int]float64{20: 0, 21: 1, 22: 1, 23: 0} {
		in := Input{Now: time.Date(2026, 11, day, 12, 0, 0, 0, time.UTC)}
		if r, _ := measureWeekend(&in, [4]float64{}); r.Value != want {
			t.Errorf("day %d: %g", day, r.Value)
		}
	}
}
`,
	"rego/weekend.rego": `package riskd.rules

import data.riskd.lib

# METADATA
# title: Weekend
# description: A request on a Saturday or a Sunday.
# labels:
#   rule: weekend
#   severity: low
#   group: time
#   channel: behaviour
# custom:
#   user: We noticed activity at a weekend.
#   admin: on a weekend
reasons contains {"code": "weekend", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	t := lib.tuned("weekend", {"weight": 0.5, "min": 0, "max": 1})
	input.readings.weekend.value == 1
}
`,
	"rego/weekend_test.rego": `package riskd.rules_test

import data.riskd.rules

test_weekend_fires if {
	count([r | some r in rules.reasons; r.code == "weekend"]) == 1 with input.readings.weekend as {"value": 1, "nats": 1}
}

test_weekend_does_not_fire if {
	count([r | some r in rules.reasons; r.code == "weekend"]) == 0 with input.readings.weekend as {"value": 0, "nats": 0}
}
`,
	"saturday.ndjson": `{"decision":{"time":"2026-11-21T12:00:00Z","session":{"id":"s"},"user":{"id":"ada"},"client":{"ip":"203.0.113.7"}}}` + "\n",
}

func goIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != from && (path == "bin" || path == "bench" || strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		target := filepath.Join(to, path)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, source, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

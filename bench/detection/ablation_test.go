package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/riskd/riskd/simulate"
)

// made writes a small trace and its labels.
func made(t *testing.T) (trace, labels string) {
	t.Helper()
	s, err := simulate.New(simulate.Options{Seed: 4, Users: 15, Days: 14, Attacks: 2, Warmup: 4, Preset: simulate.Workforce, Variant: simulate.Noise, From: simulate.DefaultFrom})
	if err != nil {
		t.Fatal(err)
	}
	var labelled, traced bytes.Buffer
	if _, err := s.Labels(&labelled); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Trace(&traced); err != nil {
		t.Fatal(err)
	}
	trace, labels = filepath.Join(t.TempDir(), "trace.ndjson"), filepath.Join(t.TempDir(), "labels.ndjson")
	for name, b := range map[string]*bytes.Buffer{trace: &traced, labels: &labelled} {
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return trace, labels
}

func TestAblation(t *testing.T) {
	trace, labels := made(t)
	var out, errs bytes.Buffer
	if err := run(context.Background(), &out, &errs, []string{"ablation", "-budgets", "2,5", "-labels", labels, trace}); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	text := out.String()
	for _, want := range []string{
		`^pack default, \d+ requests, \d+ users, `, `(?m)^without +TPR at 2 +less`, `(?m)^ +everything +0\.\d{3} `,
		`(?m)^signal +new_country +0\.\d{3} `, `(?m)^group +network `, `(?m)^channel +behaviour `, `(?m)^weighing +memory +0\.\d{3} +\+0\.\d`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	if strings.Count(text, "everything") != 1 {
		t.Errorf("the whole pack is there more than once:\n%s", text)
	}
}

func TestAblationFaults(t *testing.T) {
	for want, args := range map[string][]string{
		"give -labels FILE and one trace": {"ablation", "trace.ndjson"},
		`-budgets "0.1,x": must be`:       {"ablation", "-budgets", "0.1,x", "-labels", "l", "trace.ndjson"},
		"there is no pack none":           {"ablation", "-pack", "none", "-labels", "l", "trace.ndjson"},
	} {
		var out, errs bytes.Buffer
		if err := run(context.Background(), &out, &errs, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

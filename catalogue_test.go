package riskd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/riskd/riskd/signals"
)

// Every signal has its file, its test, its rule, the rule's test in both
// directions, and its words. What else a new signal needs is nothing.
func TestEverySignalIsWhole(t *testing.T) {
	for _, s := range signals.Descriptions() {
		t.Run(s.Name, func(t *testing.T) {
			read(t, "signals", s.Name+".go")
			read(t, "signals", s.Name+"_test.go")
			rule := read(t, "rego", s.Name+".rego")
			tests := read(t, "rego", s.Name+"_test.rego")
			if !strings.Contains(rule, "input.readings."+s.Name) {
				t.Errorf("rego/%s.rego doesn't read input.readings.%s", s.Name, s.Name)
			}
			if len(regexp.MustCompile(`(?m)^test_`).FindAllString(tests, -1)) < 2 {
				t.Errorf("rego/%s_test.rego needs a case that fires and one that doesn't", s.Name)
			}
			if s.Doc == "" || s.Value == "" {
				t.Errorf("signal %s: Doc and Value are the documentation for rule authors; write them", s.Name)
			}
			for _, d := range s.Details {
				if d.Doc == "" {
					t.Errorf("signal %s: detail %s has no Doc", s.Name, d.Name)
				}
			}
		})
	}
}

func TestEveryRuleHasItsSignal(t *testing.T) {
	known := map[string]bool{}
	for _, s := range signals.Descriptions() {
		known[s.Name] = true
	}
	files, err := filepath.Glob("rego/*.rego")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no rules (%v)", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".rego"), "_test")
		if !known[name] {
			t.Errorf("%s is the rule of no signal: write signals/%s.go or put the rule into a pack", file, name)
		}
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Errorf("is missing: %v", err)
	}
	return string(b)
}

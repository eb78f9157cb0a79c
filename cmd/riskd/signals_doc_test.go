package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

const signalPages = "../../docs/signals"

// docs/signals holds a page for every signal, made of what its Go file, its rules
// and the scenarios say. `go test ./cmd/riskd -run SignalPages -update` writes them.
func TestSignalPages(t *testing.T) {
	t.Parallel()
	want := map[string][]byte{"README.md": signalIndex(t)}
	for _, s := range signals.Descriptions() {
		want[s.Name+".md"] = signalPage(t, &s)
	}
	if *update {
		if err := os.RemoveAll(signalPages); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(signalPages, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, page := range want {
			if err := os.WriteFile(filepath.Join(signalPages, name), page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, page := range want {
		have, err := os.ReadFile(filepath.Join(signalPages, name))
		if err != nil || !bytes.Equal(have, page) {
			t.Errorf("docs/signals/%s isn't what the signal and its rules say (%v): run `go test ./cmd/riskd -run SignalPages -update`", name, err)
		}
	}
	pages, err := filepath.Glob(filepath.Join(signalPages, "*.md"))
	if err != nil || len(pages) != len(want) {
		t.Errorf("docs/signals has %d pages, want %d (%v): run `go test ./cmd/riskd -run SignalPages -update`", len(pages), len(want), err)
	}
}

func signalIndex(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(`# Signals

What riskd measures on every request, a page each. A signal states a fact and how much
likelier it is under attack than under normal use; its rules make reasons of it.
[detection.md](../detection.md) says how the evidence adds up and where the numbers come
from, [input.md](../input.md) what rules see of a reading. These pages are written by
` + "`go test ./cmd/riskd -run SignalPages -update`" + `.

| signal | reasons | group | channel |
|---|---|---|---|
`)
	for _, s := range signals.Descriptions() {
		var codes, groups, channels []string
		for _, r := range rulesOf(t, s.Name) {
			codes = append(codes, "`"+r.code+"`")
			groups, channels = append(groups, r.group), append(channels, r.channel)
		}
		fmt.Fprintf(&out, "| [%s](%s.md) | %s | %s | %s |\n", s.Name, s.Name,
			strings.Join(codes, ", "), strings.Join(once(groups), ", "), strings.Join(once(channels), ", "))
	}
	return out.Bytes()
}

func once(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

func signalPage(t *testing.T, s *riskd.Signal) []byte {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprintf(&out, "# %s\n\n%s\n\n| reading | what it is |\n|---|---|\n| `value` | %s |\n| `nats` | what the fact is worth, before a rule weighs and bounds it |\n", s.Name, s.Doc, s.Value)
	for _, d := range s.Details {
		fmt.Fprintf(&out, "| `%s` | %s |\n", d.Name, d.Doc)
	}
	memory := "It keeps nothing in the session."
	if s.Memory {
		memory = "It keeps four numbers in each session."
	}
	fmt.Fprintf(&out, "\n%s Source: [`signals/%s.go`](../../signals/%s.go), rules: [`rego/%s.rego`](../../rego/%s.rego).\n", memory, s.Name, s.Name, s.Name, s.Name)
	for _, r := range rulesOf(t, s.Name) {
		r.write(&out)
		if names := scenariosWith(t, r.code); len(names) > 0 {
			fmt.Fprintf(&out, "\nSeen in %s.\n", strings.Join(names, ", "))
		}
	}
	return out.Bytes()
}

// documented is a rule as its metadata describes it.
type documented struct {
	code, title, text, severity, group, channel, user, admin string
	defaults                                                 string // its tuning, as in the rule
}

func (r *documented) write(out *bytes.Buffer) {
	fmt.Fprintf(out, "\n## Reason `%s`: %s\n\n%s\n\n", r.code, strings.ToLower(r.title[:1])+r.title[1:], strings.TrimSpace(r.text))
	fmt.Fprintf(out, "| severity | group | channel |\n|---|---|---|\n| %s | %s | %s |\n\n", r.severity, r.group, r.channel)
	fmt.Fprintf(out, "The user reads “%s”, an operator `%s`.\n", r.user, r.admin)
	if r.defaults != "" {
		fmt.Fprintf(out, "\nUnless `rules.%s` in a pack's `tuning.json` says other: `%s`.\n", r.code, r.defaults)
	}
}

var tuned = regexp.MustCompile(`lib\.tuned\("([a-z0-9_]+)", (\{[^}]*\})\)`)

// rulesOf reads the rules of a signal in the order of their file.
func rulesOf(t *testing.T, signal string) (rules []documented) {
	t.Helper()
	source, err := fs.ReadFile(rego.FS, signal+".rego")
	if err != nil {
		t.Fatal(err)
	}
	module, err := ast.ParseModuleWithOpts(signal+".rego", string(source), ast.ParserOptions{ProcessAnnotation: true})
	if err != nil {
		t.Fatal(err)
	}
	defaults := map[string]string{}
	for _, m := range tuned.FindAllStringSubmatch(string(source), -1) {
		defaults[m[1]] = m[2]
	}
	for _, a := range module.Annotations {
		code, ok := a.Labels["rule"].(string)
		if !ok {
			continue
		}
		word := func(in map[string]any, name string) string { s, _ := in[name].(string); return s }
		rules = append(rules, documented{
			code: code, title: a.Title, text: a.Description, severity: word(a.Labels, "severity"), group: word(a.Labels, "group"),
			channel: word(a.Labels, "channel"), user: word(a.Custom, "user"), admin: word(a.Custom, "admin"), defaults: defaults[code],
		})
	}
	if len(rules) == 0 {
		t.Errorf("rego/%s.rego describes no rule", signal)
	}
	return rules
}

// scenariosWith names the scenarios in which a reason is wanted.
func scenariosWith(t *testing.T, code string) (names []string) {
	t.Helper()
	for _, s := range scenarios(t) {
		for i := range s.Want {
			if slices.Contains(s.Want[i].Codes, code) {
				names = append(names, fmt.Sprintf("[%s](../../fixtures/scenarios/%s.txtar)", s.Title, s.Name))
				break
			}
		}
	}
	return names
}

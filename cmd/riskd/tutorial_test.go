package main

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// typed are the files that a reader of docs/tutorial.md writes into the pack next,
// in order.
var typed = regexp.MustCompile(`(?s)cat > next/([a-z_]+\.rego) <<'EOF'\n(.*?)\nEOF\n`)

// The rules that the tutorial has its reader type do what it says that they do: the
// first is misspelt, the corrected one hits Ida every day, the last only the thief.
func TestTutorialRules(t *testing.T) {
	files := typed.FindAllStringSubmatch(string(readFile(t, "../../docs/tutorial.md")), -1)
	if len(files) != 3 || files[0][1] != files[1][1] || !strings.HasSuffix(files[2][1], "_test.rego") {
		t.Fatalf("the tutorial has %d files typed; it should be a rule, the rule again and its test", len(files))
	}
	misspelt, first, last := files[0][2], strings.Replace(files[0][2], "user.rolls", "user.roles", 1), files[1][2]
	_, err := policies.Compile("next", tutorialPack(t, misspelt), policies.Options{Signals: signals.Descriptions()})
	if err == nil || !strings.Contains(err.Error(), `did you mean "roles"?`) {
		t.Errorf("the misspelt rule: %v", err)
	}
	for id, got := range tutorialAnswers(t, policies.Default()) {
		if got != riskd.Allow {
			t.Errorf("the pack before answers %s with %s; the tutorial begins with nothing being found", id, got)
		}
	}
	hasty := tutorialAnswers(t, tutorialPack(t, first))
	if hasty["e001"] != riskd.StepUpNeeded || hasty["e073"] != riskd.StepUpNeeded || !slices.Contains(slices.Collect(maps.Values(hasty)), riskd.Revoke) {
		t.Errorf("the first rule answers Ida with %s and the thief with %s", hasty["e001"], hasty["e073"])
	}
	for id, got := range tutorialAnswers(t, tutorialPack(t, last)) {
		if thief := tutorialLabels(t)[id]; thief != (got == riskd.StepUpNeeded) {
			t.Errorf("the last rule answers %s with %s", id, got)
		}
	}
}

// The test that the tutorial has its reader type passes.
func TestTutorialRegoTests(t *testing.T) {
	files := typed.FindAllStringSubmatch(string(readFile(t, "../../docs/tutorial.md")), -1)
	passed := runTyped(t, map[string][]byte{"rule.rego": []byte(files[1][2]), "rule_test.rego": []byte(files[2][2])})
	if len(passed) != 4 {
		t.Errorf("%d tests pass, of 4", len(passed))
	}
}

const tutorialDir = "../../docs/tutorial"

// tutorialPack is the default pack with the rule that is typed.
func tutorialPack(t *testing.T, rule string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"support_from_hosting.rego": {Data: []byte(rule)}}
	for _, name := range []string{"policy.rego", "tuning.json"} {
		data, err := fs.ReadFile(policies.Default(), name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

// tutorialAnswers are a pack's to the events of the trace.
func tutorialAnswers(t *testing.T, pack fs.FS) map[string]riskd.Outcome {
	t.Helper()
	r, err := newScenarioRun(func(overlay []byte) (*policies.Pack, error) {
		return policies.Compile("next", pack, policies.Options{Signals: signals.Descriptions(), Overlay: overlay})
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var clock time.Time
	handler, err := r.handler(nil, &clock)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]riskd.Outcome{}
	for _, line := range tutorialLines(t, "yesterday.ndjson") {
		_, got, err := tell(t.Context(), handler, []byte(line), &clock)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		answers[regexp.MustCompile(`"id":"(e[0-9]+)"`).FindStringSubmatch(line)[1]] = got.Outcome
	}
	return answers
}

// tutorialLabels are the events of the thief.
func tutorialLabels(t *testing.T) map[string]bool {
	t.Helper()
	thief := map[string]bool{}
	for _, line := range tutorialLines(t, "labels.ndjson") {
		var label struct{ Event, Attack string }
		if err := json.Unmarshal([]byte(line), &label); err != nil {
			t.Fatal(err)
		}
		thief[label.Event] = true
	}
	return thief
}

func tutorialLines(t *testing.T, name string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(string(readFile(t, filepath.Join(tutorialDir, name)))), "\n")
}

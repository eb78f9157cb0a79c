package tune_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/tune"
)

func TestRewriteKeepsWhatItDoesNotChange(t *testing.T) {
	for _, name := range policies.ShippedNames() {
		pack, _ := policies.Shipped(name)
		before, err := fs.ReadFile(pack, "tuning.json")
		if err != nil {
			t.Fatal(err)
		}
		after, err := tune.Rewrite(before, tune.Changes(
			"score.step_up_nats", 8.35, "half_life.identity", "5h30m", "group_cap.device.max", 5.5,
			"rules.new_network.weight", 1.3, "rules.new_network.max", 6, "rules.network_kind.weight", 0.7,
		))
		if err != nil {
			t.Fatal(err)
		}
		newWorld(t, name, string(after)) // compiles
		old, changed := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
		kept := map[string]bool{}
		for _, line := range changed {
			kept[line] = true
		}
		gone := 0
		for _, line := range old {
			if !kept[line] {
				gone++
			}
		}
		if gone > 5 {
			t.Errorf("pack %s: %d lines of tuning.json were changed by six numbers:\n%s", name, gone, after)
		}
		for _, want := range []string{
			`{"step_up_nats": 8.35, "revoke_nats": `, `"identity": "5h30m"`, `"device": {"min": -2.5, "max": 5.5}`, `    "new_network": {"weight": 1.3, "max": 6}`,
		} {
			if !strings.Contains(string(after), want) {
				t.Errorf("pack %s: tuning.json has no %s:\n%s", name, want, after)
			}
		}
		again, err := tune.Rewrite(after, nil)
		if err != nil || string(again) != string(after) {
			t.Errorf("pack %s: no change changes something: %v", name, err)
		}
	}
}

func TestRewriteOtherLayouts(t *testing.T) {
	for name, test := range map[string]struct{ before, after string }{
		"one line": {`{"rules":{},"score":{"step_up_nats":10}}`, "{\"rules\":{\n\"ip_change\": {\"max\": 2}\n},\"score\":{\"step_up_nats\":9}}"},
		"none yet": {"{\n  \"score\": {\"step_up_nats\": 10}\n}\n", "{\n  \"score\": {\"step_up_nats\": 9},\n  \"rules\": {\"ip_change\": {\"max\": 2}}\n}\n"},
		"tabs":     {"{\n\t\"score\": {\n\t\t\"step_up_nats\": 10\n\t},\n\t\"rules\": {\n\t\t\"ip_change\": {\n\t\t\t\"weight\": 1\n\t\t}\n\t}\n}", "{\n\t\"score\": {\n\t\t\"step_up_nats\": 9\n\t},\n\t\"rules\": {\n\t\t\"ip_change\": {\n\t\t\t\"weight\": 1,\n\t\t\t\"max\": 2\n\t\t}\n\t}\n}"},
		"awkward":  {`{"x\"}": ["a}", {"b": "]"}], "score": {"step_up_nats": 1e1 }}`, `{"x\"}": ["a}", {"b": "]"}], "score": {"step_up_nats": 9 }, "rules": {"ip_change": {"max": 2}}}`},
	} {
		got, err := tune.Rewrite([]byte(test.before), tune.Changes("score.step_up_nats", 9.0, "rules.ip_change.max", 2.0))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != test.after {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.after)
		}
	}
	if _, err := tune.Rewrite([]byte(`{"score": 3}`), tune.Changes("score.step_up_nats", 9.0)); err == nil {
		t.Error("a number is taken for an object")
	}
}

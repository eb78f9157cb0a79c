package main

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// A pack comes into force only when its tests and its scenarios pass and its
// rules are cheap enough.
func TestPolicyGate(t *testing.T) {
	t.Parallel()
	const quiet = "Something quiet\n-- events.ndjson --\n" +
		`{"decision":{"time":"2026-03-02T12:00:00Z","session":{"id":"a"},"client":{"ip":"203.0.113.7"}}}` + "\n-- want --\n"
	ended, end := context.WithCancel(t.Context())
	end()
	for name, test := range map[string]struct {
		files map[string]string
		check func(context.Context, *policies.Pack, fs.FS) error
		ctx   context.Context
		want  string
	}{
		"tests pass":    {nil, passTests, t.Context(), ""},
		"a test fails":  {map[string]string{"own_test.rego": "package own_test\n\ntest_own if 1 == 2\n"}, passTests, t.Context(), "pack own: own_test.rego:3:1: test_own: fails"},
		"is no test":    {map[string]string{"own_test.rego": "package own_test\n\ntest_own if\n"}, passTests, t.Context(), "pack own: own_test.rego:4:1: "},
		"no time":       {nil, passTests, ended, "pack own: its tests are given up: context canceled"},
		"no scenarios":  {nil, passScenarios, t.Context(), ""},
		"as wanted":     {map[string]string{"scenarios/quiet.txtar": quiet + "allow\n"}, passScenarios, t.Context(), ""},
		"not as wanted": {map[string]string{"scenarios/quiet.txtar": quiet + "revoke\n"}, passScenarios, t.Context(), "pack own: scenarios/quiet.txtar:5: want revoke, got allow; the event is at line 3"},
		"under its own tuning": {
			map[string]string{"scenarios/quiet.txtar": strings.Replace(quiet, "-- ev", "-- tuning.json --\n{\"scor\": 1}\n-- ev", 1) + "allow\n"},
			passScenarios, t.Context(), `pack own: scenarios/quiet.txtar: pack own: tuning.json: scor: is unknown`,
		},
		"no scenario":      {map[string]string{"scenarios/quiet.txtar": quiet}, passScenarios, t.Context(), "pack own: scenarios/quiet.txtar:4: want has 0 lines"},
		"given up":         {map[string]string{"scenarios/quiet.txtar": quiet + "allow\n"}, passScenarios, ended, "is given up: context canceled"},
		"cheap":            {nil, passBudget(time.Hour, time.Hour), t.Context(), ""},
		"a rule is dear":   {nil, passBudget(1, time.Hour), t.Context(), "pack own: policy.rego:10:1: rule decision takes "},
		"the pack is dear": {nil, passBudget(time.Hour, 1), t.Context(), "pack own: policy.rego: the pack takes "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack := fstest.MapFS{}
			for _, file := range []string{"policy.rego", "policy_test.rego", "tuning.json"} {
				data, err := fs.ReadFile(policies.Default(), file)
				if err != nil {
					t.Fatal(err)
				}
				pack[file] = &fstest.MapFile{Data: data}
			}
			for file, text := range test.files {
				pack[file] = &fstest.MapFile{Data: []byte(text)}
			}
			next, err := policies.Compile("own", pack, policies.Options{Signals: signals.Descriptions()})
			if err != nil {
				t.Fatal(err)
			}
			switch err := test.check(test.ctx, next, pack); {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

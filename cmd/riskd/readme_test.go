package main

import (
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd/rego"
)

// The curl commands of the README get the answers that the README shows.
func TestReadmeIsTrue(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	calls := regexp.MustCompile("(?s)```sh\ncurl [^\n]*(/v1/[a-z/]+) [^\n]*-d '(.*?)'\n```.*?```json\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(calls) != 2 {
		t.Fatalf("found %d calls with answers in the README, want 2", len(calls))
	}
	clock := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	handler, err := scenarioRunOf(t, compileShipped("default", rego.FS)).handler(nil, &clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range calls {
		got, err := post(t.Context(), handler, call[1], []byte(call[2]), http.StatusOK)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(settled(t, got), settled(t, []byte(call[3]))) {
			t.Errorf("the README shows\n%s\nthe answer is\n%s", call[3], got)
		}
		clock = clock.Add(10 * time.Second)
	}
}

// settled takes out of an answer what differs from run to run: ids, times, and
// the revision, which a change of any rule changes.
func settled(t *testing.T, answer []byte) any {
	t.Helper()
	text := regexp.MustCompile(`"(decision_id|id|session|revision|idle_at|absolute_at)": ?"[^"]*"`).ReplaceAllString(string(answer), `"$1":"…"`)
	var v any
	if err := json.Unmarshal([]byte(strings.TrimSpace(text)), &v); err != nil {
		t.Fatalf("%v in %s", err, answer)
	}
	return v
}

//go:build linux

package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The traffic gets what the bench says it gets, over many rounds of its own
// clock, and OPA would be asked what the rules read and nothing else.
func TestTheTrafficGetsItsDecisions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	databases, err := makeWorld(filepath.Join("..", ".."), t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	twin, err := newTwin(databases)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range crowds(now) {
		c.users = 2
		for user := range c.users {
			for n := range visits {
				s, err := twin.decide(t.Context(), c.known(user, n))
				if err != nil {
					t.Fatal(err)
				}
				if s.decision != "allow" {
					t.Errorf("%s: visit %d gets %s for %s", c.name, n, s.decision, s.codes)
				}
			}
		}
		request := c.requests(func(body []byte) []byte { return body })
		var first, s seen
		for i := range 100 * c.users {
			body := slices.Clone(request(i))
			if s, err = twin.decide(t.Context(), body); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = s
			}
			if s.decision != c.decision || !slices.Equal(s.codes, first.codes) {
				t.Fatalf("%s: request %d gets %s for %s, the first got %s for %s: %s", c.name, i, s.decision, s.codes, first.decision, first.codes, body)
			}
		}
		t.Logf("%s: %s for %s, OPA is asked %s", c.name, s.decision, s.codes, s.document)
		if !strings.Contains(string(s.document), `"readings":{`) || strings.Contains(string(s.document), "Mozilla") {
			t.Errorf("%s: OPA is asked %s", c.name, s.document)
		}
	}
}

package main

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/fixtures"
)

// What dev invites to try does what it says, and is seen on the screen.
func TestDevDoesWhatItPromises(t *testing.T) {
	t.Parallel()
	shown := newLogLines()
	screen := newScreen(shown, false)
	s := startedDev(t, screen)
	text := welcome(s, screen)
	commands := regexp.MustCompile(`(?m)^  # (.*)\n  curl -sw '\\n' (\S+)(?: -H 'Content-Type: application/json' \\\n    -d '(.*)')?$`).FindAllStringSubmatch(text, -1)
	if len(commands) != len(tries) {
		t.Fatalf("%d commands of %d can be read:\n%s", len(commands), len(tries), text)
	}
	for _, c := range commands {
		comment, answer := c[1], curl(t, c[2], c[3])
		if _, outcome, ok := strings.Cut(comment, ": "); ok && !strings.Contains(answer, `"decision":"`+outcome+`"`) {
			t.Errorf("%s, got %s", comment, answer)
		}
	}
	if answer := curl(t, commands[0][2], commands[0][3]); !strings.Contains(answer, `"decision":"revoke"`) {
		t.Errorf("after the revocation: %s", answer)
	}
	s.stops.run()
	lines := strings.Split(strings.TrimSpace(shown.text()), "\n")
	want := []string{
		`^\d\d:\d\d:\d\d  allow        0  s_\w{6}…  ana         FR Paris$`,
		`^\d\d:\d\d:\d\d  step_up     6\d  s_\w{6}…  ana         US New York               new_country \+\d+, `,
		`^\d\d:\d\d:\d\d  revoke     100  s_\w{6}…  ana         \?                         user revoked at .* by me: trying riskd$`,
	}
	if len(lines) != len(want) {
		t.Fatalf("shown:\n%s", shown.text())
	}
	for i := range want {
		if !regexp.MustCompile(want[i]).MatchString(lines[i]) {
			t.Errorf("shown %s\nwant  %s", lines[i], want[i])
		}
	}
}

func startedDev(t *testing.T, out output) *service {
	t.Helper()
	c := defaults()
	c.Gateway.Listen, c.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.Decision.Deadline = time.Second // a machine under load mustn't change an answer
	s, err := startDev(c, newLogger(io.Discard, c), out)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stops.run)
	return s
}

func curl(t *testing.T, url, body string) string {
	t.Helper()
	ask := func() (*http.Response, error) { return http.Get(url) }
	if body != "" {
		ask = func() (*http.Response, error) { return http.Post(url, "application/json", strings.NewReader(body)) }
	}
	answer, err := ask()
	status, text := read(t, answer, err)
	if status != http.StatusOK {
		t.Errorf("%s: %d %s", url, status, text)
	}
	return text
}

// tape keeps what was decided.
type tape struct {
	mu        sync.Mutex
	decisions []riskd.Decision
}

func (p *tape) record(r *riskd.Record) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decisions = append(p.decisions, *r.Decision)
	return true
}

func (p *tape) write(context.Context) {}

// Played days give the decisions that their scenarios want, at the same hours.
func TestPlay(t *testing.T) {
	t.Parallel()
	all, err := fixtures.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	tick := make(chan time.Time)
	close(tick) // no waiting
	tape := &tape{}
	s := startedDev(t, tape)
	screen := newScreen(io.Discard, false)
	for i := range all {
		scenario := &all[i]
		if scenario.Name != "quiet" && scenario.Name != "impossible_travel" {
			continue
		}
		tape.decisions = nil
		if !playScenario(t.Context(), s, screen, scenario, 1, tick) {
			t.Fatal("out of time")
		}
		if len(tape.decisions) != len(scenario.Events) {
			t.Fatalf("%s: %d decisions on %d events", scenario.Name, len(tape.decisions), len(scenario.Events))
		}
		for k := range scenario.Want { // these have no telemetry
			if err := scenario.Want[k].Check(&tape.decisions[k]); err != nil {
				t.Errorf("%s:%d: %v", scenario.Name, scenario.Lines[k], err)
			}
		}
		last := tape.decisions[len(tape.decisions)-1].At
		if ago := now.Sub(last); ago < -time.Minute || ago > 24*time.Hour {
			t.Errorf("%s: ends %s ago", scenario.Name, ago)
		}
	}
}

func TestScreenLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 9, 1, 10, 0, time.UTC)
	cases := map[string]struct {
		record   riskd.Record
		coloured bool
		want     string
	}{
		"quiet": {
			riskd.Record{Event: &riskd.Event{}, Decision: &riskd.Decision{At: at, Outcome: riskd.Allow}},
			false,
			"09:01:10  allow        0  s_000000…              ?",
		},
		"coloured": {
			riskd.Record{Event: &riskd.Event{}, Decision: &riskd.Decision{At: at, Outcome: riskd.Revoke, Score: 100}},
			true,
			"09:01:10  \x1b[31mrevoke \x1b[0m    100  s_000000…              ?",
		},
		"everything": {
			riskd.Record{
				Event: &riskd.Event{
					User:  riskd.User{ID: "somebody\x1b[2Jwith a long name"},
					Place: riskd.Place{Country: "BR", City: "São Paulo", Network: riskd.NetworkVPN},
				},
				Decision: &riskd.Decision{
					At: at, Outcome: riskd.StepUpNeeded, Score: 66, Degraded: []string{"geo_stale"},
					Reasons: []riskd.Reason{{Code: "new_country", Points: 49}, {Code: "stale_proof"}},
				},
			},
			false,
			"09:01:10  step_up     66  s_000000…  somebody?…  BR São Paulo (vpn)        new_country +49, stale_proof, !geo_stale",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(io.Discard, c.coloured)
			if got := s.line(&c.record); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestNoColoursButOnTerminals(t *testing.T) {
	t.Parallel()
	if colours(io.Discard) {
		t.Error("coloured where there is no terminal")
	}
}

func TestQueueDropsRatherThanWaits(t *testing.T) {
	t.Parallel()
	var put []int
	q := newQueue(func(v int) { put = append(put, v) })
	for i := range queueLength {
		if !q.offer(i) {
			t.Fatalf("refused the %dth", i)
		}
	}
	if q.offer(0) {
		t.Error("took more than it holds")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	q.write(over)
	if len(put) != queueLength || put[queueLength-1] != queueLength-1 {
		t.Errorf("put out %d of %d", len(put), queueLength)
	}
}

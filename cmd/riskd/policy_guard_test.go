package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// guarded is an engine whose packs are guarded, without listeners.
type guarded struct {
	*scoring.Engine
	guard *policyGuard
	now   time.Time
	log   *logLines
}

// quiet is a pack that allows everything, and what else a test writes.
func quiet(t *testing.T, more string) *policies.Pack {
	t.Helper()
	tuning, err := fs.ReadFile(policies.Default(), "tuning.json")
	if err != nil {
		t.Fatal(err)
	}
	pack, err := policies.Compile("quiet", fstest.MapFS{
		"policy.rego": {Data: []byte("package riskd.decision\n\n" + more)}, "tuning.json": {Data: tuning},
	}, policies.Options{Signals: signals.Descriptions(), Library: fstest.MapFS{}})
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

const allowAll = "decision := \"allow\" if input.score >= 0\n"

func newGuarded(t *testing.T, first *policies.Pack, deadline time.Duration) *guarded {
	t.Helper()
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cases, err := scoring.NewCases(0)
	if err != nil {
		t.Fatal(err)
	}
	h := &guarded{now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), log: newLogLines()}
	shadows := scoring.NewShadows(scoring.ShadowOptions{})
	t.Cleanup(shadows.Close)
	h.guard = &policyGuard{
		brake: defaultBrake, set: policies.NewSet(first), shadows: shadows, inForce: func(packSwitch) {},
		trail: &auditTrail{}, metrics: newPolicyMetrics(prometheus.NewRegistry()), log: slog.New(slog.NewJSONHandler(h.log, nil)),
		try: func(ctx context.Context, before, after scoring.Policy) scoring.Trial {
			return h.Try(ctx, before, after, h.now.Add(-time.Hour), time.Minute)
		},
	}
	ids := 0
	h.Engine, err = scoring.New(scoring.Options{
		Memory: store, Locator: nowhere{}, Policy: func() scoring.Policy { return h.guard.set.Current() },
		NewID: func() string { ids++; return fmt.Sprint(ids) }, Record: h.guard.note,
		Shadows: shadows, Cases: cases, Deadline: deadline,
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// decide asks about a session, and lets a second go by.
func (h *guarded) decide(session int, route string) riskd.Decision {
	e := &riskd.Event{
		Session: riskd.EventSession{ID: riskd.SessionID{byte(session * 131), byte(session >> 8), byte(session), 1}, StartedAt: h.now.Add(-time.Minute)},
		User:    riskd.User{ID: fmt.Sprint("u", session)}, Client: riskd.Client{IP: netip.MustParseAddr("192.0.2.1")},
		Request: riskd.Request{Route: route},
	}
	return h.Decide(context.Background(), e, h.now)
}

// A revision that would do too much doesn't come into force: it is tried on what
// happened last, and held.
func TestBrakeBeforeTheSwap(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		before, after string
		sessions      int
		held          string
	}{
		"revokes everybody":   {allowAll, "decision := \"revoke\" if input.score >= 0\n", 500, "would revoke 4"},
		"steps everybody up":  {allowAll, "decision := \"step_up\" if input.score >= 0\n", 500, "and step up 4"},
		"few sessions":        {allowAll, "decision := \"revoke\" if input.score >= 0\n", 9, ""},
		"does what was done":  {"decision := \"step_up\" if input.score >= 0\n", "decision := \"step_up\" if input.score >= -1\n", 500, ""},
		"does less":           {"decision := \"step_up\" if input.score >= 0\n", allowAll, 500, ""},
		"steps up admins":     {allowAll, "decision := \"step_up\" if input.request.route == \"/admin\"\n\ndecision := \"allow\" if object.get(input.request, \"route\", \"\") != \"/admin\"\n", 500, ""},
		"answers nobody":      {allowAll, "decision := \"allow\" if not input.request.route\n", 500, "gives no answer for 4"},
		"revokes who was fed": {"decision := \"step_up\" if input.score >= 0\n", "decision := \"revoke\" if input.score >= 0\n", 500, "would revoke 4"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, next := quiet(t, c.before), quiet(t, c.after)
			h := newGuarded(t, first, time.Minute)
			for i := range c.sessions {
				h.decide(i, "/")
			}
			held := h.guard.admit(next)
			if !strings.Contains(held, c.held) || (held == "") != (c.held == "") {
				t.Fatalf("held because %q, want %q", held, c.held)
			}
			if c.held == "" {
				return
			}
			revision := next.Info().Revision
			if again := h.guard.admit(next); again != held {
				t.Errorf("loaded again it is held because %q", again)
			}
			r, ok := h.guard.shadows.Report("held-"+revision, h.now)
			if !ok || r.Held != held || !strings.Contains(strings.Join(r.Refused, " "), "it is held") {
				t.Errorf("its trial: %v %+v", ok, r)
			}
			if err := h.guard.confirm("another", "ann", "why"); err != riskd.ErrNotHeld {
				t.Errorf("confirming another: %v", err)
			}
			if err := h.guard.confirm(revision, "ann", "it is meant"); err != nil || h.guard.set.Current().Info().Revision != revision || h.guard.isHeld(revision) != nil {
				t.Errorf("confirming: %v", err)
			}
			if _, ok := h.guard.shadows.Report("held-"+revision, h.now); ok {
				t.Error("it is in force, and still on trial")
			}
		})
	}
}

// Where nothing is known yet a revision comes into force, and goes again at once
// when it does too much: of 10,000 live sessions 200 may be met, and 10 are.
func TestBrakeAfterTheSwap(t *testing.T) {
	t.Parallel()
	first, next := quiet(t, allowAll), quiet(t, "decision := \"revoke\" if input.score >= 0\n")
	h := newGuarded(t, first, time.Minute)
	for i := range 10_000 {
		h.decide(i, "/")
	}
	h.guard.set.Swap(next)
	revoked := 0
	for i := range 10_000 {
		if d := h.decide(i, "/"); d.Outcome == riskd.Revoke {
			revoked++
		}
	}
	if revoked > 200 || revoked < defaultBrake.MinSessions {
		t.Errorf("%d sessions were revoked before the brake", revoked)
	}
	if h.guard.set.Current() != first {
		t.Error("the revision before isn't in force")
	}
	line := awaitLog(t, h.log, "policy pack held after it came into force")
	if line["in_force"] != first.Info().Revision || !strings.Contains(line["because"].(string), "10 of the 10 live sessions") {
		t.Errorf("the log says %v", line)
	}
	// Once somebody has answered for it, nobody looks any more.
	if err := h.guard.confirm(next.Info().Revision, "ann", "it is meant"); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		h.decide(20_000+i, "/")
	}
	if h.guard.set.Current().Info().Revision != next.Info().Revision {
		t.Error("what was confirmed was reverted")
	}
}

// An attack that goes on while a revision comes into force isn't the revision's
// doing.
func TestBrakeKnowsWhatWasBefore(t *testing.T) {
	t.Parallel()
	attack := "decision := \"step_up\" if input.request.route == \"/attack\"\n\ndecision := \"allow\" if object.get(input.request, \"route\", \"\") != \"/attack\"\n"
	first, next := quiet(t, attack), quiet(t, attack+"\nunused := 1\n")
	h := newGuarded(t, first, time.Minute)
	ask := func(from int) {
		for i := range 2000 {
			route := "/"
			if i%10 == 0 {
				route = "/attack"
			}
			h.decide(from+i, route)
		}
	}
	ask(0)
	h.guard.set.Swap(next)
	ask(10_000)
	if h.guard.set.Current() != next {
		t.Error("a revision that does what the one before did was reverted")
	}
}

// A pack that runs without end on one route only, as a hostile or careless rule
// does, is fallen back from, and doesn't come back by itself.
func TestFallsBackAfterRepeatedTimeouts(t *testing.T) {
	t.Parallel()
	endless := `hundred := [x | some x in split("` + strings.Repeat("x", 100) + `", "")]

decision := "allow" if object.get(input.request, "route", "") != "/slow"

decision := "revoke" if {
	input.request.route == "/slow"
	count([1 | some a in hundred; some b in hundred; some c in hundred; some d in hundred; a != b; c != d]) > 1
}
`
	first, next := quiet(t, allowAll), quiet(t, endless)
	h := newGuarded(t, first, 20*time.Millisecond)
	h.guard.brake.Off = true // which leaves this to do
	if held := h.guard.admit(next); held != "" {
		t.Fatal(held)
	}
	h.guard.set.Swap(next)
	for range 2 {
		h.decide(1, "/slow")
		h.decide(2, "/slow") // in the same instant: one stall of the machine counts once
		h.now = h.now.Add(time.Second)
	}
	if h.guard.set.Current() != next {
		t.Fatal("two failures are enough")
	}
	h.now = h.now.Add(20 * time.Second)
	h.decide(1, "/slow")
	if h.guard.set.Current() != next {
		t.Fatal("failures that lie far apart are enough")
	}
	for range 2 {
		h.now = h.now.Add(time.Second)
		h.decide(1, "/slow")
	}
	if h.guard.set.Current() != first {
		t.Fatal("three failures aren't enough")
	}
	if line := awaitLog(t, h.log, "policy pack fails; the one before is in force again"); line["revision"] != next.Info().Revision {
		t.Errorf("the log says %v", line)
	}
	if d := h.decide(3, "/slow"); d.Source != riskd.SourceFresh || d.Outcome != riskd.Allow {
		t.Errorf("after the fall-back: %s from %s", d.Outcome, d.Source)
	}
	if held := h.guard.admit(next); !strings.Contains(held, "was in force before, and failed") {
		t.Errorf("loaded again: %q", held)
	}
	// Never to one that has failed itself.
	third := quiet(t, endless+"\nunused := 1\n")
	h.guard.set.Swap(third)
	h.guard.set.Swap(next)
	if back := h.guard.set.Back(next); back != third {
		t.Fatalf("went back to %v", back)
	}
	for range 4 {
		h.now = h.now.Add(time.Second)
		h.decide(4, "/slow")
	}
	if h.guard.set.Current() != third {
		t.Error("fell back to a revision that has failed")
	}
}

func awaitLog(t *testing.T, log *logLines, message string) map[string]any {
	t.Helper()
	for {
		select {
		case line := <-log.lines:
			var fields map[string]any
			if err := json.Unmarshal(line, &fields); err != nil {
				t.Fatalf("log line is no JSON: %s", line)
			}
			if strings.HasPrefix(fields["msg"].(string), message) {
				return fields
			}
		case <-time.After(time.Minute): // rather than hang
			t.Fatalf("no %q in the log:\n%s", message, log.text())
		}
	}
}

// The whole way: a folder that turns bad, the hold, the trial, and a person.
func TestServeHoldsABadRevision(t *testing.T) {
	t.Parallel()
	dir := copyDefaultPack(t)
	untested(t, dir)
	r := serving(t, "policy: {pack: "+dir+", watch: 100ms}\n")
	decide := func(session int, want string) {
		body := fmt.Sprintf(`{"session":{"id":"held-%d"},"user":{"id":"u%d"},"client":{"ip":"203.0.113.7"}}`, session, session)
		if _, answer := r.post(r.gateway+"/v1/decisions", body); !strings.Contains(answer, `"decision":"`+want+`"`) {
			t.Errorf("session %d: want %s, got %s", session, want, answer)
		}
	}
	get := func(path string) string {
		_, body := r.get(r.admin + path)
		return body
	}
	for i := range 40 {
		decide(i, "allow")
	}
	rewrite(t, filepath.Join(dir, "policy.rego"), "package riskd.decision\n\ndecision := \"revoke\" if input.score >= 0\n")
	line := r.await("policy pack held; the one before stays in force: `riskd policy confirm` lets it in")
	revision := line["revision"].(string)
	decide(0, "allow")
	if body := get("/readyz?verbose"); !strings.Contains(body, ": revision "+revision+" is held since ") {
		t.Errorf("readyz says %s", body)
	}
	if body := get("/v1/policy/shadows/held-" + revision); !strings.Contains(body, `"verdict":"refuse"`) || !strings.Contains(body, `"held":"of `) {
		t.Errorf("its trial: %s", body)
	}
	if body := get("/metrics"); !strings.Contains(body, `riskd_policy_brake_total{kind="held"} 1`) {
		t.Error("the metric doesn't count it")
	}
	var out, errs strings.Builder
	code := run(t.Context(), []string{"policy", "confirm", "-admin", r.admin, "-actor", "ann", "-reason", "it is meant", revision}, stdio{in: strings.NewReader(""), out: &out, err: &errs})
	if code != 0 || !strings.Contains(out.String(), revision) {
		t.Fatalf("confirm ends with %d: %s%s", code, out.String(), errs.String())
	}
	decide(0, "revoke")
	if err := r.end(); err != nil {
		t.Error(err)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// Every scenario, through the HTTP handler, as a gateway would ask.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			for _, fault := range play(t, &s, rego.FS) {
				t.Error(fault)
			}
		})
	}
}

// An attack is caught by the rule that its scenario names: without the rule, the
// scenario fails. A scenario that passes all the same proves nothing of it.
func TestAttacksNeedTheirRules(t *testing.T) {
	attacks := 0
	for _, s := range scenarios(t) {
		if s.Rule == "" {
			continue
		}
		attacks++
		t.Run(s.Name+" without "+s.Rule, func(t *testing.T) {
			t.Parallel()
			if len(play(t, &s, libraryWithout(t, s.Rule+".rego"))) == 0 {
				t.Errorf("passes without rego/%s.rego", s.Rule)
			}
		})
	}
	if attacks < 8 {
		t.Errorf("only %d scenarios name a rule", attacks)
	}
}

// A scenario either names the rule that catches its attack or stays allow
// throughout, until its time is up.
func TestOrdinaryDaysStayAllow(t *testing.T) {
	all := scenarios(t)
	if len(all) < 25 {
		t.Errorf("there are %d scenarios, of 25 that there should be", len(all))
	}
	for _, s := range all {
		for _, w := range s.Want {
			timeUp := slices.Contains(w.Codes, "idle_timeout") || slices.Contains(w.Codes, "absolute_timeout")
			if s.Rule == "" && w.Outcome != riskd.Allow && !timeUp {
				t.Errorf("%s:%d: names no rule, but wants %s", s.Name, w.Line, w.Outcome)
			}
		}
	}
}

func scenarios(t *testing.T) []fixtures.Scenario {
	t.Helper()
	all, err := fixtures.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func libraryWithout(t *testing.T, rule string) fs.FS {
	t.Helper()
	library := fstest.MapFS{}
	err := fs.WalkDir(rego.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == rule {
			return err
		}
		data, err := fs.ReadFile(rego.FS, path)
		library[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(rego.FS, rule); err != nil {
		t.Fatalf("the scenario names a rule that isn't there: %v", err)
	}
	return library
}

// play asks the handler about each event of a scenario and gives what differs
// from what it wants.
func play(t *testing.T, s *fixtures.Scenario, library fs.FS) []string {
	t.Helper()
	clock := time.Now()
	handler := scenarioHandler(t, s, library, &clock)
	var faults []string
	want := s.Want
	for i, line := range s.Events {
		kind, document, err := fixtures.SplitLine(line)
		if err != nil {
			t.Fatal(err)
		}
		clock = timeOf(t, document)
		if kind == fixtures.Telemetry {
			ask(t, handler, "/v1/telemetry", document, http.StatusAccepted)
			continue
		}
		d := decisionOf(t, ask(t, handler, "/v1/decisions", document, http.StatusOK))
		if err := want[0].Check(d); err != nil {
			faults = append(faults, fmt.Sprintf("%s.txtar:%d (event at line %d): %v", s.Name, want[0].Line, s.Lines[i], err))
		}
		want = want[1:]
	}
	return faults
}

func scenarioHandler(t *testing.T, s *fixtures.Scenario, library fs.FS, clock *time.Time) http.Handler {
	t.Helper()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{
		Signals: signals.Descriptions(), Library: library, Overlay: s.Tuning,
	})
	if err != nil {
		t.Fatal(err)
	}
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locator.Close)
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return pack }, NewID: newID,
		Deadline: time.Minute, // a machine under load mustn't change an answer
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := riskd.NewSessionKey(bytes.Repeat([]byte{1}, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	orders := &state{Store: store, trail: &auditTrail{}, metrics: newMetrics()}
	handler, err := identity.New(identity.Options{
		Orders: orders, Table: func() map[string][]riskd.Action { return pack.Info().Tuning.Identity },
	})
	if err != nil {
		t.Fatal(err)
	}
	past, err := newPast(0, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := api.New(api.Options{
		Engine: engine, Sessions: store, Orders: orders, StepUps: engine, Identity: handler, Decisions: past, Key: key,
		Now: func() time.Time { return *clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Gateway()
}

func ask(t *testing.T, h http.Handler, path string, body []byte, status int) []byte {
	t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != status {
		t.Fatalf("%s answered %d: %s\nto %s", path, w.Code, w.Body, body)
	}
	return w.Body.Bytes()
}

func decisionOf(t *testing.T, answer []byte) *riskd.Decision {
	t.Helper()
	var wire struct {
		Decision string
		Reasons  []struct{ Code string }
	}
	if err := json.Unmarshal(answer, &wire); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	outcome, err := riskd.ParseOutcome(wire.Decision)
	if err != nil {
		t.Fatal(err)
	}
	d := &riskd.Decision{Outcome: outcome}
	for _, r := range wire.Reasons {
		d.Reasons = append(d.Reasons, riskd.Reason{Code: r.Code})
	}
	return d
}

func timeOf(t *testing.T, document []byte) time.Time {
	t.Helper()
	var e struct{ Time time.Time }
	if err := json.Unmarshal(document, &e); err != nil || e.Time.IsZero() {
		t.Fatalf("event has no time (%v): %s", err, document)
	}
	return e.Time
}

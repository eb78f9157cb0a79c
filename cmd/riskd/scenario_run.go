package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// scenarioRun plays scenarios through the handler that gateways ask, each with a
// memory of its own, in the made-up world.
type scenarioRun struct {
	compile compilePack
	pack    *policies.Pack // without an overlay
	locator *geo.Locator
	judged  func(*riskd.Case) // told of each case that is judged; may be nil
}

// compilePack compiles a pack under other tuning, or its own when overlay is nil.
type compilePack func(overlay []byte) (*policies.Pack, error)

// newScenarioRun has to be closed.
func newScenarioRun(compile compilePack) (*scenarioRun, error) {
	pack, err := compile(nil)
	if err != nil {
		return nil, err
	}
	locator, err := geo.Open(madeUpWorld())
	if err != nil {
		return nil, err
	}
	return &scenarioRun{compile: compile, pack: pack, locator: locator}, nil
}

func (r *scenarioRun) close() { r.locator.Close() }

// play asks about each event of a scenario and joins what differs from what it
// wants, each with file:line.
func (r *scenarioRun) play(ctx context.Context, file string, s *fixtures.Scenario) error {
	var clock time.Time
	handler, err := r.handler(s.Tuning, &clock)
	if err != nil {
		return inScenario(file, err)
	}
	var faults []error
	want := s.Want
	for i, line := range s.Events {
		if ctx.Err() != nil {
			return at(file, s.Lines[i], fmt.Errorf("is given up: %w", context.Cause(ctx)))
		}
		asked, got, err := tell(ctx, handler, line, &clock)
		switch {
		case err != nil:
			faults = append(faults, at(file, s.Lines[i], err))
		case asked:
			if err := want[0].Check(got); err != nil {
				faults = append(faults, at(file, want[0].Line, fmt.Errorf("%w; the event is at line %d", err, s.Lines[i])))
			}
		}
		if asked {
			want = want[1:]
		}
	}
	return errors.Join(faults...)
}

// tell puts one line of a scenario before the handler.
func tell(ctx context.Context, handler http.Handler, line []byte, clock *time.Time) (asked bool, got *riskd.Decision, err error) {
	kind, document, err := fixtures.SplitLine(line)
	if err != nil {
		return false, nil, err
	}
	asked = kind == fixtures.Decision
	var event struct{ Time time.Time }
	if json.Unmarshal(document, &event) == nil { // else the handler says what is wrong
		*clock = event.Time
	}
	if clock.IsZero() {
		return asked, nil, &riskd.FieldError{Path: "time", Detail: "is required in a scenario: it is the clock"}
	}
	if !asked {
		_, err := post(ctx, handler, "/v1/telemetry", document, http.StatusAccepted)
		return asked, nil, err
	}
	answer, err := post(ctx, handler, "/v1/decisions", document, http.StatusOK)
	if err != nil {
		return asked, nil, err
	}
	got, err = readDecision(answer)
	return asked, got, err
}

// handler is a service for one scenario, under its tuning.
func (r *scenarioRun) handler(overlay []byte, clock *time.Time) (http.Handler, error) {
	pack := r.pack
	if overlay != nil {
		var err error
		if pack, err = r.compile(overlay); err != nil {
			return nil, err
		}
	}
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		return nil, err
	}
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: r.locator, NewID: newID,
		Policy:   func() scoring.Policy { return witness{pack, r.judged} },
		Deadline: replayDeadline, // a machine under load mustn't change an answer
	})
	if err != nil {
		return nil, err
	}
	key, err := riskd.NewSessionKey(replayKey)
	if err != nil {
		return nil, err
	}
	orders := &state{Store: store, trail: &auditTrail{}, metrics: newMetrics()}
	events, err := identity.New(identity.Options{
		Orders: orders, Table: func() map[string][]riskd.Action { return pack.Info().Tuning.Identity },
		Tell: store.Tell,
	})
	if err != nil {
		return nil, err
	}
	past, err := newPast(0, nil)
	if err != nil {
		return nil, err
	}
	a, err := api.New(api.Options{
		Engine: engine, Sessions: unrecorded{store}, Orders: orders, StepUps: engine, Identity: events, Decisions: past, Key: key,
		Now: func() time.Time { return *clock },
	})
	if err != nil {
		return nil, err
	}
	return a.Gateway(), nil
}

// unrecorded is a store whose extensions nobody puts on record.
type unrecorded struct{ *sessions.Store }

// Extend begins a session's idle clock anew.
func (u unrecorded) Extend(id riskd.SessionID, now time.Time, _ string) (riskd.Session, error) {
	return u.Store.Extend(id, now)
}

// witness is a pack that somebody looks on at.
type witness struct {
	*policies.Pack
	judged func(*riskd.Case)
}

func (w witness) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	if w.judged != nil {
		w.judged(c)
	}
	return w.Pack.Judge(ctx, c)
}

// written is what a handler answers.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *written) Header() http.Header { return w.header }

func (w *written) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *written) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// post gives the body of the answer; any but the wanted status is an error.
func post(ctx context.Context, handler http.Handler, path string, body []byte, status int) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	w := &written{header: http.Header{}}
	handler.ServeHTTP(w, r)
	if w.status == status {
		return w.body.Bytes(), nil
	}
	var problem struct{ Errors []struct{ Detail string } }
	if err := json.Unmarshal(w.body.Bytes(), &problem); err != nil || problem.Errors == nil {
		return nil, fmt.Errorf("%s answers %d: %s", path, w.status, strings.TrimSpace(w.body.String()))
	}
	var faults []error
	for _, e := range problem.Errors {
		faults = append(faults, errors.New(e.Detail))
	}
	return nil, errors.Join(faults...)
}

// readDecision reads of an answer what a scenario looks at.
func readDecision(answer []byte) (*riskd.Decision, error) {
	var wire struct {
		Decision string
		Reasons  []struct{ Code string }
	}
	if err := json.Unmarshal(answer, &wire); err != nil {
		return nil, fmt.Errorf("answer: %w: %s", err, answer)
	}
	outcome, err := riskd.ParseOutcome(wire.Decision)
	if err != nil {
		return nil, err
	}
	d := &riskd.Decision{Outcome: outcome}
	for _, r := range wire.Reasons {
		d.Reasons = append(d.Reasons, riskd.Reason{Code: r.Code})
	}
	return d, nil
}

// scenarioFile is a scenario and where it is.
type scenarioFile struct {
	file string
	fixtures.Scenario
}

// readScenarios reads the scenarios of a folder, in the order of their names;
// under is what the folder is called.
func readScenarios(folder fs.FS, pattern, under string) ([]scenarioFile, error) {
	names, err := fs.Glob(folder, pattern)
	if err != nil {
		return nil, err
	}
	var all []scenarioFile
	var faults []error
	for _, name := range names {
		file := filepath.Join(under, filepath.FromSlash(name))
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		s, err := fixtures.ParseScenario(file, data)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = append(all, scenarioFile{file, s})
	}
	return all, errors.Join(faults...)
}

// shippedScenarios are those that riskd brings along.
func shippedScenarios() ([]scenarioFile, error) {
	scenarios, err := fixtures.Scenarios()
	all := make([]scenarioFile, len(scenarios))
	for i, s := range scenarios {
		all[i] = scenarioFile{path.Join("scenarios", s.Name+".txtar"), s}
	}
	return all, err
}

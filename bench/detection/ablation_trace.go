package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
	"github.com/riskd/riskd/tune"
)

// recordTrace runs a trace, whose events bring their places along, through an engine
// under a shipped pack, and keeps its evidence.
func recordTrace(ctx context.Context, name, labelsFile, traceFile string) (*tune.Log, error) {
	files, ok := policies.Shipped(name)
	if !ok {
		return nil, fmt.Errorf("there is no pack %s inside riskd", name)
	}
	pack, err := policies.Compile(name, files, policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		return nil, err
	}
	labels, err := os.Open(labelsFile)
	if err != nil {
		return nil, err
	}
	defer labels.Close()
	marks, err := tune.ReadLabels(labelsFile, labels)
	if err != nil {
		return nil, err
	}
	recorder, err := tune.NewRecorder(tune.Options{
		Policy: pack, Tuned: pack.Tuned(), Signals: signals.Descriptions(), Labels: marks,
		Engine: func(p tune.Policy) (tune.Engine, error) { return newRecordingEngine(p) },
	})
	if err != nil {
		return nil, err
	}
	trace, err := os.Open(traceFile)
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	err = recordLines(ctx, recorder, traceFile, bufio.NewScanner(trace))
	return recorder.Close(), err
}

func recordLines(ctx context.Context, recorder *tune.Recorder, name string, lines *bufio.Scanner) error {
	key, err := riskd.NewSessionKey(make([]byte, riskd.MinSessionKey))
	if err != nil {
		return err
	}
	lines.Buffer(make([]byte, 0, 1<<16), api.MaxEvent+1024)
	for number := 1; lines.Scan() && ctx.Err() == nil; number++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := recordLine(ctx, recorder, text, key); err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return ctx.Err()
}

func recordLine(ctx context.Context, recorder *tune.Recorder, text []byte, key *riskd.SessionKey) error {
	kind, document, err := fixtures.SplitLine(text)
	if err != nil {
		return err
	}
	if kind == fixtures.Identity {
		e, err := api.DecodeTraceIdentityEvent(document, key)
		if err != nil {
			return err
		}
		return recorder.Identity(ctx, e)
	}
	e, err := api.DecodeTraceEvent(document, key)
	if err != nil {
		return err
	}
	return recorder.Event(ctx, e)
}

// recordingEngine decides with a memory of its own.
type recordingEngine struct {
	*scoring.Engine
	handler *identity.Handler
	ids     int
}

// nowhere is the locator of events that bring their places along.
type nowhere struct{}

func (nowhere) Locate(netip.Addr) (riskd.Place, []string) { return riskd.Place{}, nil }

func newRecordingEngine(policy tune.Policy) (*recordingEngine, error) {
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		return nil, err
	}
	e := &recordingEngine{}
	e.handler, err = identity.New(identity.Options{
		Orders: store, Table: func() map[string][]riskd.Action { return policy.Info().Tuning.Identity },
	})
	if err != nil {
		return nil, err
	}
	e.Engine, err = scoring.New(scoring.Options{
		Memory: store, Locator: nowhere{}, Policy: func() scoring.Policy { return policy },
		NewID: func() string { e.ids++; return fmt.Sprintf("%026d", e.ids) }, Deadline: time.Minute,
	})
	return e, err
}

// Decide answers an event as of its time.
func (e *recordingEngine) Decide(ctx context.Context, _ int, event *riskd.Event) riskd.Decision {
	return e.Engine.Decide(ctx, event, event.Time)
}

// Tell lets an identity event act.
func (e *recordingEngine) Tell(ctx context.Context, _ int, event *riskd.IdentityEvent) error {
	_, err := e.handler.Apply(ctx, *event, event.Time)
	return err
}

// Prove passes a challenge by what it asks for.
func (e *recordingEngine) Prove(ctx context.Context, _ int, u *riskd.StepUp, at time.Time) bool {
	a := riskd.StepUpAnswer{ID: u.ID, Passed: true, AuthTime: at, AMR: u.Demand.AMR, Actor: "bench"}
	if !at.After(u.AuthTime) {
		a.AuthTime = u.AuthTime.Add(time.Millisecond)
	}
	if len(u.Demand.ACR) > 0 {
		a.ACR = u.Demand.ACR[0]
	}
	_, err := e.Answer(ctx, a, at)
	return err == nil
}

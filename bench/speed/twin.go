package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// twin is riskd's engine in this process. It decides the same events as the
// server does, and tells what the policy was asked and what it said: OPA is
// asked that, and has to say the same.
type twin struct {
	engine  *scoring.Engine
	key     *riskd.SessionKey
	witness *witness
}

// seen is one decision from the policy's side.
type seen struct {
	document []byte // as OPA gets it
	codes    []string
	decision string
}

func newTwin(databases []string) (*twin, error) {
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		return nil, err
	}
	locator, err := geo.Open(geo.Options{Databases: databases})
	if err != nil {
		return nil, err
	}
	memory, err := sessions.New(sessions.Options{})
	if err != nil {
		return nil, err
	}
	t := &twin{witness: &witness{pack: pack}}
	if t.key, err = riskd.NewSessionKey(make([]byte, riskd.MinSessionKey)); err != nil {
		return nil, err
	}
	ids := 0
	t.engine, err = scoring.New(scoring.Options{
		Memory: memory, Locator: locator, Deadline: time.Second,
		Policy: func() scoring.Policy { return t.witness },
		NewID:  func() string { ids++; return strconv.Itoa(ids) },
	})
	return t, err
}

// decide decides events in turn; it tells of the last one.
func (t *twin) decide(ctx context.Context, events ...[]byte) (seen, error) {
	for _, body := range events {
		e, err := api.DecodeEvent(body, t.key)
		if err != nil {
			return seen{}, fmt.Errorf("event %s: %w", body, err)
		}
		d := t.engine.Decide(ctx, e, e.Time)
		if len(d.Degraded) > 0 || t.witness.err != nil {
			return seen{}, fmt.Errorf("event %s: degraded by %v: %w", body, d.Degraded, t.witness.err)
		}
		t.witness.seen.decision = d.Outcome.String()
	}
	return t.witness.seen, nil
}

// rehearse lets riskd's engine, in this process, decide an event of each crowd,
// and gives what its policy was asked.
func rehearse(ctx context.Context, all []*crowd, databases []string) (map[string]seen, error) {
	twin, err := newTwin(databases)
	if err != nil {
		return nil, err
	}
	asked := map[string]seen{}
	for _, c := range all {
		var events [][]byte
		for n := range visits {
			events = append(events, c.known(0, n))
		}
		s, err := twin.decide(ctx, append(events, c.first(c, 0))...)
		if err != nil {
			return nil, err
		}
		if s.decision != c.decision {
			return nil, fmt.Errorf("the %s request gets %s for %s; the bench wants %s", c.name, s.decision, s.codes, c.decision)
		}
		asked[c.name] = s
	}
	return asked, nil
}

// witness is a policy that remembers what it was asked last.
type witness struct {
	pack *policies.Pack
	seen seen
	err  error
}

// Info describes the pack.
func (w *witness) Info() *riskd.Pack { return w.pack.Info() }

// Reasons notes what the rules said.
func (w *witness) Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	reasons, err := w.pack.Reasons(ctx, c)
	w.seen.codes = nil
	for i := range reasons {
		w.seen.codes = append(w.seen.codes, reasons[i].Code)
	}
	return reasons, err
}

// Judge notes the case as the judgement sees it, which is all that there is.
func (w *witness) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	input, err := w.pack.Input(c)
	w.seen.document, w.err = fmt.Appendf(nil, `{"input":%s}`, input), err
	return w.pack.Judge(ctx, c)
}

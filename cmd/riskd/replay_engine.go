package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/identity"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// replayKey hashes session ids where nobody else's references have to agree.
var replayKey = bytes.Repeat([]byte{0}, riskd.MinSessionKey)

// replayDeadline is so long that the speed of the machine decides nothing.
const replayDeadline = time.Minute

// replayEngine is an engine with a memory of its own, in which recorded events and
// what identity providers told act as they do in production. It is for one
// goroutine.
type replayEngine struct {
	*scoring.Engine
	memory  *replayMemory
	handler *identity.Handler
}

func newReplayEngine(pack scoring.Policy, locator scoring.Locator, o sessions.Options, newID func() string, record func(*riskd.Record)) (*replayEngine, error) {
	store, err := sessions.New(o)
	if err != nil {
		return nil, err
	}
	r := &replayEngine{memory: &replayMemory{Store: store, told: map[uint64]time.Time{}}}
	r.handler, err = identity.New(identity.Options{
		Orders: store, Table: func() map[string][]riskd.Action { return pack.Info().Tuning.Identity },
		Tell: store.Tell,
	})
	if err != nil {
		return nil, err
	}
	r.Engine, err = scoring.New(scoring.Options{
		Memory: r.memory, Locator: locator, Policy: func() scoring.Policy { return pack },
		NewID: newID, Record: record, Deadline: replayDeadline,
	})
	return r, err
}

// tell lets an identity event lead to what the pack says.
func (r *replayEngine) tell(ctx context.Context, e *riskd.IdentityEvent) (identity.Result, error) {
	done, err := r.handler.Apply(ctx, *e, e.Time)
	for i := range done.Actions {
		r.memory.told[done.Actions[i].Epoch.Number] = e.Time
	}
	return done, err
}

// byOrder reports whether the decision that was just taken repeats what a timeout or
// an identity event has led to, rather than what the policy judged.
func (r *replayEngine) byOrder(d *riskd.Decision) bool {
	switch d.Source {
	case riskd.SourceExpiry:
		return true
	case riskd.SourceRevocation, riskd.SourceSuspension:
		_, told := r.memory.told[r.memory.over]
		return told
	default:
		return false
	}
}

// replayMemory knows which order the last decision has met.
type replayMemory struct {
	*sessions.Store
	told   map[uint64]time.Time // numbers of the orders that identity events have led to, and when
	over   uint64               // number of the order that ended or holds up the session, 0 if none
	seen   time.Time            // the event before
	tended time.Time
}

// Revoked is the store's. It is what an engine asks first of all.
func (m *replayMemory) Revoked(e *riskd.Event) (riskd.Epoch, bool) {
	m.tend(e.Time)
	epoch, over := m.Store.Revoked(e)
	m.over = epoch.Number
	return epoch, over
}

// Update is the store's.
func (m *replayMemory) Update(e *riskd.Event, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson) {
	m.Store.Update(e, now, func(s *riskd.Session, p *riskd.Profile) riskd.Lesson {
		if s.Suspension != nil {
			m.over = s.Suspension.Number
		}
		return fn(s, p)
	})
}

// tendEvery is how often by the trace's clock the memory lets go of what is over.
const tendEvery = 24 * time.Hour

// tend lets go of sessions that are over and of orders that have passed. The clock is
// the earlier of two events: a single one that is far ahead ends nothing.
func (m *replayMemory) tend(at time.Time) {
	now := at
	if m.seen.Before(at) {
		now = m.seen
	}
	m.seen = at
	if now.Sub(m.tended) < tendEvery {
		return
	}
	m.tended = now
	m.Forget(now)
	for number, told := range m.told {
		if now.Sub(told) > 2*sessions.DefaultEpochRetention {
			delete(m.told, number)
		}
	}
	_, _ = m.Sweep(context.Background(), now) // without a folder nothing can fail
}

// replayLine is one line of a trace: an event or an identity event.
type replayLine struct {
	event    *riskd.Event
	asked    bool // somebody waited for the event's decision
	identity *riskd.IdentityEvent
}

// decodeLine reads one line of a trace. Nearly all have their wrapping just as expected
// and need no parser to take it off: whatever is right within it is one JSON document.
func decodeLine(line []byte, key *riskd.SessionKey) (in replayLine, err error) {
	for _, kind := range lineKinds {
		if document, ok := unwrapped(line, kind); ok {
			if in, err = decodeDocument(kind, document, key); err == nil {
				return in, nil
			}
			break
		}
	}
	kind, document, err := fixtures.SplitLine(line)
	if err != nil {
		return in, err
	}
	return decodeDocument(kind, document, key)
}

var lineKinds = []string{fixtures.Decision, fixtures.Telemetry, fixtures.Identity}

// unwrapped gives what is between {"kind": and the last brace.
func unwrapped(line []byte, kind string) (document []byte, ok bool) {
	const open, colon = `{"`, `":`
	at := len(open) + len(kind) + len(colon)
	if len(line) <= at || line[len(line)-1] != '}' || string(line[:len(open)]) != open ||
		string(line[len(open):at-len(colon)]) != kind || string(line[at-len(colon):at]) != colon {
		return nil, false
	}
	return line[at : len(line)-1], true
}

func decodeDocument(kind string, document []byte, key *riskd.SessionKey) (in replayLine, err error) {
	var at time.Time
	switch kind {
	case fixtures.Identity:
		if in.identity, err = api.DecodeTraceIdentityEvent(document, key); err == nil {
			at = in.identity.Time
		}
	default:
		in.asked = kind == fixtures.Decision
		if in.event, err = api.DecodeTraceEvent(document, key); err == nil {
			at = in.event.Time
		}
	}
	if err == nil && at.IsZero() {
		err = &riskd.FieldError{Path: "time", Detail: "is required in a trace: it is the clock"}
	}
	return in, err
}

// toldText says what an identity event has led to.
func toldText(e *riskd.IdentityEvent, done *identity.Result) string {
	text := fmt.Sprintf("identity event %s", e.Type)
	switch {
	case done.Repeated:
		text += ": told before"
	case len(done.Actions) == 0:
		text += ": leads to nothing"
	}
	for i := range done.Actions {
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += sep + done.Actions[i].Action.String()
	}
	return text
}

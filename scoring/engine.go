package scoring

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// Memory is what the engine needs of the place where sessions are kept.
type Memory interface {
	// Revoked reports the revocation that ended the event's session, if any. It
	// must be exact, and must see every Impose that has returned.
	Revoked(e *riskd.Event) (riskd.Epoch, bool)
	// Standing finds the standing revocation whose predicate the event hits, if
	// any; the event's place is known.
	Standing(e *riskd.Event, a riskd.Agent, now time.Time) (riskd.Epoch, bool)
	// Crowd gives how usual an event's features are among all users of its tenant.
	Crowd(e *riskd.Event, a riskd.Agent, now time.Time) riskd.Crowd
	// Update runs fn on the event's session, made if it is new, and on a copy of
	// its user's profile; one fn at a time per session. The profile takes the
	// lesson. Update sets the session's Suspension, Ordered and Lost.
	Update(e *riskd.Event, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson)
	// Edit is Update for what happens to a session outside of its own requests; it
	// reports whether the session is known.
	Edit(id riskd.SessionID, now time.Time, fn func(s *riskd.Session, p *riskd.Profile) riskd.Lesson) bool
	// Glance fills in what is known of the event's session that binds whoever can't
	// evaluate the event: status, challenge, limits, orders, the last decision. It
	// changes nothing and waits for no decision; Lost is set as by Update.
	Glance(e *riskd.Event, now time.Time, s *riskd.Session)
	// LastNumber is the number of the last order or notice: what is in force for
	// whoever asks later takes all up to there into account.
	LastNumber() uint64
	// Impose puts orders in force, and returns when they will survive a crash. They
	// are in force with an error that wraps riskd.ErrNotDurable as well.
	Impose(ctx context.Context, key string, orders ...riskd.Epoch) (riskd.Imposed, error)
}

// Locator says where an address is. It must not block; what it doesn't know
// stays zero, and degraded holds stable codes for what didn't work.
type Locator interface {
	Locate(ip netip.Addr) (place riskd.Place, degraded []string)
}

// Policy is one loaded revision of a policy pack. Both queries keep to the
// context's deadline and give an error rather than part of an answer; an error
// with a DecisionCode method names itself in the decision.
type Policy interface {
	Info() *riskd.Pack
	Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error)
	Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error)
}

// Options are the parts of an Engine.
type Options struct {
	Memory  Memory
	Locator Locator
	// Policy gives the pack in force; the engine asks once per decision, so that
	// no decision mixes two revisions.
	Policy func() Policy
	// NewID gives ids for decisions and challenges.
	NewID func() string
	// Record is told of every decision before it is answered. It must not block,
	// but for what it does to keep the record of a decision with Moments, and then
	// within bounds. Optional.
	Record func(*riskd.Record)
	// Shadows are policies on trial. Optional.
	Shadows *Shadows
	// Cases keep what a policy that comes later is tried on. Optional.
	Cases *Cases
	// Deadline bounds the time that the policy may take for one decision; past
	// it the class's default is answered. Default: 20 ms.
	Deadline time.Duration
}

// Engine decides. It is safe for concurrent use.
type Engine struct {
	Options
	signals []signals.Signal
}

// DefaultDeadline is the time that a policy gets when Options don't say.
const DefaultDeadline = 20 * time.Millisecond

// New makes an engine of its parts.
func New(o Options) (*Engine, error) {
	switch {
	case o.Memory == nil:
		return nil, errors.New("scoring.Options.Memory: is required")
	case o.Locator == nil:
		return nil, errors.New("scoring.Options.Locator: is required")
	case o.Policy == nil:
		return nil, errors.New("scoring.Options.Policy: is required")
	case o.NewID == nil:
		return nil, errors.New("scoring.Options.NewID: is required")
	case o.Deadline < 0:
		return nil, errors.New("scoring.Options.Deadline: must not be negative")
	}
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	if o.Record == nil {
		o.Record = func(*riskd.Record) {}
	}
	return &Engine{Options: o, signals: signals.All()}, nil
}

// Decide answers one valid event as of now. It never fails: what goes wrong is
// named in the decision's Degraded, and answered as the event's class says. The
// deadline, not ctx, bounds how long it takes.
func (e *Engine) Decide(ctx context.Context, event *riskd.Event, now time.Time) riskd.Decision {
	started := time.Now()
	t := e.begin(event, now)
	// A caller that hangs up must not take the evidence along with him.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.Deadline)
	if epoch, revoked := e.Memory.Revoked(event); revoked {
		t.over(epoch)
	} else if t.locate(); !t.met() {
		e.Memory.Update(event, now, func(s *riskd.Session, p *riskd.Profile) riskd.Lesson {
			t.remember(s, p)
			if t.ended() || t.expire() || t.suspended() {
				return t.lesson
			}
			t.chronicle()
			t.prove()
			t.measure()
			t.look()
			t.reason(ctx)
			t.weigh()
			t.judge(ctx)
			t.heard()
			t.guard()
			t.settle()
			t.shadow(ctx)
			return t.lesson
		})
	}
	cancel()
	t.impose()
	e.Record(&riskd.Record{
		Event: event, Decision: &t.decision, Moments: t.moments, Readings: t.readings, Nats: t.Nats,
		Weighing: t.weighing, Took: time.Since(started),
	})
	return t.decision
}

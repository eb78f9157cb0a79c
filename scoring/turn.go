package scoring

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

// mfa is the kind of proof that a step-up gives: rules name it in clears_with.
const mfa = "mfa"

// turn is one event on its way through the engine.
type turn struct {
	riskd.Case // what the policy sees

	engine   *Engine
	policy   Policy
	pack     *riskd.Pack
	first    bool
	agent    riskd.Agent
	readings []riskd.Reading
	request  []riskd.Reason // this event's reasons, capped
	err      error          // why the policy gave no answer
	proved   bool           // the event met the session's step-up
	answer   riskd.Judgement
	decision riskd.Decision
}

func (e *Engine) begin(event *riskd.Event, now time.Time) *turn {
	policy := e.Policy()
	t := &turn{engine: e, policy: policy, pack: policy.Info()}
	t.Event, t.Now = event, now
	t.decision = riskd.Decision{
		Degraded: slices.Clip(event.Degraded),
		ID:       e.NewID(), EventID: event.ID, At: now, Session: event.Session.ID,
		Pack: t.pack.Name, Revision: t.pack.Revision,
	}
	return t
}

// locate finds the event's place, unless a trace brought it along.
func (t *turn) locate() {
	if t.Event.Place == (riskd.Place{}) {
		place, degraded := t.engine.Locator.Locate(t.Event.Client.IP)
		t.Event.Place = place
		t.decision.Degraded = append(t.decision.Degraded, degraded...)
	}
}

// remember takes up what is known of the session and its user.
func (t *turn) remember(s *riskd.Session, p *riskd.Profile) {
	t.Session, t.Profile = s, p
	t.first = s.Requests == 0
	t.agent = signals.ParseAgent(t.Event.Client.UserAgent)
	if len(s.Cells) < signals.Cells() {
		s.Cells = append(s.Cells, make([]riskd.Cell, signals.Cells()-len(s.Cells))...)
	}
	for _, sum := range t.sums() {
		decay(sum.sum, t.Now, t.pack.Tuning.HalfLife[sum.channel])
	}
}

// prove lets a passed step-up have its effect, so that what follows is measured
// against what the proof has accepted.
func (t *turn) prove() {
	s := t.Session
	if s.StepUp != nil && s.StepUp.MetBy(t.Event, t.Now) {
		t.proved = true
		s.StepUp, s.Status = nil, riskd.StatusActive
		discharge(&s.Identity, mfa)
		discharge(&s.Behaviour, mfa)
		t.accept()
		s.Here, s.Agent = riskd.ContextOf(t.Event), t.agent
		s.Device = riskd.MarkOf(&t.Event.Device)
	}
}

// measure takes the readings that the pack's rules look at.
func (t *turn) measure() {
	in := signals.Input{
		Event: t.Event, Session: t.Session, Profile: t.Profile, Agent: t.agent,
		Now: t.Now, First: t.first, Gap: t.gap(),
	}
	t.readings = make([]riskd.Reading, len(t.engine.signals))
	for i := range t.engine.signals {
		signal := &t.engine.signals[i]
		if !t.pack.Reads[signal.Name] {
			continue
		}
		t.readings[i] = signal.Measure(&in)
		if t.readings[i].State == riskd.NotEvaluable {
			t.decision.Missing = append(t.decision.Missing, signal.Name)
		}
	}
	t.Readings = t.readings
}

// gap is the time since the session's last event, or since its user's last one
// for a session's first. Late events make no negative gaps.
func (t *turn) gap() time.Duration {
	since := t.Session.SeenAt
	if t.first {
		since = t.Profile.LastAt
	}
	if since.IsZero() {
		return 0
	}
	return max(0, t.Now.Sub(since))
}

func (t *turn) reason(ctx context.Context) {
	t.request, t.err = t.policy.Reasons(ctx, &t.Case)
	if t.err != nil {
		t.request = nil
	}
	for _, r := range t.request {
		if !finite(r.Nats) {
			t.err, t.request = errors.New("a reason's evidence is not a finite number"), nil
			return
		}
	}
}

func (t *turn) judge(ctx context.Context) {
	if t.err == nil {
		t.answer, t.err = t.policy.Judge(ctx, &t.Case)
	}
	if t.err == nil && t.answer.Outcome == riskd.NoOutcome {
		t.err = errors.New("the policy's judgement holds no outcome")
	}
}

// settle lets session and decision take the outcome up, and says whether the
// user's profile may learn from the event: never from one that is suspicious,
// was denied, is under a step-up, or was decided without a policy.
func (t *turn) settle() (learn bool) {
	s := t.Session
	t.observe()
	t.explain()
	t.announce()
	if t.decision.Source == riskd.SourceFresh {
		s.Last, s.DecidedAt, s.Score = t.decision.Outcome, t.Now, t.Score
	}
	calm := t.Nats.Identity+t.Nats.Behaviour <= t.pack.Tuning.StepUpNats/2
	clean := t.decision.Source == riskd.SourceFresh && t.decision.Outcome == riskd.Allow && s.StepUp == nil && calm
	if clean {
		t.accept()
	}
	denied := t.Event.Request.Status == http.StatusUnauthorized || t.Event.Request.Status == http.StatusForbidden
	return (clean || t.proved) && !denied && t.Event.User.ID != ""
}

// accept makes the event's context and device ones that the session may come
// back to.
func (t *turn) accept() {
	t.Session.Known.See(riskd.ContextOf(t.Event), t.Now)
	t.Session.AcceptDevice(riskd.MarkOf(&t.Event.Device))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

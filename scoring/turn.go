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
	before   accepted       // what the session had accepted before it was proved
	answer   riskd.Judgement
	weighing riskd.Weighing // what explains the decision afterwards
	decision riskd.Decision
	lesson   riskd.Lesson   // for the user's profile
	moments  []riskd.Moment // for the session's timeline
	orders   []riskd.Epoch  // to impose before the answer
	beside   onlookers      // who judges the event too
	crowd    riskd.Crowd    // looked up on an arrival
	ofClass  riskd.Limits   // timeouts that bind the event's class alone
}

func (e *Engine) begin(event *riskd.Event, now time.Time) *turn {
	policy := e.Policy()
	t := &turn{engine: e, policy: policy, pack: policy.Info()}
	t.Event, t.Now = event, now
	t.decision = riskd.Decision{
		Degraded: slices.Clip(event.Degraded),
		ID:       e.NewID(), EventID: event.ID, At: now, Session: event.Session.ID,
		Pack: t.pack.Name, Revision: t.pack.Revision,
		// Before anything is looked at: what comes into force from here on isn't known.
		Lease: riskd.Lease{Epoch: e.Memory.LastNumber()},
	}
	return t
}

// locate finds the event's place, unless a trace brought it along.
func (t *turn) locate() {
	switch {
	case t.Event.Client.IP.IsUnspecified():
		t.Event.Place = riskd.Place{}
		t.decision.Degraded = append(t.decision.Degraded, "client_address_unknown")
	case t.Event.Place == (riskd.Place{}):
		place, degraded := t.engine.Locator.Locate(t.Event.Client.IP)
		t.Event.Place = place
		t.decision.Degraded = append(t.decision.Degraded, degraded...)
	}
	t.agent = signals.ParseAgent(t.Event.Client.UserAgent)
}

// remember takes up what is known of the session and its user.
func (t *turn) remember(s *riskd.Session, p *riskd.Profile) {
	t.Session, t.Profile = s, p
	t.first = s.Requests == 0
	if len(s.Cells) < signals.Cells() {
		s.Cells = append(s.Cells, make([]riskd.Cell, signals.Cells()-len(s.Cells))...)
	}
	t.leak()
}

// leak lets the session's sums fade up to now.
func (t *turn) leak() {
	for _, sum := range t.sums() {
		decay(sum.sum, t.Now, t.pack.Tuning.HalfLife[sum.channel])
		for i := range sum.sum.Open {
			if o := &sum.sum.Open[i]; o.Rule == nil {
				o.Rule = t.pack.Rule(o.Code)
			}
		}
	}
}

// measure takes the readings that the pack's rules look at.
func (t *turn) measure() {
	in := signals.Input{
		Event: t.Event, Session: t.Session, Profile: t.Profile, Agent: t.agent, Crowd: &t.crowd,
		Now: t.Now, First: t.first, Gap: t.gap(),
	}
	if in.Arrival() || t.proved {
		t.lesson.Arrival = true
		t.crowd = t.engine.Memory.Crowd(t.Event, t.agent, t.Now)
	}
	t.lesson.Move, t.lesson.Moved = in.Move()
	if !t.first {
		t.lesson.Gap = in.Gap
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
	if t.Session.Lost {
		t.err = errLost
		return
	}
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

// errLost is a session that may have a history which can't be read.
var errLost = codedError{"state_unreadable", "what is remembered of the session can't be read"}

type codedError struct{ code, text string }

func (e codedError) Error() string        { return e.text }
func (e codedError) DecisionCode() string { return e.code }

func (t *turn) judge(ctx context.Context) {
	if t.err == nil {
		t.answer, t.err = t.policy.Judge(ctx, &t.Case)
	}
	if t.err == nil && t.answer.Outcome == riskd.NoOutcome {
		t.err = errors.New("the policy's judgement holds no outcome")
	}
	if t.err == nil {
		t.weighing.Answer = t.answer.Outcome
		if t.answer.Outcome != riskd.Allow {
			t.weighing.Judged = t.judged()
		}
	}
}

// judged copies the case as the policy has judged it, so that it can be asked what
// it would have said without one reason or another. Session, profile and event
// change or are used again afterwards. Nobody asks that of what was allowed, which
// is nearly everything, and costs nothing.
func (t *turn) judged() *riskd.Case {
	in := &struct {
		riskd.Case
		event   riskd.Event
		session riskd.Session
		profile riskd.Profile
	}{Case: t.Case, event: *t.Event, session: snapshot(t.Session), profile: *t.Profile}
	in.Event, in.Session, in.Profile = &in.event, &in.session, &in.profile
	return &in.Case
}

// settle lets session and decision take the outcome up, and says what the user's
// profile learns from the event: no habits from one that was denied, is under a
// step-up or was decided without a policy, and none from a session that has been
// suspicious until its user has proved himself.
func (t *turn) settle() {
	s := t.Session
	t.observe()
	t.explain()
	t.announce()
	t.lease()
	if t.decision.Source == riskd.SourceFresh {
		s.Last, s.DecidedAt, s.Score = t.decision.Outcome, t.Now, t.Score
	}
	if t.proved && t.decision.Outcome != riskd.Allow { // by somebody who is asked for more
		t.Session.Known, t.Session.Devices = t.before.contexts, t.before.devices
		t.proved, t.lesson.Trust, t.lesson.Proof = false, riskd.DeviceTrust{}, riskd.Proof{}
	}
	calm := t.Nats.Identity+t.Nats.Behaviour <= t.pack.Tuning.StepUpNats/2
	clean := t.decision.Source == riskd.SourceFresh && t.decision.Outcome == riskd.Allow && s.StepUp == nil && calm
	if clean {
		t.accept()
	}
	s.Suspect = s.Suspect || !calm
	denied := t.Event.Request.Status == http.StatusUnauthorized || t.Event.Request.Status == http.StatusForbidden
	t.lesson.Learn = (clean && !s.Suspect || t.proved) && !denied && t.Event.User.ID != ""
	t.lesson.Live = t.Event.User.ID != ""
	t.sight()
}

// accepted are the contexts and devices that a session may come back to.
type accepted struct {
	contexts riskd.Contexts
	devices  [4]riskd.DeviceMark
}

// sight tells the user's profile where his trusted device is; one that is in two
// places at once is trusted no more.
func (t *turn) sight() {
	device := riskd.MarkOf(&t.Event.Device).ID
	trust := t.Profile.Trusted(device, t.Now)
	switch {
	case trust == nil:
	case t.cloned(trust) && !t.proved:
		t.lesson.Distrust = device
	default:
		t.lesson.Sighted = true
	}
}

// cloned reports whether a trusted device is two machines, as the signal says that
// tells clones from telephones, if the pack has it measured.
func (t *turn) cloned(trust *riskd.DeviceTrust) bool {
	const clone = 2
	for i := range t.engine.signals {
		if t.engine.signals[i].Name == "device_clone" && t.readings[i].State == riskd.Measured {
			return t.readings[i].Value == clone
		}
	}
	return trust.ClonedBy(riskd.ContextOf(t.Event), t.Now)
}

// accept makes the event's context and device ones that the session may come
// back to.
func (t *turn) accept() {
	t.Session.Known.See(riskd.ContextOf(t.Event), t.Now)
	t.Session.AcceptDevice(riskd.MarkOf(&t.Event.Device))
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

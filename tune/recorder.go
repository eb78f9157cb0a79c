package tune

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Policy is the pack under which evidence is recorded.
type Policy interface {
	Info() *riskd.Pack
	Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error)
	Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error)
}

// Engine decides recorded events, in their order. number is the place of a line in
// the trace: ids that the engine gives must come from it and from nothing else.
type Engine interface {
	// Decide answers an event as of its time.
	Decide(ctx context.Context, number int, e *riskd.Event) riskd.Decision
	// Prove passes a challenge as of a time, by whatever it asks for, and reports
	// whether the challenge was there to be passed.
	Prove(ctx context.Context, number int, u *riskd.StepUp, at time.Time) bool
	// Tell lets an identity event lead to what the pack says, as of its time.
	Tell(ctx context.Context, number int, e *riskd.IdentityEvent) error
}

// Options are the parts of a Recorder.
type Options struct {
	Policy Policy
	// Tuned are the numbers of the pack's rules, by code and member.
	Tuned map[string]map[string]float64
	// Signals are the readings' names, by their places.
	Signals []riskd.Signal
	// Engine makes the engine that decides under a policy.
	Engine func(Policy) (Engine, error)
	// Labels say which events are attackers'; nil if nobody knows.
	Labels *Labels
	// Enforce lets revocations stand in every session. Otherwise nothing is revoked
	// where an attack has come, but asked for a step-up that nobody passes, so that the
	// evidence goes on: for other numbers might have revoked later or not at all.
	Enforce bool
	// MaxBytes bounds the log. Default: 2 GiB.
	MaxBytes int64
}

// Recorder runs events through an engine and keeps their evidence. Users pass every
// step-up at once, except in sessions that an attack has come to: as if all others
// were honest, each at his machine. Sessions whose id was rotated go on as one. It is
// for one goroutine.
type Recorder struct {
	Options
	log      *Log
	known    *interned
	engine   Engine
	signal   map[string]int
	sessions map[riskd.SessionID]*session
	users    map[userKey]int32
	attacks  map[int32]*attack // by the label's place
	number   int
	now      current
	err      error
}

// session is what recording knows of a session besides its track.
type session struct {
	track    int
	attacked bool // an attack has come
	evidence bool // something spoke against it since its sums were empty
	seen     int64
	provedAt time.Time
}

// current is the event that is being decided.
type current struct {
	session  *session
	readings []uint32
	against  bool // one of them may speak against the session
	judged   bool
	answer   answer
	flags    uint16
}

// defaultMaxBytes is room for some 50 million requests with evidence.
const defaultMaxBytes = 2 << 30

// NewRecorder makes a recorder.
func NewRecorder(o Options) (*Recorder, error) {
	switch {
	case o.Policy == nil:
		return nil, errors.New("tune.Options.Policy: is required")
	case o.Engine == nil:
		return nil, errors.New("tune.Options.Engine: is required")
	case o.MaxBytes < 0:
		return nil, errors.New("tune.Options.MaxBytes: must not be negative")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultMaxBytes
	}
	l := &Log{own: paramsOf(&o.Policy.Info().Tuning)}
	r := &Recorder{
		Options: o, log: l, known: newInterned(l), signal: map[string]int{},
		sessions: map[riskd.SessionID]*session{}, users: map[userKey]int32{}, attacks: map[int32]*attack{},
	}
	for i := range o.Signals {
		r.signal[o.Signals[i].Name] = i
	}
	var err error
	r.engine, err = o.Engine(&watch{r, o.Policy})
	return r, err
}

// Identity lets an identity event act.
func (r *Recorder) Identity(ctx context.Context, e *riskd.IdentityEvent) error {
	r.number++
	return r.engine.Tell(ctx, r.number, e)
}

// Event decides an event and keeps its evidence. The error says why recording can't
// go on.
func (r *Recorder) Event(ctx context.Context, e *riskd.Event) error {
	r.number++
	l := r.log
	at := e.Time.UnixNano()
	if l.requests == 0 {
		l.first, l.last = at, at
	}
	l.requests++
	l.first, l.last = min(l.first, at), max(l.last, at)
	s := r.session(e)
	s.seen = max(s.seen, at)
	comes := r.meet(e, s)
	r.now = current{session: s, readings: r.now.readings[:0]}
	if e.Request.Class == riskd.ClassSensitive || e.Request.Class == riskd.ClassAdmin {
		r.now.flags |= flagSensitive
	}
	d := r.engine.Decide(ctx, r.number, e)
	r.keep(s, comes)
	if d.StepUp != nil && !s.attacked && r.engine.Prove(ctx, r.number, d.StepUp, e.Time) {
		s.provedAt = e.Time
	}
	if r.err == nil && l.requests%100_000 == 0 && l.Bytes() > r.MaxBytes {
		r.err = fmt.Errorf("the evidence of %d requests takes more than %d MiB: tune on fewer users or days", l.requests, r.MaxBytes>>20)
	}
	return r.err
}

// session finds the event's session, or the one that it goes on from.
func (r *Recorder) session(e *riskd.Event) *session {
	s := r.sessions[e.Session.ID]
	if s == nil && !e.Session.PreviousID.IsZero() {
		s = r.sessions[e.Session.PreviousID]
	}
	if s == nil {
		s = &session{track: len(r.log.tracks)}
		r.log.tracks = append(r.log.tracks, track{user: -1, honest: true})
	}
	r.sessions[e.Session.ID] = s
	if t := &r.log.tracks[s.track]; t.user < 0 && e.User.ID != "" {
		t.user = r.user(userKey{e.Tenant, e.User.ID}, e.Time)
	}
	return s
}

func (r *Recorder) user(key userKey, at time.Time) int32 {
	i, ok := r.users[key]
	if !ok {
		i = int32(len(r.log.users))
		r.users[key] = i
		h := fnv.New64a()
		h.Write([]byte(key.tenant + "\x00" + key.user))
		r.log.users = append(r.log.users, user{userKey: key, archetype: r.Labels.archetype(key), first: at.UnixNano(), hash: h.Sum64()})
	}
	return i
}

// meet takes up the label of an event: which attack comes to the session with it, -1
// if none does.
func (r *Recorder) meet(e *riskd.Event, s *session) int32 {
	m, ok := r.Labels.of(e.ID)
	if !ok {
		return -1
	}
	t := &r.log.tracks[s.track]
	t.honest = false
	a := r.attacks[m.attack]
	label := &r.Labels.attacks[m.attack]
	if a == nil {
		if label.onset && !m.onset {
			return -1 // it has not begun
		}
		a = &attack{id: label.id, family: label.family, user: -1, track: int32(s.track)}
		r.attacks[m.attack] = a
	}
	s.attacked = true
	a.events = append(a.events, attackEvent{seq: uint32(r.number), at: e.Time.UnixNano()})
	return m.attack
}

// keep adds the event to its session's track, if it has anything to say.
func (r *Recorder) keep(s *session, attack int32) {
	t := &r.log.tracks[s.track]
	now := &r.now
	if now.flags&flagReset != 0 {
		s.evidence = false
	}
	s.evidence = s.evidence || now.against
	if !now.judged {
		now.flags |= flagUnweighed
	}
	forced := now.answer.forced > riskd.Allow
	if attack >= 0 {
		held := now.judged && forced && !now.answer.invariant
		events := r.attacks[attack].events
		events[len(events)-1].sensitive = now.flags&flagSensitive != 0 && !held
	}
	if !s.evidence && !forced && attack < 0 && !s.attacked || !now.judged && attack < 0 {
		return // nothing to weigh, nothing to be taken from
	}
	entry := entry{at: s.seen, flags: now.flags}
	if now.judged {
		var ok bool
		entry.set = r.known.set(now.readings)
		if entry.answer, ok = r.known.answer(now.answer); !ok && r.err == nil {
			r.err = fmt.Errorf("pack %s: answers by more than %d different thresholds: it can't be weighed again", r.Policy.Info().Name, mostAnswers)
		}
	}
	if s.attacked && t.marks == nil { // from here on each entry has one
		t.marks = make([]markedEntry, len(t.entries), len(t.entries)+8)
		for i := range t.marks {
			t.marks[i].attack = -1
		}
	}
	t.entries = append(t.entries, entry)
	if t.marks != nil {
		t.marks = append(t.marks, markedEntry{uint32(r.number), attack})
	}
}

// Close gives the log.
func (r *Recorder) Close() *Log {
	l := r.log
	place := map[int32]int32{}
	if r.Labels != nil {
		for i := range r.Labels.attacks {
			if a := r.attacks[int32(i)]; a != nil {
				a.user = l.tracks[a.track].user // who may have signed in later
				place[int32(i)] = int32(len(l.attacks))
				l.attacks = append(l.attacks, *a)
			}
		}
	}
	for i := range l.tracks {
		t := &l.tracks[i]
		t.entries, t.marks = slices.Clip(t.entries), slices.Clip(t.marks)
		for k := range t.marks {
			if t.marks[k].attack >= 0 {
				t.marks[k].attack = place[t.marks[k].attack]
			}
		}
	}
	l.own.Rules = make([]RuleParams, len(l.codes))
	for i := range l.codes {
		c := &l.codes[i]
		tuned := r.Tuned[c.Name]
		switch c.Kind {
		case Weighed:
			l.own.Rules[i] = RuleParams{Weight: tuned["weight"], Min: tuned["min"], Max: tuned["max"]}
		case Constant:
			l.own.Rules[i] = RuleParams{Weight: tuned["nats"]}
		}
	}
	return l
}

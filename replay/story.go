package replay

import (
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Class is how an event was answered, and why if that wasn't the policy.
type Class uint8

// The classes, in the order of what they say about a session.
const (
	Allow  Class = iota
	Ended        // revoke or step_up, by a timeout or what an identity event has led to
	StepUp       // step_up, by the policy
	Revoke       // revoke, by the policy
	classes
)

var classNames = [classes]string{"allow", "ended", "step_up", "revoke"}

func (c Class) String() string { return classNames[c] }

// Alarm reports whether the policy asked for something.
func (c Class) Alarm() bool { return c >= StepUp }

func classOf(a *Answer) Class {
	switch {
	case a.Outcome == riskd.Allow:
		return Allow
	case a.ByOrder:
		return Ended
	case a.Outcome == riskd.Revoke:
		return Revoke
	default:
		return StepUp
	}
}

// sideSet says for which sides something holds: bit 0 for A, bit 1 for B.
type sideSet uint8

// story is what becomes of one session under the packs.
type story struct {
	// Of these order has the say until the session is over for good.
	id           riskd.SessionID
	later        []riskd.SessionID // for which it was changed
	tenant, user string
	who          int // the user's place in order.people
	seen         time.Time
	counts       bool      // it begins where it is measured
	named        bool      // by a label of an attack, at some time
	attacks      []*attack // that have come to it

	// And of these the collector.
	worst        [2]Class
	alarmed      [2]bool // since an attack came to it
	asked, waits [2]bool // for a step-up
	events       int
	diverging    int
	first        *First
	number       int       // of the first divergence
	codes        []codeSet // the reasons given so far
	days         []storyDay
	causes       []string // labelled last
	country      string   // of its first event with one
	abroad       bool     // seen in another
	strength     [2]float32
	alarmedBy    [2]bool   // risk, rather than by what is demanded
	challenge    [2]string // the last one's id
	asking       [2]string // the same of what is demanded
	revoked      [2]bool
}

type codeSet struct {
	code  string
	sides sideSet
}

// storyDay is a day of the session, and for whom there was an alarm on it.
type storyDay struct {
	userDay
	alarmed sideSet
}

// firstFor reports whether the session is given a reason for the first time.
func (s *story) firstFor(side int, code string) bool {
	bit := sideSet(1) << side
	for i := range s.codes {
		if in := &s.codes[i]; in.code == code {
			first := in.sides&bit == 0
			in.sides |= bit
			return first
		}
	}
	s.codes = append(s.codes, codeSet{code, bit})
	return true
}

// take takes up how an event of the session was answered.
func (s *story) take(c *collector, in *item, got [2]Class) {
	s.events++
	for side := range c.options.Engines {
		a := &in.answers[side]
		s.worst[side] = max(s.worst[side], got[side])
		s.alarmed[side] = s.alarmed[side] || got[side].Alarm() && len(in.came) > 0
		if a.StepUp != nil {
			s.asked[side], s.waits[side] = true, !in.proved[side]
		} else if got[side] != Allow || in.Event.Request.Class != riskd.ClassOpen { // open routes go on
			s.waits[side] = false
		}
		c.reason(s, side, a.Reasons)
	}
	if got[0] == got[1] {
		return
	}
	if s.diverging++; s.first == nil {
		s.number = in.number
		s.first = &First{
			Event: in.Event.ID, Trace: in.trace, Line: in.line, Time: in.Event.Time.UTC(),
			A: answeredOf(&in.answers[0], got[0]), B: answeredOf(&in.answers[1], got[1]),
		}
		a, b := in.answers[0].Reasons, in.answers[1].Reasons
		s.first.OnlyA, s.first.OnlyB = only(a, b), only(b, a)
	}
}

// demand reports whether a step-up isn't for risk, or is held up by one that wasn't.
func (s *story) demand(side int, a *Answer) bool {
	return a.StepUp != nil && (a.Demanded || a.Held && a.StepUp.ID == s.asking[side] && a.StepUp.ID != s.challenge[side])
}

// mark notes the alarms on a user's day.
func (s *story) mark(in *item, got [2]Class) {
	if !in.known {
		return
	}
	const secondsPerDay = 24 * 60 * 60
	day := userDay{int32(in.user), int32(in.Event.Time.Unix() / secondsPerDay)}
	var alarmed sideSet
	for side := range got {
		if got[side].Alarm() {
			alarmed |= 1 << side
		}
	}
	for i := range s.days {
		if s.days[i].userDay == day {
			s.days[i].alarmed |= alarmed
			return
		}
	}
	s.days = append(s.days, storyDay{day, alarmed})
}

func answeredOf(a *Answer, as Class) Answered {
	out := Answered{Answer: as.String(), Score: a.Score, Source: a.Source.String(), Reasons: []Reason{}}
	for i := range a.Reasons {
		r := &a.Reasons[i]
		out.Reasons = append(out.Reasons, Reason{r.Code, r.Points, round(r.Nats, 2)})
	}
	return out
}

// only gives the codes among a that aren't among b.
func only(a, b []riskd.Reason) []string {
	codes := []string{}
	for i := range a {
		code := a[i].Code
		if !slices.ContainsFunc(b, func(r riskd.Reason) bool { return r.Code == code }) && !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return codes
}

// First is the first event of a session that the packs answer differently.
type First struct {
	// Event is the caller's id of the event, if it has one.
	Event string    `json:"event,omitzero"`
	Trace string    `json:"trace"`
	Line  int       `json:"line"`
	Time  time.Time `json:"time"`
	A     Answered  `json:"a"`
	B     Answered  `json:"b"`
	// OnlyA and OnlyB are the codes of the reasons that only one of them has.
	OnlyA []string `json:"only_a"`
	OnlyB []string `json:"only_b"`
}

// Answered is how one pack answers.
type Answered struct {
	Answer  string   `json:"answer"`
	Score   int      `json:"score"`
	Source  string   `json:"source"`
	Reasons []Reason `json:"reasons"`
}

// Reason is a reason as a report tells it.
type Reason struct {
	Code   string  `json:"code"`
	Points int     `json:"points"`
	Nats   float64 `json:"nats"`
}

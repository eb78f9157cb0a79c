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

// story is what becomes of one session under both packs.
type story struct {
	id           riskd.SessionID
	tenant, user string
	attacked     bool // at some time, before or after
	attacks      []*attack
	worst        [2]Class
	alarmed      [2]bool // since an attack came to it
	asked, waits [2]bool // for a step-up
	events       int
	diverging    int
	first        *First
	number       uint32 // of the first divergence
	codes        map[string]sideSet
}

// meet takes up the label of one of the session's events.
func (s *story) meet(l *label, number uint32) {
	if l != nil && number >= l.attack.onset() && !slices.Contains(s.attacks, l.attack) {
		s.attacks = append(s.attacks, l.attack)
	}
}

// take takes up how an event of the session was answered.
func (s *story) take(b *batch, number uint32, e *riskd.Event, answers *[2]Answer, got [2]Class) {
	s.events++
	for side := range got {
		s.worst[side] = max(s.worst[side], got[side])
		if got[side].Alarm() && len(s.attacks) > 0 {
			s.alarmed[side] = true
			for _, a := range s.attacks {
				b.tally.catch(a, side, number, got[side])
			}
		}
		if answers[side].StepUp != nil {
			s.asked[side], s.waits[side] = true, true
		} else if got[side] != Allow || e.Request.Class != riskd.ClassOpen { // open routes go on
			s.waits[side] = false
		}
		b.tally.reason(s, side, answers[side].Reasons)
	}
	if got[0] == got[1] {
		return
	}
	if s.diverging++; s.first == nil {
		at := &b.index.lines[number]
		s.number = number
		s.first = &First{
			Event: e.ID, Trace: b.Traces[at.trace].Name, Line: int(at.line), Time: e.Time.UTC(),
			A: answeredOf(&answers[0], got[0]), B: answeredOf(&answers[1], got[1]),
		}
		s.first.OnlyA, s.first.OnlyB = only(answers[0].Reasons, answers[1].Reasons), only(answers[1].Reasons, answers[0].Reasons)
	}
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

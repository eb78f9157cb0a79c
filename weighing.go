package riskd

import "time"

// Weighing is what a score was made of and what the policy answered on it, as far
// as that takes to weigh and to ask again. What its slices hold is never changed
// once the decision is recorded: a recorder may keep them.
type Weighing struct {
	// Before is what was left of earlier reasons when the event came, by Channel.
	Before [2][]Evidence
	// Request are the event's own reasons, as their groups' caps have left them.
	Request []Reason
	// Open are the open reasons after the event. With those of Request that don't
	// speak for the session they are what the policy saw.
	Open  []Reason
	Score float64
	// Answer is the policy's own, NoOutcome if it gave none.
	Answer Outcome
	// Hold is what makes a step-up of an answer that allows.
	Hold Hold
	// Judged is what the policy answered on; nil where it answered allow or nothing.
	Judged *Case
}

// Hold is why a session isn't let go on whatever the policy answers.
type Hold uint8

// The holds.
const (
	HoldNone      Hold = iota
	HoldPending        // an earlier step-up waits for its proof
	HoldOrdered        // an authentication was ordered
	HoldExhausted      // the last attempt to prove it has failed
)

var holdNames = []string{"", "step_up_pending", "step_up_ordered", "step_up_exhausted"}

func (h Hold) String() string { return nameOf(holdNames, uint8(h)) }

// KeptDecision is a decision with all that it takes to explain it afterwards. Its
// Weighing.Judged holds the event, whose address is for nobody but the policy; Here
// is what riskd shows of it.
type KeptDecision struct {
	Decision
	Weighing Weighing
	Nats     Nats
	Readings []Reading // nil where no reason of the event's own judged any
	Tenant   string
	User     string
	Device   string // its id
	Method   string
	Route    string
	Class    Class
	Here     Context
	Network  NetworkKind
	Took     time.Duration
}

// Keep copies what explains a decision.
func (r *Record) Keep() KeptDecision {
	e := r.Event
	k := KeptDecision{
		Decision: *r.Decision, Weighing: r.Weighing, Nats: r.Nats, Took: r.Took,
		Tenant: e.Tenant, User: e.User.ID, Device: e.Device.ID, Method: e.Request.Method, Route: e.Request.Route, Class: e.Request.Class,
		Here: ContextOf(e), Network: e.Place.Network,
	}
	if len(r.Weighing.Request) > 0 {
		k.Readings = r.Readings
	}
	return k
}

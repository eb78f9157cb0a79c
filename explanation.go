package riskd

import "time"

// Explanation says how a decision came about: what each reason brought, what was
// taken away from it and what is left, how the sums stood to the thresholds, and
// without what the answer would have been allow.
type Explanation struct {
	KeptDecision
	// Explained is the revision that it was weighed again with: the one that has
	// decided, or "" where that isn't kept any more. Then Sums and Alarms are empty.
	Explained string
	// Reasons are all that counted for or against: those of the decision first, in
	// its order.
	Reasons []ExplainedReason
	Sums    []ExplainedSum
	// Alarms are the two that the score is the higher of.
	Alarms []Alarm
	// Counterfactual is nil where the answer was allow.
	Counterfactual *Counterfactual
}

// ExplainedReason is the way of a reason's evidence. In nats,
// Before + Found - GroupCap - Taken = Reason.Nats, but for evidence that speaks for
// the session, which isn't kept: it is part of what is taken from the others.
type ExplainedReason struct {
	Reason // Nats are what is left in its sum
	// Fired says that this event gave it, FiredAt when it was last given and
	// FiredNats what it stood at then; both are zero where riskd doesn't know.
	Fired     bool
	FiredAt   time.Time
	FiredNats float64
	HalfLife  time.Duration // 0 where the revision isn't kept
	// Before is what was left of earlier events. GroupCap is what its group's cap
	// took from Found, Taken its share of what relief and the channel's cap took.
	Before   float64
	GroupCap float64
	Taken    float64
	Reading  *ExplainedReading // what it judged; nil for reasons of earlier events
}

// ExplainedReading is a reading with its words.
type ExplainedReading struct {
	Signal  string
	Value   float64
	Nats    float64
	Unit    string // what Value means
	Details []ExplainedDetail
}

// ExplainedDetail is a member of a reading.
type ExplainedDetail struct {
	Name   string
	IsText bool // or else a number
	Text   string
	Number float64
}

// ExplainedSum is the way of a channel's sum: Before + Added - Relief - Capped = Nats,
// but for reasons so faded that they were closed.
type ExplainedSum struct {
	Channel  Channel
	Before   float64
	Added    float64
	Relief   float64 // of what spoke for the session; no more than there was to relieve
	Capped   float64 // taken by the channel's cap
	Nats     float64
	Cap      float64
	HalfLife time.Duration
}

// Alarm is nats against their thresholds.
type Alarm struct {
	Name    string // "session": both sums; "request": this event alone
	Nats    float64
	StepUp  float64
	Revoke  float64
	Score   float64
	Decided bool // the score is this one's
}

// Counterfactual says without which reasons the answer would have been allow. It is
// found by weighing again without them and asking the policy.
type Counterfactual struct {
	// Sets are sets of codes, each of which is enough and none of which has another
	// within it; the smallest first.
	Sets [][]string
	// Complete says that there are no others.
	Complete bool
	// None says why there is no set, "" where there is one: a code, and a sentence.
	None, Why string
	// Policy are the sets without which the policy would have said allow, where that
	// would have changed nothing, for a hold stood.
	Policy [][]string
	// Asked is how often the policy was asked.
	Asked int
}

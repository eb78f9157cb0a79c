package riskd

import (
	"slices"
	"time"
)

// Pack describes one loaded revision of a policy pack.
type Pack struct {
	Name     string
	Revision string
	// Since is when it took another revision's place; zero if it was the first.
	Since  time.Time
	Tuning Tuning
	// Reads are the names of the signals that the pack's rules look at; the
	// others needn't be computed.
	Reads map[string]bool
	// Rules are the library's and the pack's own rules by their code.
	Rules map[string]*Rule
}

// Rule finds the rule of a code, or makes one of the code alone: packs come and
// go, and evidence stays for a while.
func (p *Pack) Rule(code string) *Rule {
	if r := p.Rules[code]; r != nil {
		return r
	}
	return &Rule{Code: code, Title: code}
}

// Challenge bounds a step-up.
type Challenge struct {
	Expires  time.Duration // until another takes its place
	Attempts int           // that may fail before the session is over or suspended
	// Exhausted is what follows when they have: EffectRevoke or EffectSuspend.
	Exhausted Effect
	// PromptsPerDay is how many challenges a user should be given in a day, at
	// most; more are given all the same, and counted.
	PromptsPerDay int
}

// Tuning is the data of a pack that Go acts on; the rest of tuning.json is for
// its rules alone.
type Tuning struct {
	// StepUpNats and RevokeNats are where the accumulated evidence raises the
	// alarm; RequestBonus is how much less a single request's own evidence needs.
	StepUpNats   float64
	RevokeNats   float64
	RequestBonus float64
	// HalfLife and Cap bound each channel's memory, in time and in nats.
	HalfLife [2]time.Duration // by Channel
	Cap      [2]float64       // by Channel
	// GroupCap bounds what one request adds in one group of evidence.
	GroupCap [Groups]Bounds
	// OnFailure is what each class gets when the policy can't answer.
	OnFailure [4]Failure // by Class
	// Demand is what each class's step-up asks for when the policy can't say.
	Demand [4]Demand // by Class
	// Timeouts end sessions: all that match a session bind it, the strictest counts.
	Timeouts []Timeout
	// WarnBefore is how long before its end a session's answers begin to warn.
	WarnBefore time.Duration
	// Challenge bounds step-ups.
	Challenge Challenge
	// TrustFor is how long a device is trusted after a passed step-up; 0 is not at
	// all.
	TrustFor time.Duration
	// Identity says what each identity event leads to, by its type.
	Identity map[string][]Action
	// LastDecisionFor is how long FailLast may repeat a session's last decision.
	LastDecisionFor time.Duration
	// Lease is how long a gateway may go by an allow at a score of 0; it shrinks to
	// nothing at StepUpScore. ClassSensitive and ClassAdmin have none.
	Lease [4]time.Duration // by Class
}

// Timeout is a limit for the sessions that it matches; an empty condition
// matches all.
type Timeout struct {
	Role        string
	UserType    string
	Environment string
	Tenant      string
	// Class, if OfClass is set, is the only class whose requests the timeout binds.
	OfClass bool
	Class   Class
	Limits  Limits
}

// Matches reports whether the timeout binds an event.
func (t *Timeout) Matches(e *Event) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(t.UserType, e.User.Type) && is(t.Environment, e.Environment) && is(t.Tenant, e.Tenant) &&
		(t.Role == "" || slices.Contains(e.User.Roles, t.Role)) &&
		(!t.OfClass || t.Class == e.Request.Class)
}

// Bounds are a least and a most.
type Bounds struct{ Min, Max float64 }

// Failure is what to answer when the policy gives no answer.
type Failure uint8

// The ways to fail. None of them is ever revoke.
const (
	FailStepUp Failure = iota // ask for proof
	FailLast                  // repeat the session's last decision if young enough, else step_up
	FailAllow                 // let pass
)

var failureNames = []string{"step_up", "last", "allow"}

func (f Failure) String() string { return nameOf(failureNames, uint8(f)) }

// ParseFailure reads a way to fail.
func ParseFailure(s string) (Failure, error) {
	i, err := parseName(failureNames, s)
	return Failure(i), err
}

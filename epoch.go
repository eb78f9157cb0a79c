package riskd

import (
	"errors"
	"time"
)

// Epoch is an order in force over the sessions of its target, such as that those
// which began before At are revoked. Epochs of one target and one effect merge by
// taking the later one.
type Epoch struct {
	Effect Effect
	Target Target
	At     time.Time
	// Until, unless it is zero, is when an order over a predicate ends: up to then
	// it holds for every event that the predicate hits, whenever its session began.
	Until time.Time
	// Number counts orders on this instance, upwards.
	Number uint64
	Reason string
	Actor  string
}

// Effect is what an epoch does.
type Effect uint8

// The effects of epochs.
const (
	// EffectRevoke ends sessions.
	EffectRevoke Effect = iota
	// EffectSuspend holds sessions up, whenever they began, until they're resumed.
	EffectSuspend
	// EffectResume ends what EffectSuspend began, as far as that was not later.
	EffectResume
	// EffectStepUp asks for an authentication later than the epoch, whenever the
	// session began.
	EffectStepUp
	// EffectDistrust voids the trust in devices that was founded before.
	EffectDistrust
	// EffectForget voids what a user's profile has learned before.
	EffectForget
	Effects // how many there are
)

var effectNames = []string{"revoke", "suspend", "resume", "step_up", "distrust", "forget"}

func (e Effect) String() string { return nameOf(effectNames, uint8(e)) }

// Validate reports what is wrong with an order.
func (e *Epoch) Validate() error {
	t := &e.Target
	switch {
	case e.Effect >= Effects:
		return &FieldError{"effect", "must be one of revoke, suspend, resume, step_up, distrust, forget"}
	case t.Kind == TargetPredicate && e.Effect != EffectRevoke:
		return &FieldError{"effect", "must be revoke where the target is a predicate"}
	case t.Kind != TargetPredicate && !e.Until.IsZero():
		return &FieldError{"standing_until", "is for predicates only"}
	case e.Effect == EffectForget && t.Kind != TargetUser && t.Kind != TargetTenant,
		e.Effect == EffectDistrust && t.Kind == TargetSession:
		return &FieldError{"target", "a " + t.Kind.String() + " has nothing that " + e.Effect.String() + " could void"}
	}
	return t.Validate()
}

// ParseEffect reads the name of an effect.
func ParseEffect(s string) (Effect, error) {
	i, err := parseName(effectNames, s)
	return Effect(i), err
}

// Imposed is what became of orders that were given together.
type Imposed struct {
	Epochs []Epoch // those in force now, in the order given
	// Matched is how many sessions are met that none of the kind had met before,
	// as far as they're remembered.
	Matched int
	// Repeated says that orders were given under that key before; nothing was done.
	Repeated bool
}

// Why an order isn't carried out as it was given.
var (
	// ErrNotDurable says that an order is in force but may not survive the process.
	ErrNotDurable = errors.New("in force, but not on disk yet: give the order again")
	// ErrUnknownEpoch says that there is no order of that number to lift.
	ErrUnknownEpoch = errors.New("no order in force has that number")
)

package riskd

// Signal describes one signal to everybody who doesn't compute it: the policy
// contract, the documentation, the catalogue.
type Signal struct {
	// Name is the signal's stable code: its file is signals/<name>.go, its rule
	// rego/<name>.rego, its reading input.readings.<name>.
	Name string
	// Doc says in a sentence what is measured.
	Doc string
	// Value says what the reading's value is, with unit and range.
	Value string
	// Details are further members of the reading, at most MaxDetails.
	Details []Detail
	// Memory says that the signal keeps a Cell in each session.
	Memory bool
}

// Detail is one member of a reading beside its value and its nats.
type Detail struct {
	Name string
	Kind Kind
	Doc  string // meaning, unit, range
}

// Kind is the type of a detail.
type Kind uint8

// The kinds of detail.
const (
	Number Kind = iota
	Text
)

// MaxDetails is how many details a signal may have: readings have a fixed size.
const MaxDetails = 8

// Reading is what a signal measured on one event: a fact, not a judgement.
type Reading struct {
	State State
	// Missing names the input without which the signal can't be evaluated:
	// "place", "device", "history" …; set when State is NotEvaluable.
	Missing string
	// Value is the fact itself; its unit is in the signal's description.
	Value float64
	// Nats is the log likelihood ratio of the fact, attack against normal use, as
	// the signal estimates it. A rule weighs and bounds it.
	Nats float64
	// Details are in the order of Signal.Details.
	Details [MaxDetails]DetailValue
}

// DetailValue is the value of one detail, by its kind.
type DetailValue struct {
	Number float64
	Text   string
}

// State says whether a reading holds anything.
type State uint8

// The states of a reading.
const (
	// Unread means that no rule of the pack reads the signal.
	Unread State = iota
	// Measured means that Value, Nats and Details hold.
	Measured
	// NotEvaluable means that an input was missing.
	NotEvaluable
)

// NotEvaluableFor is the reading of a signal that lacks an input.
func NotEvaluableFor(missing string) Reading {
	return Reading{State: NotEvaluable, Missing: missing}
}

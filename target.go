package riskd

import "fmt"

// Target is what a revocation names.
type Target struct {
	Kind   TargetKind
	Tenant string
	// ID is the user's or the device's id; Session is the session's.
	ID      string
	Session SessionID
	// Predicate describes the sessions; nil unless Kind is TargetPredicate.
	Predicate *Predicate
}

// TargetKind is the kind of thing that a revocation names.
type TargetKind uint8

// The kinds of target.
const (
	TargetSession TargetKind = iota + 1
	TargetDevice
	TargetUser
	TargetTenant
	TargetPredicate
)

var targetNames = []string{"", "session", "device", "user", "tenant", "predicate"}

func (k TargetKind) String() string { return nameOf(targetNames, uint8(k)) }

// ParseTargetKind reads a kind of target.
func ParseTargetKind(s string) (TargetKind, error) {
	i, err := parseName(targetNames, s)
	return TargetKind(i), err
}

// Validate reports what is missing from a target.
func (t Target) Validate() error {
	switch t.Kind {
	case TargetSession:
		if t.Session.IsZero() {
			return &FieldError{"target.session", "is required: the session's reference, s_…"}
		}
	case TargetDevice, TargetUser:
		if t.ID == "" {
			return &FieldError{"target." + t.Kind.String(), "is required"}
		}
	case TargetTenant:
	case TargetPredicate:
		return t.Predicate.validate()
	default:
		return &FieldError{"target", fmt.Sprintf("has no kind (%s)", t.Kind)}
	}
	return nil
}

package riskd

import (
	"fmt"
	"time"
)

// Target is what a revocation names.
type Target struct {
	Kind   TargetKind
	Tenant string
	// ID is the user's or the device's id; Session is the session's.
	ID      string
	Session SessionID
}

// TargetKind is the kind of thing that a revocation names.
type TargetKind uint8

// The kinds of target.
const (
	TargetSession TargetKind = iota + 1
	TargetDevice
	TargetUser
	TargetTenant
)

var targetNames = []string{"", "session", "device", "user", "tenant"}

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
	default:
		return &FieldError{"target", fmt.Sprintf("has no kind (%s)", t.Kind)}
	}
	return nil
}

// Epoch is a revocation in force: sessions of the target that began before it
// are over. Epochs of one target merge by taking the later one.
type Epoch struct {
	Target Target
	At     time.Time
	// Number counts revocations on this instance, upwards.
	Number uint64
	Reason string
	Actor  string
}

package policies

import (
	"context"
	"errors"
	"fmt"
)

// The codes of an [Error]. They are stable: decisions carry them as degraded.
const (
	CodeUndefined = "policy_undefined" // no rule gave an answer
	CodeConflict  = "policy_conflict"  // two rules gave different answers
	CodeError     = "policy_error"     // a built-in function or the evaluator failed
	CodeTimeout   = "policy_timeout"   // the deadline passed while evaluating
	CodeBusy      = "policy_busy"      // no evaluator was free before the deadline
	CodeInvalid   = "policy_invalid"   // the answer isn't one that the contract knows
)

// Error says why a pack gave no answer.
type Error struct {
	Code string // one of the Code constants
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() + " (" + e.Code + ")" }

// DecisionCode is the code under which a decision says that it had to do without
// an answer.
func (e *Error) DecisionCode() string { return e.Code }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

func invalid(format string, args ...any) error {
	return &Error{CodeInvalid, fmt.Errorf(format, args...)}
}

func undefined(query string) error {
	return &Error{CodeUndefined, fmt.Errorf("%s is undefined: no rule of the pack covers this case", query)}
}

// late is the error of a caller whose context ended before the answer came.
func late(ctx context.Context) error {
	return &Error{CodeTimeout, fmt.Errorf("evaluation is still running: %w", context.Cause(ctx))}
}

var errStuck = errors.New("every evaluator is still at work on a question whose deadline has passed")

func busy(cause error) error {
	return &Error{CodeBusy, fmt.Errorf("no evaluator is free: %w", cause)}
}

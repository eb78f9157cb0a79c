package flat

import "fmt"

// Outside is the error of a rule that can't be compiled: it says why.
type Outside struct{ Why string }

func (e *Outside) Error() string { return e.Why }

func outside(format string, args ...any) error { return &Outside{fmt.Sprintf(format, args...)} }

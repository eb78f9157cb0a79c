package replay

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/riskd/riskd"
)

// Line is what a line of a trace holds: one of the two.
type Line struct {
	Event    *riskd.Event
	Identity *riskd.IdentityEvent
}

// Trace is a recording, or a part of one: those of one comparison follow each other.
type Trace struct {
	Name string
	In   io.ReaderAt
}

// Engine decides recorded events under one pack. It is used by one goroutine at a
// time. number is the place of a line in the whole trace: ids that the engine gives
// must come from it and from nothing else.
type Engine interface {
	// Decide answers an event as of its time.
	Decide(ctx context.Context, number int, e *riskd.Event) Answer
	// Prove passes a challenge as of a time, by whatever it asks for, and reports
	// whether the challenge was there to be passed.
	Prove(ctx context.Context, number int, u *riskd.StepUp, at time.Time) bool
	// Tell lets an identity event lead to what the pack says, as of its time.
	Tell(ctx context.Context, number int, e *riskd.IdentityEvent) error
}

// Answer is a decision, and whether it repeats what a timeout or an identity event
// has led to, rather than what the policy judged.
type Answer struct {
	riskd.Decision
	ByOrder bool
}

// StepUps says what becomes of challenges.
type StepUps uint8

// The ways to take challenges.
const (
	// Recorded passes a challenge only where an event of the trace proves it. Where the
	// recorded policy asked for nothing, there is no proof.
	Recorded StepUps = iota
	// Passed passes every challenge at once, except in sessions that an attack has come
	// to: as if all others were honest users, each at his machine.
	Passed
)

var stepUpNames = []string{"recorded", "passed"}

func (s StepUps) String() string { return stepUpNames[s] }

// ParseStepUps reads the name of a way to take challenges.
func ParseStepUps(s string) (StepUps, error) {
	for i, name := range stepUpNames {
		if s == name {
			return StepUps(i), nil
		}
	}
	return 0, errors.New("must be recorded or passed")
}

// Options are the parts of a comparison.
type Options struct {
	Traces []Trace
	// Decode reads one line. It must be safe for concurrent use, and must not keep
	// what it is given.
	Decode func(line []byte) (Line, error)
	// MaxLine is the length of the longest line, in bytes.
	MaxLine int
	// Engines makes the engines of a batch, which remember as much as capacity sessions
	// and profiles without forgetting any.
	Engines func(capacity int) ([2]Engine, error)
	Packs   [2]Pack
	// Labels say which events are attacks; nil if nobody knows.
	Labels  *Labels
	StepUps StepUps
	// Workers is how many batches run at once.
	Workers int
	// BatchLines is how many lines a batch has at most, unless it is one group.
	// Default: 2048.
	BatchLines int
	// Progress is told now and then how many lines a pass has done. Optional.
	Progress func(pass, lines int)
}

// Compare runs the traces under both packs. faults are the lines that are none, each
// with its place; they are left out of the report. The error says why there is no
// report.
func Compare(ctx context.Context, o Options) (report *Report, faults []error, err error) {
	switch {
	case o.Decode == nil:
		return nil, nil, errors.New("replay.Options.Decode: is required")
	case o.Engines == nil:
		return nil, nil, errors.New("replay.Options.Engines: is required")
	case o.Workers < 1:
		return nil, nil, errors.New("replay.Options.Workers: must be 1 or more")
	case o.MaxLine < 1:
		return nil, nil, errors.New("replay.Options.MaxLine: must be 1 or more")
	}
	if o.BatchLines == 0 {
		o.BatchLines = batchLines
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	o.Labels = o.Labels.fresh()
	x := newIndex(&o)
	for i := range o.Traces {
		if err := x.scan(ctx, i); err != nil {
			return nil, x.faults, err
		}
	}
	c := &comparison{Options: o, index: x}
	total, err := c.run(ctx, x.batches())
	if err != nil {
		return nil, x.faults, err
	}
	return c.report(total), x.faults, nil
}

// comparison is the second pass.
type comparison struct {
	Options
	index *index
}

package replay

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/replay/measure"
)

// Line is what a line of a trace holds: one of the two.
type Line struct {
	Event    *riskd.Event
	Identity *riskd.IdentityEvent
}

// Trace is a recording, or a part of one: those of one run follow each other.
type Trace struct {
	Name string
	In   io.Reader
}

// Engine decides recorded events under one pack. It is used by one goroutine at a
// time. number is the place of a line in the whole trace: ids that the engine gives
// must come from it and from nothing else.
type Engine interface {
	// Decide answers an event as of its time. The event is the engine's.
	Decide(ctx context.Context, number int, e *riskd.Event) Answer
	// Prove passes a challenge as of a time, by whatever it asks for, and reports
	// whether the challenge was there to be passed.
	Prove(ctx context.Context, number int, u *riskd.StepUp, at time.Time) bool
	// Tell lets an identity event lead to what the pack says, as of its time.
	Tell(ctx context.Context, number int, e *riskd.IdentityEvent) error
}

// Answer is a decision, and what else is measured of it.
type Answer struct {
	riskd.Decision
	// ByOrder says that it repeats what a timeout or an identity event has led to,
	// rather than what the policy judged.
	ByOrder bool
	// Demanded says that a step-up isn't for risk: the policy asks for a proof below its
	// thresholds, as for an action that takes a fresh one, or an identity event has
	// ordered it. Held says that an earlier step-up waits, and nothing new asks for one.
	Demanded bool
	Held     bool
	// Strength is how strong the event's alarm is, in nats: [measure.Strength], or
	// [measure.Certain] where an invariant is broken.
	Strength float64
	// Country is where the event came from, "" if that isn't known.
	Country string
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

// Bound is an end of the span that counts: a time, or how long after the first event of
// the trace. The zero Bound is none.
type Bound struct {
	Time  time.Time
	After time.Duration
}

// At is when the bound is in a trace whose first event is at first.
func (b Bound) At(first time.Time) time.Time {
	if b.After > 0 {
		return first.Add(b.After)
	}
	return b.Time
}

// Options are the parts of a run.
type Options struct {
	Traces []Trace
	// Decode reads one line. It must be safe for concurrent use, and must not keep
	// what it is given.
	Decode func(line []byte) (Line, error)
	// MaxLine is the length of the longest line, in bytes.
	MaxLine int
	// Engines are the packs' engines: two for Compare, one for Measure.
	Engines []Engine
	Packs   []Pack // of the engines
	// Labels gives what is known of the events, nil if nobody knows anything. It is
	// asked once, when the first lines have arrived: who writes the trace may have
	// written the labels just before. Optional.
	Labels  func() (*Labels, error)
	StepUps StepUps
	// From and Until bound what is measured: sessions and attacks that begin from From
	// on and before Until. What is earlier is history that profiles learn from.
	From, Until Bound
	// Figures say how what is measured is told.
	Figures measure.Options
	// BatchLines is how many lines are handed on together. Default: 256.
	BatchLines int
	// Progress is told now and then how many lines are done. Optional.
	Progress func(lines int)
}

func (o *Options) check(engines int) error {
	switch {
	case o.Decode == nil:
		return errors.New("replay.Options.Decode: is required")
	case len(o.Engines) != engines || len(o.Packs) != engines:
		return errors.New("replay.Options.Engines: must be two to compare, one to measure, and as many packs")
	case o.MaxLine < 1:
		return errors.New("replay.Options.MaxLine: must be 1 or more")
	}
	if o.BatchLines == 0 {
		o.BatchLines = batchLines
	}
	if o.Progress == nil {
		o.Progress = func(int) {}
	}
	if o.Labels == nil {
		o.Labels = func() (*Labels, error) { return nil, nil }
	}
	return nil
}

// Compare runs the traces under both packs. faults are the lines that are none, each
// with its place; they are left out of the report. The error says why there is no
// report.
func Compare(ctx context.Context, o Options) (report *Report, faults []error, err error) {
	if err := o.check(2); err != nil {
		return nil, nil, err
	}
	c := newCollector(&o)
	if faults, err = c.run(ctx); err != nil {
		return nil, faults, err
	}
	return c.report(), faults, nil
}

// Measure runs the traces under one pack, and measures it by the labels. faults and
// error are those of Compare.
func Measure(ctx context.Context, o Options) (m *Measurement, faults []error, err error) {
	if err := o.check(1); err != nil {
		return nil, nil, err
	}
	c := newCollector(&o)
	if faults, err = c.run(ctx); err != nil {
		return nil, faults, err
	}
	return c.measurement(), faults, nil
}

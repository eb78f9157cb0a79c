package scoring

import (
	"math"
	"slices"
	"time"
)

// limit says how many events may be evaluated at once. It follows the time that
// evaluations take: with more of them at once than the machine works on, each
// takes longer, and nothing is won.
//
// The law is the one of Netflix's concurrency-limits (Gradient2Limit) and of
// Envoy's adaptive concurrency filter: after every window of samples
//
//	limit = limit · gradient + √limit,  gradient = target / median, from ½ to 1
//
// where √limit is what may queue, and lets the limit grow while all is well. Both
// compare with the time that a request takes on an idle server, which they have to
// learn, Envoy by turning requests away. Here the target is fixed: a decision has
// a deadline, and a share of it is what an evaluation may take. Like Gradient2,
// the limit stays as it is while less than half of it is used: then something else
// is slow, such as a disk, and fewer evaluations at once would not help.
type limit struct {
	now, least, most float64
	target           time.Duration
	window           [windowSamples]time.Duration
	samples          int
	pressed          bool          // half of the limit was in use, in this window
	median           time.Duration // of the last window
	since            time.Time     // the end of the last window
}

const (
	// windowSamples are the samples of a window: enough for a median that a pause
	// of the machine, which hits only what is in flight, doesn't move.
	windowSamples = 32
	// firstLimit is where limits begin, for each processor; mostLimit is where they
	// end.
	firstLimit = 16
	mostLimit  = 4096
)

// sample takes an evaluation in, and reports whether that ends a window. What began
// under another limit says nothing of this one.
func (l *limit) sample(began time.Time, took time.Duration) bool {
	if began.Before(l.since) {
		return false
	}
	l.window[l.samples] = took
	if l.samples++; l.samples < windowSamples {
		return false
	}
	slices.Sort(l.window[:])
	l.median = max(l.window[windowSamples/2], 1)
	if l.pressed {
		gradient := min(max(float64(l.target)/float64(l.median), 0.5), 1)
		l.now = min(max(l.now*gradient+math.Sqrt(l.now), l.least), l.most)
	}
	l.samples, l.pressed, l.since = 0, false, began.Add(took)
	return true
}

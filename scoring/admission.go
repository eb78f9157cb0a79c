package scoring

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riskd/riskd"
)

// Evaluator answers events with or without evaluating them; the engine does.
type Evaluator interface {
	Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision
	Shed(e *riskd.Event, now time.Time, code string) riskd.Decision
}

// AdmissionOptions are the parts of an Admission.
type AdmissionOptions struct {
	Engine Evaluator
	// Deadline is the engine's. The median evaluation is held to a quarter of it.
	// Default: that of the engine.
	Deadline time.Duration
	// MaxWait is how long an event may wait for room. Default: 5 ms, or a quarter
	// of the deadline if that is less.
	MaxWait time.Duration
	// Panicked is told of evaluations that panicked, and were answered without.
	// Without it their panics go on.
	Panicked func(value any, stack []byte)
}

// DefaultMaxWait is how long an event may wait for room when Options don't say.
const DefaultMaxWait = 5 * time.Millisecond

// Admission evaluates no more events at once than is good for those that are
// evaluated. The others wait for a moment, the newest in front, and are then
// answered without: open routes first, then standard ones, and sensitive ones and
// administration only when they alone are too many. It is safe for concurrent use.
type Admission struct {
	engine   Evaluator
	maxWait  time.Duration
	panicked func(value any, stack []byte)

	state   atomic.Uint64 // how many were let in, in the upper half, and are in now
	rooms   [ranks]atomic.Int64
	sampled atomic.Uint64 // sampleMask, or 0 for all
	waiting atomic.Int64  // changed under mu
	shed    [classes]atomic.Uint64

	waiters sync.Pool // of *waiter
	mu      sync.Mutex
	limit   limit
	queue   queue
}

const classes = int(riskd.ClassAdmin) + 1

const (
	oneIn   = 1<<32 + 1
	oneOut  = ^uint64(0)
	insides = 1<<32 - 1
	// sampleMask chooses one of eight evaluations whose time is taken, while that
	// would cost more than it tells.
	sampleMask = 7
)

// NewAdmission makes an admission to an engine.
func NewAdmission(o AdmissionOptions) (*Admission, error) {
	switch {
	case o.Engine == nil:
		return nil, errors.New("scoring.AdmissionOptions.Engine: is required")
	case o.Deadline < 0:
		return nil, errors.New("scoring.AdmissionOptions.Deadline: must not be negative")
	case o.MaxWait < 0:
		return nil, errors.New("scoring.AdmissionOptions.MaxWait: must not be negative")
	}
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	if o.MaxWait == 0 {
		o.MaxWait = min(DefaultMaxWait, o.Deadline/4)
	}
	least := float64(max(4, 2*runtime.GOMAXPROCS(0)))
	a := &Admission{engine: o.Engine, maxWait: o.MaxWait, panicked: o.Panicked, waiters: sync.Pool{New: newWaiter}}
	a.limit = limit{now: max(firstLimit*float64(runtime.GOMAXPROCS(0)), least), least: least, most: max(mostLimit, least), target: o.Deadline / 4}
	a.furnish()
	return a, nil
}

// Decide answers one valid event as of now, evaluated if there is room. A context
// whose deadline has passed leaves no time for that. Whoever hangs up is evaluated
// all the same, unless he hangs up while he waits.
func (a *Admission) Decide(ctx context.Context, e *riskd.Event, now time.Time) (d riskd.Decision) {
	in, sampled := a.enter(ctx, rankOf(e.Request.Class))
	if !in {
		a.shed[e.Request.Class].Add(1)
		return a.engine.Shed(e, now, CodeOverloaded)
	}
	var began time.Time
	if sampled {
		began = time.Now()
	}
	defer func() {
		a.leave(began, &d)
		if a.panicked == nil {
			return
		}
		if v := recover(); v != nil {
			a.panicked(v, debug.Stack())
			d = a.engine.Shed(e, now, CodeInternalError)
		}
	}()
	return a.engine.Decide(ctx, e, now)
}

func (a *Admission) enter(ctx context.Context, r rank) (in, sampled bool) {
	if end, bounded := ctx.Deadline(); bounded && !time.Now().Before(end) {
		return false, false
	}
	if in, sampled = a.take(r); in { // it is newer than all who wait
		return in, sampled
	}
	return a.wait(ctx, r)
}

// take lets one in if there is room for its rank.
func (a *Admission) take(r rank) (in, sampled bool) {
	for {
		s := a.state.Load()
		if int64(s&insides) >= a.rooms[r].Load() {
			return false, false
		}
		if a.state.CompareAndSwap(s, s+oneIn) {
			return true, s>>32&a.sampled.Load() == 0
		}
	}
}

func (a *Admission) leave(began time.Time, d *riskd.Decision) {
	left := a.state.Add(oneOut) & insides
	if !began.IsZero() {
		a.sample(began, d, int(left)+1)
	}
	if a.waiting.Load() > 0 {
		a.mu.Lock()
		a.call()
		a.mu.Unlock()
	}
}

func (a *Admission) sample(began time.Time, d *riskd.Decision, inside int) {
	took := time.Since(began)
	if starved(d) { // however soon that was clear
		took = max(took, 4*a.limit.target)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := &a.limit; 2*inside >= int(l.now) {
		l.pressed = true
	}
	if a.limit.sample(began, took) {
		a.furnish()
		a.call()
	}
}

// starved reports whether a policy gave no answer for lack of time or of somebody
// to evaluate it, by the codes of package policies.
func starved(d *riskd.Decision) bool {
	return d.Source == riskd.SourceFallback &&
		(slices.Contains(d.Degraded, "policy_timeout") || slices.Contains(d.Degraded, "policy_busy"))
}

// furnish makes the limit known to those who enter.
func (a *Admission) furnish() {
	a.sampled.Store(sampleMask)
	if a.limit.median > a.limit.target/8 {
		a.sampled.Store(0)
	}
	for r := range a.rooms {
		a.rooms[r].Store(int64((int(a.limit.now)*shareOf[r] + 3) / 4))
	}
}

// call lets in those who wait, as far as there is room: the highest rank first,
// and of that the newest. The caller holds mu.
func (a *Admission) call() {
	for r := ranks; r > 0; r-- {
		for w := a.queue.newest[r-1]; w != nil; w = a.queue.newest[r-1] {
			if in, _ := a.take(w.rank); !in {
				break
			}
			a.dismiss(w, true)
		}
	}
}

// dismiss ends somebody's wait. The caller holds mu.
func (a *Admission) dismiss(w *waiter, in bool) {
	a.queue.remove(w)
	a.waiting.Add(-1)
	w.answer <- in
}

// wait waits for room, unless too many do already.
func (a *Admission) wait(ctx context.Context, r rank) (in, sampled bool) {
	w := a.queueUp(r)
	if w == nil {
		return false, false
	}
	w.timer.Reset(a.maxWait)
	select {
	case in = <-w.answer:
	case <-w.timer.C:
		in = a.giveUp(w)
	case <-ctx.Done():
		in = a.giveUp(w)
	}
	w.timer.Stop()
	a.waiters.Put(w)
	// What has waited is sampled: the load is such that the time counts.
	return in, in
}

// queueUp gives a place in the queue, nil if there is none.
func (a *Admission) queueUp(r rank) *waiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limit.pressed = true
	if a.queue.length >= 2*int(a.limit.now) {
		out := a.queue.last()
		if out.rank > r {
			return nil
		}
		a.dismiss(out, false)
	}
	w := a.waiters.Get().(*waiter)
	w.rank = r
	a.queue.push(w)
	a.waiting.Add(1)
	a.call() // somebody may have left before he could see this one
	return w
}

// giveUp leaves the queue, unless the answer has come at the last moment.
func (a *Admission) giveUp(w *waiter) (in bool) {
	a.mu.Lock()
	if w.queued {
		a.queue.remove(w)
		a.waiting.Add(-1)
		a.mu.Unlock()
		return false
	}
	a.mu.Unlock()
	return <-w.answer
}

// AdmissionStats count what an admission does.
type AdmissionStats struct {
	Limit, InFlight, Queued int
	Shed                    [classes]uint64 // by class
}

// Stats counts.
func (a *Admission) Stats() (s AdmissionStats) {
	s.InFlight = int(a.state.Load() & insides)
	for i := range a.shed {
		s.Shed[i] = a.shed[i].Load()
	}
	a.mu.Lock()
	s.Limit, s.Queued = int(a.limit.now), a.queue.length
	a.mu.Unlock()
	return s
}

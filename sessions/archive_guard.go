package sessions

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

var (
	// errBroken says that Pebble can't go on.
	errBroken = errors.New("archive is broken until the process starts anew")
	errClosed = errors.New("archive is closed")
	errSlow   = errors.New("the disk takes too long to read")
)

// patience is how long a disk may take to write what it is given. What takes
// longer is taken for broken, lest all wait for it.
const patience = 30 * time.Second

// guard stands between riskd and Pebble, which ends the process when it can't go
// on, or panics. Each call into Pebble has a goroutine of its own, which its caller
// may leave behind.
type guard struct {
	db       *pebble.DB
	jobs     chan func()
	calls    sync.RWMutex // held by whoever is in db, and alone by whoever exchanges it
	failed   func(error)
	patience time.Duration
	// reading is how long a decision waits for what is remembered of its session.
	// What comes later doesn't count any more, and breaks nothing. 0 is for ever.
	reading time.Duration

	once   sync.Once
	broken chan struct{} // closed with the breaking of the archive
	cause  error         // of that, since then
}

type none struct{}

// ask asks something of the database. It gives up when the archive breaks, and
// breaks it when the answer takes longer than patience, unless that is 0 or the
// one of reading.
func ask[T any](g *guard, patience time.Duration, work func(*pebble.DB) (T, error)) (T, error) {
	return enter(g, patience, func() (nothing T, err error) {
		g.calls.RLock()
		defer g.calls.RUnlock()
		if g.db == nil {
			return nothing, errClosed
		}
		return work(g.db)
	})
}

// alone is ask while nobody else asks anything.
func alone[T any](g *guard, patience time.Duration, work func(*pebble.DB) (T, error)) (T, error) {
	return enter(g, patience, func() (nothing T, err error) {
		g.calls.Lock()
		defer g.calls.Unlock()
		if g.db == nil {
			return nothing, errClosed
		}
		return work(g.db)
	})
}

// enter works on a goroutine that its caller can leave behind.
func enter[T any](g *guard, patience time.Duration, work func() (T, error)) (nothing T, err error) {
	select {
	case <-g.broken:
		return nothing, g.cause
	default:
	}
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1)
	g.run(func() {
		value, err := work()
		done <- answer{value, err}
	})
	var late <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case a := <-done:
		return a.value, a.err
	case <-late:
		if patience == g.reading {
			return nothing, errSlow
		}
		g.fail(fmt.Errorf("the disk takes longer than %v", patience))
	case <-g.broken:
	}
	return nothing, g.cause
}

// run lets a worker do a job: one that is idle, whose stack has grown to what
// Pebble needs, or a new one.
func (g *guard) run(job func()) {
	select {
	case g.jobs <- job:
	default:
		go g.work(job)
	}
}

// work does jobs for as long as there are some now and then.
func (g *guard) work(job func()) {
	defer func() {
		if p := recover(); p != nil {
			g.fail(fmt.Errorf("%v", p))
		}
	}()
	idle := time.NewTimer(idleWorker)
	defer idle.Stop()
	for {
		job()
		idle.Reset(idleWorker)
		select {
		case job = <-g.jobs:
		case <-idle.C:
			return
		case <-g.broken:
			return
		}
	}
}

// idleWorker is how long a worker waits for another job.
const idleWorker = time.Second

// fail breaks the archive for good, once.
func (g *guard) fail(err error) {
	g.once.Do(func() {
		g.cause = fmt.Errorf("%w: %w", errBroken, err)
		close(g.broken)
		g.failed(g.cause)
	})
}

// park breaks the archive and never returns: Pebble counts on that. Ending the
// goroutine instead would run Pebble's deferred functions on a state that they
// don't expect.
func (g *guard) park(err error) {
	g.fail(err)
	select {}
}

// logger is what Pebble tells its story to. Whoever is concerned by an error gets it
// from his call.
type logger struct{ *guard }

func (logger) Infof(string, ...any)                {}
func (logger) Errorf(string, ...any)               {}
func (l logger) Fatalf(format string, args ...any) { l.park(fmt.Errorf(format, args...)) }

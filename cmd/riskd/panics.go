package main

import (
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A panic costs one request its answer, not the process. Several of them in a
// short time mean that something is broken for good: then riskd says that it
// isn't ready, and gateways may turn to another one.
const (
	panicLimit  = 5
	panicWindow = time.Minute
)

type panicMeter struct {
	log    *slog.Logger
	count  *prometheus.CounterVec // by surface
	mu     sync.Mutex
	latest [panicLimit]time.Time // a ring
	next   int
}

// note takes one panic down. Its value may hold what a caller sent, so unless it
// comes from the Go runtime only its type is logged.
func (p *panicMeter) note(surface string, value any, stack []byte, now time.Time) {
	p.mu.Lock()
	p.latest[p.next] = now
	p.next = (p.next + 1) % panicLimit
	p.mu.Unlock()
	p.count.WithLabelValues(surface).Inc()
	what := fmt.Sprintf("%T", value)
	if err, ok := value.(runtime.Error); ok {
		what = err.Error()
	}
	p.log.Error("panic while answering", "surface", surface, "panic", what, "stack", string(stack))
}

// tooMany reports whether the limit was reached within the window before now.
func (p *panicMeter) tooMany(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := p.latest[p.next]
	return !oldest.IsZero() && now.Sub(oldest) < panicWindow
}

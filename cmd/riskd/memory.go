package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

// memory is the store of sessions as engine and API get it: it counts revocations.
type memory struct {
	*sessions.Store
	revoked *prometheus.CounterVec // by scope
	expired prometheus.Counter     // by the sweep
}

// Revoke ends sessions as the store does.
func (m memory) Revoke(t riskd.Target, at time.Time, reason, actor string) (riskd.Epoch, int) {
	epoch, matched := m.Store.Revoke(t, at, reason, actor)
	m.revoked.WithLabelValues(t.Kind.String()).Inc()
	return epoch, matched
}

// sweepEvery is how often sessions are looked at whose time may be up, and
// revocations that may have been in force for long enough. Neither waits for it:
// a session that is asked about is over at once.
const sweepEvery = time.Minute

// sweep marks what has expired and lets old revocations go, until ctx ends.
func (m memory) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			m.Sweep(now)
			m.expired.Add(float64(m.Expire(now)))
		case <-ctx.Done():
			return
		}
	}
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

// memory is the store of sessions as engine and API get it: it counts revocations.
type memory struct {
	*sessions.Store
	revoked *prometheus.CounterVec // by scope
}

// Revoke ends sessions as the store does.
func (m memory) Revoke(t riskd.Target, at time.Time, reason, actor string) (riskd.Epoch, int) {
	epoch, matched := m.Store.Revoke(t, at, reason, actor)
	m.revoked.WithLabelValues(t.Kind.String()).Inc()
	return epoch, matched
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
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

// sessionLists is a store that takes the API's filter.
type sessionLists struct{ *sessions.Store }

// List lists sessions as the store does.
func (s sessionLists) List(f api.Filter) (page []riskd.Session, next string, err error) {
	return s.Store.List(sessions.Filter(f))
}

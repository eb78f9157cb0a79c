package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
)

// policyMetrics are the numbers of trials and of the brake. Candidates are named
// by operators, and few.
type policyMetrics struct {
	shadows   *prometheus.CounterVec
	failed    *prometheus.CounterVec
	brake     *prometheus.CounterVec
	fallbacks prometheus.Counter
}

func newPolicyMetrics(registry *prometheus.Registry) *policyMetrics {
	m := &policyMetrics{}
	m.shadows = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_shadow_decisions_total", Help: "Events that a candidate on trial judged too, by what the policy in force said and what the candidate did.",
	}, []string{"candidate", "live", "shadow"})
	m.failed = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_shadow_failures_total", Help: "Events on which a candidate on trial gave no answer, by why.",
	}, []string{"candidate", "code"})
	m.brake = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_policy_brake_total", Help: "What the brake did: held a revision, reverted to the one before, was confirmed by a person, refused an order or an identity_event.",
	}, []string{"kind"})
	for _, kind := range []string{brakeHeld, brakeReverted, brakeConfirmed, brakeOrder, brakeIdentity} {
		m.brake.WithLabelValues(kind)
	}
	m.fallbacks = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "riskd_policy_fallbacks_total", Help: "Revisions that were in force and gave no answers.",
	})
	registry.MustRegister(m.shadows, m.failed, m.brake, m.fallbacks)
	return m
}

func (m *policyMetrics) judged(candidate string, live, shadow riskd.Outcome) {
	m.shadows.WithLabelValues(candidate, live.String(), shadow.String()).Inc()
}

func (m *policyMetrics) gaveNone(candidate, code string) {
	m.failed.WithLabelValues(candidate, code).Inc()
}

// gone drops the numbers of a candidate whose trial has ended.
func (m *policyMetrics) gone(candidate string) {
	m.shadows.DeletePartialMatch(prometheus.Labels{"candidate": candidate})
	m.failed.DeletePartialMatch(prometheus.Labels{"candidate": candidate})
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd/callers"
)

func newRefusals() *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_callers_refused_total", Help: "Requests whose caller wasn't known, by why; callers are all told the same.",
	}, []string{"why"})
	for _, why := range callers.Refusals() {
		c.WithLabelValues(why)
	}
	return c
}

// refused counts a caller that wasn't known.
func (m *metrics) refused(why string) { m.refusals.WithLabelValues(why).Inc() }

// watchCertificate tells when a listener's certificate ends.
func (m *metrics) watchCertificate(listener string, ends func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "riskd_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate of a listener ends, Unix time.",
		ConstLabels: prometheus.Labels{"listener": listener},
	}, func() float64 { return float64(ends().Unix()) }))
}

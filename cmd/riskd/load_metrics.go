package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
)

// loadMetrics reads what admission and listeners count themselves, when
// Prometheus asks.
type loadMetrics struct {
	admission *scoring.Admission
	listeners map[string]connections // by what they're for
}

// connections are those of a listener.
type connections interface {
	Open() int
	Refused() uint64
}

var (
	admissionLimit     = prometheus.NewDesc("riskd_admission_limit", "Events that may be evaluated at once; it follows the time that they take.", nil, nil)
	admissionInFlight  = prometheus.NewDesc("riskd_admission_in_flight", "Events that are being evaluated.", nil, nil)
	admissionQueued    = prometheus.NewDesc("riskd_admission_queued", "Events that wait for room to be evaluated.", nil, nil)
	shedDecisions      = prometheus.NewDesc("riskd_shed_decisions_total", "Decisions taken without evaluating the event, for lack of room, by route class.", []string{"class"}, nil)
	connectionsOpen    = prometheus.NewDesc("riskd_connections", "Connections that are open.", []string{"listener"}, nil)
	connectionsRefused = prometheus.NewDesc("riskd_connections_refused_total", "Connections closed as soon as they came, because there were max_connections.", []string{"listener"}, nil)
)

// Describe is for prometheus.Collector.
func (l loadMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(l, descriptions)
}

// Collect is for prometheus.Collector.
func (l loadMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	now := l.admission.Stats()
	gauge(admissionLimit, now.Limit)
	gauge(admissionInFlight, now.InFlight)
	gauge(admissionQueued, now.Queued)
	for class, n := range now.Shed {
		counter(shedDecisions, n, riskd.Class(class).String())
	}
	for name, c := range l.listeners {
		gauge(connectionsOpen, c.Open(), name)
		counter(connectionsRefused, c.Refused(), name)
	}
}

package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd/leases"
	"github.com/riskd/riskd/sessions"
)

// streamSurface is the API's name for what gateways follow.
const streamSurface = "stream"

// openNotices makes the stream of what ends leases. Its instance is this process:
// no other goes on with its numbers.
func openNotices(store *sessions.Store, m *metrics) (*leases.Stream, error) {
	lag := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "riskd_revocation_lag_seconds",
		Help:    "Time from an order, or what else ends leases, until a gateway said that it had applied it.",
		Buckets: prometheus.ExponentialBuckets(0.5e-3, 2, 15), // 0.5 ms to 8 s
	})
	stream, err := leases.New(leases.Options{
		Instance: newID(), Number: store.LastNumber(), InForce: store.InForce,
		Lag: func(d time.Duration) { lag.Observe(d.Seconds()) },
	})
	if err == nil {
		m.registry.MustRegister(lag, noticeMetrics{stream})
	}
	return stream, err
}

// noticeMetrics reads what the stream counts itself, when Prometheus asks.
type noticeMetrics struct{ stream *leases.Stream }

var (
	followersNow = prometheus.NewDesc("riskd_revocation_followers", "Streams of revocations that gateways follow now.", nil, nil)
	gatewaysNow  = prometheus.NewDesc("riskd_revocation_gateways", "Gateways that have followed or acked within the last hour.", nil, nil)
	followersCut = prometheus.NewDesc("riskd_revocation_followers_cut_total", "Followers cut off because they were too slow.", nil, nil)
)

// Describe is for prometheus.Collector.
func (n noticeMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(n, descriptions)
}

// Collect is for prometheus.Collector.
func (n noticeMetrics) Collect(out chan<- prometheus.Metric) {
	now := n.stream.Stats()
	out <- prometheus.MustNewConstMetric(followersNow, prometheus.GaugeValue, float64(now.Followers))
	out <- prometheus.MustNewConstMetric(gatewaysNow, prometheus.GaugeValue, float64(now.Gateways))
	out <- prometheus.MustNewConstMetric(followersCut, prometheus.CounterValue, float64(now.Cut))
}

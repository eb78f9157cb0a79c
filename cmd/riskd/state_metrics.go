package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/sessions"
)

// stateMetrics reads what state and geo data count themselves, when Prometheus
// asks.
type stateMetrics struct {
	store   *sessions.Store
	locator *geo.Locator
}

var (
	sessionsNow     = prometheus.NewDesc("riskd_sessions", "Sessions that are remembered.", nil, nil)
	profilesNow     = prometheus.NewDesc("riskd_profiles", "User profiles that are remembered.", nil, nil)
	epochsNow       = prometheus.NewDesc("riskd_revocations", "Revocations in force.", nil, nil)
	sessionsEvicted = prometheus.NewDesc("riskd_session_evictions_total", "Sessions forgotten to make room.", nil, nil)
	profilesEvicted = prometheus.NewDesc("riskd_profile_evictions_total", "User profiles forgotten to make room.", nil, nil)
	geoBuilt        = prometheus.NewDesc("riskd_geoip_database_build_timestamp_seconds", "When a geo database was built.", []string{"file"}, nil)
	geoFailed       = prometheus.NewDesc("riskd_geo_file_failed", "1 while a geo file can't be used as it is now.", []string{"file"}, nil)
)

// Describe is for prometheus.Collector.
func (s stateMetrics) Describe(descriptions chan<- *prometheus.Desc) {
	prometheus.DescribeByCollect(s, descriptions)
}

// Collect is for prometheus.Collector.
func (s stateMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v uint64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	now := s.store.Stats()
	gauge(sessionsNow, float64(now.Sessions))
	gauge(profilesNow, float64(now.Profiles))
	gauge(epochsNow, float64(now.Epochs))
	counter(sessionsEvicted, now.EvictedSessions)
	counter(profilesEvicted, now.EvictedProfiles)
	for _, f := range s.locator.Status() {
		if !f.Build.IsZero() {
			gauge(geoBuilt, float64(f.Build.Unix()), f.Path)
		}
		failed := 0.0
		if f.Err != nil {
			failed = 1
		}
		gauge(geoFailed, failed, f.Path)
	}
}

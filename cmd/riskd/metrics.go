package main

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/extauthz"
	"github.com/riskd/riskd/policies"
)

// metrics are riskd's numbers for Prometheus. No label takes a value that a
// caller can choose.
type metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	duration  prometheus.Histogram
	errors    *prometheus.CounterVec
	degraded  *prometheus.CounterVec
	fallback  prometheus.Counter
	rules     *prometheus.CounterVec
	unlogged  prometheus.Counter
	pack      *prometheus.GaugeVec
	packFault prometheus.Gauge
	packHeld  prometheus.Gauge
	// packLoaded is when the pack in force came into force.
	packLoaded prometheus.Gauge
	panics     *prometheus.CounterVec
	orders     *prometheus.CounterVec
	expired    prometheus.Counter
	unaudited  prometheus.Counter
	prompts    *prometheus.CounterVec
	requests   *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	refusals   *prometheus.CounterVec
	surfaces   map[string]surface
	// byPack are the decision counters of the pack that decided last, found
	// without a look-up by labels.
	byPack atomic.Pointer[packCounters]
}

type packCounters struct {
	pack    string
	outcome [riskd.Revoke + 1]prometheus.Counter
}

// durations are the bounds of histograms of time: 50 µs to 102.4 ms, in which
// decisions that are as fast as they should be and those that hit their deadline
// can both be told apart.
var durations = prometheus.ExponentialBuckets(50e-6, 2, 12)

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	m.decisions = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_decisions_total", Help: "Decisions by effect and policy pack.",
	}, []string{"effect", "pack"})
	m.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "riskd_decision_duration_seconds", Help: "Time that the engine took for a decision.",
		Buckets: durations,
	})
	m.errors = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_policy_errors_total", Help: "Decisions on which the policy gave no answer, by the code of its error.",
	}, []string{"code"})
	m.degraded = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_degraded_decisions_total", Help: "Decisions taken while something didn't work, by what it was.",
	}, []string{"code"})
	m.fallback = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "riskd_fallback_decisions_total", Help: "Decisions that are the default of their route class.",
	})
	m.rules = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_rule_hits_total", Help: "Decisions among whose reasons a rule is.",
	}, []string{"rule"})
	m.unlogged = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "riskd_decision_log_dropped_total", Help: "Decisions that were not logged because the log was too slow.",
	})
	m.pack = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "riskd_policy_info", Help: "The policy pack in force; always 1.",
	}, []string{"pack", "revision"})
	m.packFault = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "riskd_policy_load_failed", Help: "1 while the pack on disk can't be loaded and the one before is in force.",
	})
	m.packHeld = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "riskd_policy_held", Help: "1 while a pack is held until somebody confirms it.",
	})
	m.packLoaded = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "riskd_policy_loaded_timestamp_seconds", Help: "When the policy pack in force was loaded, Unix time.",
	})
	m.panics = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_panics_total", Help: "Requests that made riskd panic.",
	}, []string{"surface"})
	m.expired = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "riskd_sessions_expired_total", Help: "Sessions whose time was up when the sweep came by.",
	})
	m.unaudited = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "riskd_audit_failed_total", Help: "Changes to sessions that could not be put on record when they happened.",
	})
	m.orders = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_orders_total", Help: "Revocations, suspensions and other orders by effect and by what they named.",
	}, []string{"effect", "scope"})
	m.prompts = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_step_ups_total", Help: "Step-ups by what became of them: challenged, over_budget (challenged more often in a day than the pack means to), proved, failed.",
	}, []string{"result"})
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "riskd_http_requests_total", Help: "Answers by surface and HTTP status.",
	}, []string{"surface", "code"})
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "riskd_http_request_duration_seconds", Help: "Time that the handler of a request took.",
		Buckets: durations,
	}, []string{"surface"})
	m.refusals = newRefusals()
	m.surfaces = map[string]surface{}
	for _, name := range surfaces {
		m.surfaces[name] = surface{m.requests.WithLabelValues(name, "200"), m.latency.WithLabelValues(name)}
	}
	m.registry.MustRegister(m.decisions, m.duration, m.errors, m.degraded, m.fallback, m.rules, m.unlogged,
		m.pack, m.packFault, m.packHeld, m.packLoaded, m.panics, m.orders, m.prompts, m.expired, m.unaudited, m.requests, m.latency, m.refusals,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	return m
}

func buildInfo() prometheus.Collector {
	b := buildOf(debug.ReadBuildInfo())
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "riskd_build_info", Help: "Which riskd this is; always 1.",
	}, []string{"version", "revision", "goversion", "opaversion"})
	g.WithLabelValues(b.version, b.revision, b.goVersion, b.opa).Set(1)
	return g
}

// record counts one decision.
func (m *metrics) record(r *riskd.Record) {
	d := r.Decision
	m.countersOf(d.Pack).outcome[d.Outcome].Inc()
	m.duration.Observe(r.Took.Seconds())
	for i := range d.Reasons {
		m.rules.WithLabelValues(d.Reasons[i].Code).Inc()
	}
	for _, code := range d.Degraded {
		m.degraded.WithLabelValues(code).Inc()
		if strings.HasPrefix(code, "policy_") {
			m.errors.WithLabelValues(code).Inc()
		}
	}
	if d.Source == riskd.SourceFallback {
		m.fallback.Inc()
	}
	for i := range r.Moments {
		m.stepUp(r.Moments[i].Kind, d.StepUp)
	}
}

// stepUp counts what became of a step-up.
func (m *metrics) stepUp(kind riskd.MomentKind, u *riskd.StepUp) {
	switch kind {
	case riskd.Challenged, riskd.Proved, riskd.Failed:
		m.prompts.WithLabelValues(kind.String()).Inc()
		if kind == riskd.Challenged && u != nil && u.OverBudget {
			m.prompts.WithLabelValues("over_budget").Inc()
		}
	}
}

func (m *metrics) countersOf(pack string) *packCounters {
	if c := m.byPack.Load(); c != nil && c.pack == pack {
		return c
	}
	c := &packCounters{pack: pack}
	for o := range c.outcome {
		if o > 0 {
			c.outcome[o] = m.decisions.WithLabelValues(riskd.Outcome(o).String(), pack)
		}
	}
	c.outcome[riskd.NoOutcome] = c.outcome[riskd.StepUpNeeded] // as callers have to take it
	m.byPack.Store(c)
	return c
}

// surface is what one part of the API has at hand for its usual answer.
type surface struct {
	ok      prometheus.Counter
	latency prometheus.Observer
}

// surfaces are the parts of the API by the names that it gives them.
var surfaces = []string{"decision", "batch", "telemetry", "authzen", "opa_data", "forward_auth", extauthz.Surface, "stream", "ack", "admin", "none"}

// answered counts one answer of the API.
func (m *metrics) answered(name string, status int, took time.Duration) {
	s, ok := m.surfaces[name]
	if ok && name == streamSurface { // it takes as long as somebody follows
		m.requests.WithLabelValues(name, strconv.Itoa(status)).Inc()
		return
	}
	if !ok || status != http.StatusOK {
		m.requests.WithLabelValues(name, strconv.Itoa(status)).Inc()
		m.latency.WithLabelValues(name).Observe(took.Seconds())
		return
	}
	s.ok.Inc()
	s.latency.Observe(took.Seconds())
}

// packNews notes which pack is in force, or why another isn't.
func (m *metrics) packNews(n packNews, at time.Time) {
	m.packFault.Set(0)
	m.packHeld.Set(0)
	switch n.change {
	case packRefused:
		m.packFault.Set(1)
	case packHeld:
		m.packHeld.Set(1)
	case packInForce:
		m.pack.Reset()
		m.pack.WithLabelValues(n.pack.Name, n.pack.Revision).Set(1)
		m.packLoaded.Set(float64(at.Unix()))
	}
}

// watchPolicy reads what the packs in force count themselves. The count begins
// again with each pack, as counters may.
func (m *metrics) watchPolicy(current func() *policies.Pack) {
	m.registry.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "riskd_policy_mismatches_total", Help: "Sampled questions that the compiled pack in force answered otherwise than OPA; after the first, OPA alone is asked.",
		}, func() float64 { _, mismatches := current().Compiled(); return float64(mismatches) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "riskd_policy_compiled", Help: "1 while the pack in force is asked as a compiled program, 0 when OPA is asked for everything.",
		}, func() float64 {
			if active, _ := current().Compiled(); active {
				return 1
			}
			return 0
		}),
	)
}

package client_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/client"
)

// BenchmarkAsk is a decision without a lease: HTTP on the loopback, and riskd.
func BenchmarkAsk(b *testing.B) {
	h := newHouse(b)
	c := h.newClient(func(o *client.Options) { o.NoLeases = true })
	e := event("s1")
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if d := c.Decide(b.Context(), e); d.Source == client.SourceFailure {
			b.Fatalf("%+v", d)
		}
	}
}

// TestPropagation says how long it takes from POST /v1/revocations to the first
// refusal of a gateway that holds a lease. It holds to no threshold; -v prints.
func TestPropagation(t *testing.T) {
	h := newHouse(t)
	c := h.client(func(o *client.Options) { o.MaxReports, o.ReportEvery = 1<<16, 10*time.Millisecond })
	const rounds = 200
	var refusals []time.Duration
	for i := range rounds {
		e := event(fmt.Sprint("s", i))
		h.lease(c, e)
		began := time.Now()
		number := uint64(h.do("POST", "/v1/revocations", fmt.Sprintf(`{"target":{"session_id":%q}}`, e.Session.ID))["epoch"].(float64))
		for c.Stats().Applied < number {
			runtime.Gosched()
		}
		if d := c.Decide(t.Context(), e); d.Outcome != riskd.Revoke {
			t.Fatalf("applied, and passes: %+v", d)
		}
		refusals = append(refusals, time.Since(began))
	}
	slices.Sort(refusals)
	t.Logf("order to refusal, %d rounds: p50 %s, p99 %s, worst %s", rounds, refusals[rounds/2], refusals[rounds*99/100], refusals[rounds-1])
}

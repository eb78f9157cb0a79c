package load_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd/bench/load"
)

// quantiles that the tests compare.
var quantiles = []float64{0, 0.01, 0.5, 0.9, 0.99, 0.999, 1}

func TestHistogramHoldsQuantilesWithinABucket(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for name, draw := range map[string]func() time.Duration{
		"linear part":   func() time.Duration { return time.Duration(random.IntN(256)) },
		"micros":        func() time.Duration { return time.Duration(random.ExpFloat64() * 1e5) },
		"long tail":     func() time.Duration { return time.Duration(1e4 / (1e-6 + random.Float64())) },
		"one value":     func() time.Duration { return 12345 },
		"up to minutes": func() time.Duration { return time.Duration(random.Int64N(int64(4 * time.Minute))) },
	} {
		t.Run(name, func(t *testing.T) {
			var h load.Histogram
			all := make([]time.Duration, 5000)
			for i := range all {
				all[i] = draw()
				h.Record(all[i])
			}
			slices.Sort(all)
			for _, q := range quantiles {
				exact := all[max(int(float64(len(all))*q+0.9999999)-1, 0)]
				got := h.Quantile(q)
				if got < exact || float64(got-exact) > float64(exact)/128 {
					t.Errorf("quantile %v is %d; the exact one is %d", q, got, exact)
				}
			}
			if h.Max() != all[len(all)-1] || h.Count() != uint64(len(all)) {
				t.Errorf("max %d count %d; want %d and %d", h.Max(), h.Count(), all[len(all)-1], len(all))
			}
		})
	}
}

func TestHistogramsAddUp(t *testing.T) {
	t.Parallel()
	var whole, a, b load.Histogram
	for i := range 3000 {
		d := time.Duration(i*i) * time.Microsecond
		whole.Record(d)
		if i%3 == 0 {
			a.Record(d)
		} else {
			b.Record(d)
		}
	}
	a.Add(&b)
	if a != whole {
		t.Error("two histograms added up differ from one that counted all")
	}
}

func TestHistogramTakesAnything(t *testing.T) {
	t.Parallel()
	var h load.Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %d; want 0", got)
	}
	h.Record(-time.Second)
	if h.Quantile(1) != 0 || h.Count() != 1 {
		t.Error("a negative duration doesn't count as zero")
	}
	h.Record(100 * time.Hour)
	if got := h.Max(); got != 100*time.Hour {
		t.Errorf("max is %s; want the exact 100h", got)
	}
}

package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/riskd/riskd/bench/load"
)

func TestSpread(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values []float64
		want   Spread
	}{
		"none":       {nil, Spread{}},
		"one":        {[]float64{3}, Spread{3, 3, 3}},
		"odd":        {[]float64{9, 1, 4}, Spread{4, 1, 9}},
		"even":       {[]float64{8, 2, 4, 1}, Spread{3, 1, 8}},
		"an outlier": {[]float64{5, 5, 1000, 5, 5}, Spread{5, 5, 1000}},
	} {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(c.values)
			if got := spreadOf(c.values); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if !slices.Equal(given, c.values) {
				t.Error("the rounds are out of order afterwards")
			}
		})
	}
}

// The machine gets twice as slow with every round; ratios by round don't care,
// the ratio of the medians would if the rounds were mixed up.
func TestRatiosAreTakenRoundByRound(t *testing.T) {
	t.Parallel()
	r := &Report{Cases: []Case{{Cells: []Cell{
		{Target: "floor", Rounds: []Sample{{Rate: 800, CPU: 10}, {Rate: 400, CPU: 20}, {Rate: 200, CPU: 40}}},
		{Target: "riskd", Rounds: []Sample{{Rate: 400, CPU: 20}, {Rate: 100, CPU: 60}, {Rate: 150, CPU: 40}}},
	}}}}
	r.summarise()
	want := []Ratio{{Of: "riskd", Over: "floor", Rate: Spread{0.5, 0.25, 0.75}, CPU: Spread{2, 1, 3}}}
	if got := r.Cases[0].Ratios; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := r.Cases[0].Cells[1].Summary.Rate, (Spread{150, 100, 400}); got != want {
		t.Errorf("riskd's rate: got %+v, want %+v", got, want)
	}
}

func TestCurvesEndWhereChanceBegins(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for n, last := range map[int]float64{5: -1, 10: 0, 100: 0.9, 1000: 0.99, 10_000: 0.999} {
		var h load.Histogram
		for range n {
			h.Record(time.Duration(random.IntN(1e9)))
		}
		curve := curveOf(&h)
		got := -1.0
		for i, p := range curve {
			if i > 0 && p.At < curve[i-1].At {
				t.Errorf("%d requests: the curve falls at %v", n, p.Q)
			}
			got = p.Q
		}
		if got != last {
			t.Errorf("%d requests: the last point is at %v, want %v", n, got, last)
		}
	}
}

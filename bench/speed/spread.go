package main

import (
	"math"
	"slices"

	"github.com/riskd/riskd/bench/load"
)

// Spread is a figure's median over the rounds, and its range.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(values []float64) Spread {
	n := len(values)
	if n == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	return Spread{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
}

// quantiles of a latency curve.
var quantiles = []float64{0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999}

// curveOf gives the points of a latency curve that have at least ten requests
// beyond them: further out there is only chance.
func curveOf(h *load.Histogram) []Point {
	var curve []Point
	for _, q := range quantiles {
		if math.Round((1-q)*float64(h.Count())) >= 10 {
			curve = append(curve, Point{Q: q, At: micros(h, q)})
		}
	}
	return curve
}

func micros(h *load.Histogram, q float64) float64 {
	return float64(h.Quantile(q).Nanoseconds()) / 1e3
}

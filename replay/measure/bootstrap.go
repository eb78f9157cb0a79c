package measure

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Z is the quantile of the normal distribution for 95 % confidence, both sides.
const Z = 1.959963984540054

// Wilson gives the 95 % interval of a share (Wilson, 1927), which stays within 0 and 1
// and is good for small counts too; of nothing it is all from 0 to 1.
func Wilson(count, of int) (low, high float64) {
	if of == 0 {
		return 0, 1
	}
	n, p, z := float64(of), float64(count)/float64(of), Z
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	low, high = max(0, middle-half), min(1, middle+half)
	if count == 0 {
		low = 0
	}
	if count == of {
		high = 1
	}
	return low, high
}

// bootstrap draws users.
type bootstrap struct {
	users     int
	seed      uint64
	resamples int
}

// estimates runs a statistic over all users alike, and over each of the draws, where a
// user counts as often as he was drawn. The statistic fills out, with NaN for what its
// users say nothing of; an interval is over the draws that say something.
func (b *bootstrap) estimates(size, resamples int, statistic func(weights, out []float64)) []Estimate {
	weights := make([]float64, b.users)
	for i := range weights {
		weights[i] = 1
	}
	values := make([]float64, size)
	statistic(weights, values)
	resamples = min(resamples, b.resamples)
	drawn := make([][]float64, size)
	random := rand.New(rand.NewPCG(b.seed, uint64(size)))
	out := make([]float64, size)
	for range resamples {
		clear(weights)
		for range b.users {
			weights[random.IntN(b.users)]++
		}
		statistic(weights, out)
		for i, x := range out {
			if !math.IsNaN(x) {
				drawn[i] = append(drawn[i], x)
			}
		}
	}
	estimates := make([]Estimate, size)
	for i, x := range values {
		if math.IsNaN(x) {
			x = 0
		}
		e := Estimate{Value: round(x), Low: round(x), High: round(x)}
		if n := len(drawn[i]); n > 0 {
			slices.Sort(drawn[i])
			e.Low = round(min(x, drawn[i][int(0.025*float64(n))]))
			e.High = round(max(x, drawn[i][min(n-1, int(0.975*float64(n)))]))
		}
		estimates[i] = e
	}
	return estimates
}

// widen gives a share that is none or all the interval that a bootstrap can't: it
// draws the same every time.
func (b *bootstrap) widen(e Estimate, of int) Estimate {
	if b.resamples == 0 || of == 0 || e.Low != e.High {
		return e
	}
	low, high := Wilson(int(math.Round(e.Value*float64(of))), of)
	return Estimate{e.Value, round(low), round(high)}
}

// round leaves six digits: no more of a figure means anything.
func round(x float64) float64 {
	if x = math.Round(x*1e6) / 1e6; x == 0 {
		return 0 // no negative zero
	}
	return x
}

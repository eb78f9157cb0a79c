package replay

import (
	"math"

	"github.com/riskd/riskd/replay/measure"
)

// Rate is a share with its 95 % confidence interval (Wilson, 1927), which stays
// within 0 and 1 and is good for small counts too. Of is 0 where there is nothing to
// take a share of; Low and High are then 0 and 1.
type Rate struct {
	Count int     `json:"count"`
	Of    int     `json:"of"`
	Rate  float64 `json:"rate"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

func rateOf(count, of int) Rate {
	if of == 0 {
		return Rate{High: 1}
	}
	low, high := measure.Wilson(count, of)
	return Rate{count, of, round(float64(count)/float64(of), 6), round(low, 6), round(high, 6)}
}

// Difference is B's share less A's over the same things, with its 95 % confidence
// interval for pairs (Agresti and Min, 2005: half a count in each cell), and the
// probability of a difference at least that large if there were none (McNemar, exact).
type Difference struct {
	OnlyA int     `json:"only_a"`
	OnlyB int     `json:"only_b"`
	Both  int     `json:"both"`
	None  int     `json:"none"`
	Rate  float64 `json:"rate"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	P     float64 `json:"p"`
}

func differenceOf(p *paired) Difference {
	d := Difference{OnlyA: p[1][0], OnlyB: p[0][1], Both: p[1][1], None: p[0][0], P: 1}
	total := p.total()
	if total == 0 {
		d.Low, d.High = -1, 1
		return d
	}
	a, b := float64(d.OnlyA), float64(d.OnlyB)
	n := float64(total) + 2
	middle := (b - a) / n
	half := measure.Z * math.Sqrt(max(0, (a+b+1)/n-middle*middle)/n)
	d.Rate = round((b-a)/float64(total), 6)
	d.Low, d.High = round(max(-1, middle-half), 6), round(min(1, middle+half), 6)
	d.P = round(mcnemar(d.OnlyA, d.OnlyB), 6)
	return d
}

// mcnemar gives the exact two-sided probability of so uneven a split of the pairs
// that differ, if each falls to either side alike.
func mcnemar(a, b int) float64 {
	n, fewer := a+b, min(a, b)
	if n == 0 {
		return 1
	}
	var tail float64
	for k := range fewer + 1 {
		tail += math.Exp(lnChoose(n, k) - float64(n)*math.Ln2)
	}
	return min(1, 2*tail)
}

func lnChoose(n, k int) float64 {
	of := func(x int) float64 {
		v, _ := math.Lgamma(float64(x) + 1)
		return v
	}
	return of(n) - of(k) - of(n-k)
}

func round(x float64, digits int) float64 {
	shift := math.Pow10(digits)
	if x = math.Round(x*shift) / shift; x == 0 {
		return 0 // no negative zero
	}
	return x
}

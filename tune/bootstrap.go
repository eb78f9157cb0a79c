package tune

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Interval is a figure with its 95 % interval, by a bootstrap that draws users, not
// requests or attacks: one person's are alike (Efron and Tibshirani, 1993).
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// draws is how many times users are drawn.
const draws = 1000

// figure is computed of outcomes in which each user counts as often as his weight.
type figure func(o *Outcome, weights []float64) float64

// macroOf is the mean of the families' shares caught; NaN without attacks.
func macroOf(o *Outcome, weights []float64) float64 {
	type family struct{ n, caught float64 }
	families := map[string]family{}
	for i := range o.attacks {
		if o.view.attacks[i] {
			a := &o.view.log.attacks[i]
			f, w := families[a.family], weights[a.user]
			f.n += w
			if o.attacks[i].alarm.seq > 0 {
				f.caught += w
			}
			families[a.family] = f
		}
	}
	var sum, n float64
	for _, name := range sortedKeys(families) {
		if f := families[name]; f.n > 0 {
			sum += f.caught / f.n
			n++
		}
	}
	return sum / n
}

// letOf is the mean of sensitive requests let through, over all attacks.
func letOf(o *Outcome, weights []float64) float64 {
	var sum, n float64
	for i := range o.attacks {
		if o.view.attacks[i] {
			w := weights[o.view.log.attacks[i].user]
			sum += w * float64(o.attacks[i].sensitive)
			n += w
		}
	}
	return sum / n
}

func perMonth(of func(a *asked) int) figure {
	return func(o *Outcome, weights []float64) float64 {
		var sum, months float64
		for i := range o.users {
			sum += weights[i] * float64(of(&o.users[i]))
			months += weights[i] * o.view.months[i]
		}
		return sum / months
	}
}

// drawn is a bootstrap over outcomes that are about the same log's users.
type drawn struct{ random *rand.Rand }

// weights draws as many users as a view has, with repetition.
func (d *drawn) weights(v *View) []float64 {
	weights := make([]float64, len(v.users))
	var all []int
	for i, in := range v.users {
		if in {
			all = append(all, i)
		}
	}
	for range all {
		weights[all[d.random.IntN(len(all))]]++
	}
	return weights
}

func evenly(v *View) []float64 {
	weights := make([]float64, len(v.users))
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

// difference is a's figure less b's. If both are about the same users these are drawn
// together; b may be nil.
func difference(seed uint64, f figure, a, b *Outcome) Interval {
	d := drawn{rand.New(rand.NewPCG(seed, 11))}
	paired := b != nil && slices.Equal(a.view.users, b.view.users)
	of := func(wa, wb []float64) float64 {
		x := f(a, wa)
		if b != nil {
			x -= f(b, wb)
		}
		return x
	}
	even := evenly(a.view)
	out := Interval{Value: of(even, even)}
	var all []float64
	for range draws {
		wa := d.weights(a.view)
		wb := wa
		if b != nil && !paired {
			wb = d.weights(b.view)
		}
		if x := of(wa, wb); !math.IsNaN(x) && !math.IsInf(x, 0) {
			all = append(all, x)
		}
	}
	slices.Sort(all)
	out.Low, out.High = out.Value, out.Value
	if n := len(all); n > 0 {
		out.Low, out.High = all[int(0.025*float64(n))], all[min(n-1, int(0.975*float64(n)))]
	}
	return Interval{tidy(out.Value), tidy(min(out.Low, out.Value)), tidy(max(out.High, out.Value))}
}

// tidy leaves four digits, and nothing that JSON has no word for.
func tidy(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return round(x) + 0 // no negative zero
}

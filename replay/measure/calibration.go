package measure

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// sample is a session or an attack, as calibration sees it.
type sample struct {
	strength float64
	attack   bool
	weight   float64
}

// calibration fits the probability of an attack to the strengths of one half of the
// users, and checks it on the other half.
func (m *measuring) calibration() Calibration {
	var learned, checked []sample
	half := make([]bool, len(m.run.Users))
	for i := range half {
		half[i] = m.learns(i)
	}
	put := func(user int, s sample) {
		if half[user] {
			learned = append(learned, s)
		} else {
			checked = append(checked, s)
		}
	}
	for i := range m.run.Sessions {
		s := &m.run.Sessions[i]
		put(int(s.User), sample{float64(s.Strength), false, 1})
	}
	for i := range m.run.Attacks {
		a := &m.run.Attacks[i]
		put(a.User, sample{float64(a.Strength), true, 1})
	}
	c := Calibration{LearnedOn: len(learned), CheckedOn: len(checked), Fit: []Step{}}
	rate := rateOf(learned)
	fit := isotonic(learned)
	for _, step := range fit {
		c.Fit = append(c.Fit, Step{round(step.Nats), round(step.P), round(shifted(step.P, rate, Prior))})
	}
	c.AtTrace = reliabilityOf(checked, func(nats float64) float64 { return valueAt(fit, nats) })
	real := rateOf(checked)
	for i := range checked { // as if attacks were as rare as Prior
		if checked[i].weight = (1 - Prior) / (1 - real); checked[i].attack {
			checked[i].weight = Prior / real
		}
	}
	c.AtPrior = reliabilityOf(checked, func(nats float64) float64 { return shifted(valueAt(fit, nats), rate, Prior) })
	return c
}

// learns says which half a user belongs to, by his name: the same in every run over
// the same people.
func (m *measuring) learns(user int) bool {
	h := fnv.New64a()
	h.Write([]byte{byte(m.options.Seed), byte(m.options.Seed >> 8), byte(m.options.Seed >> 16), byte(m.options.Seed >> 24)})
	h.Write([]byte(m.run.Users[user].Name))
	x := h.Sum64()
	x ^= x >> 33 // the low bits of FNV are those of the last letters
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x&1 == 0
}

func rateOf(all []sample) float64 {
	var attacks float64
	for i := range all {
		attacks += one(all[i].attack)
	}
	if len(all) == 0 {
		return 0
	}
	return attacks / float64(len(all))
}

// shifted gives a probability at another base rate: the odds change as the base rates'
// odds do.
func shifted(p, from, to float64) float64 {
	switch {
	case p <= 0 || from <= 0:
		return 0
	case p >= 1 || from >= 1:
		return 1
	}
	odds := p / (1 - p) * (to / (1 - to)) / (from / (1 - from))
	return odds / (1 + odds)
}

// isotonic fits the staircase that rises with strength and has the least squared error:
// neighbours out of order are pooled (Ayer et al., 1955).
func isotonic(all []sample) []Step {
	slices.SortStableFunc(all, func(a, b sample) int { return cmp.Compare(a.strength, b.strength) })
	type pool struct{ nats, attacks, weight float64 }
	var pools []pool
	for i := range all {
		s := &all[i]
		if n := len(pools); i > 0 && all[i-1].strength == s.strength {
			pools[n-1].attacks += s.weight * one(s.attack)
			pools[n-1].weight += s.weight
		} else {
			pools = append(pools, pool{s.strength, s.weight * one(s.attack), s.weight})
		}
		if i+1 < len(all) && all[i+1].strength == s.strength {
			continue
		}
		for n := len(pools); n > 1 && pools[n-2].attacks*pools[n-1].weight >= pools[n-1].attacks*pools[n-2].weight; n-- {
			pools[n-2].attacks += pools[n-1].attacks
			pools[n-2].weight += pools[n-1].weight
			pools = pools[:n-1]
		}
	}
	steps := make([]Step, len(pools))
	for i, p := range pools {
		if steps[i] = (Step{Nats: p.nats, P: p.attacks / p.weight}); p.attacks == p.weight {
			// That no session was as strong doesn't say that none ever is: half a one is.
			steps[i].P = p.attacks / (p.attacks + 0.5)
			if i > 0 {
				steps[i].P = max(steps[i].P, steps[i-1].P)
			}
		}
	}
	return steps
}

// valueAt is the staircase's height.
func valueAt(fit []Step, nats float64) float64 {
	place, there := slices.BinarySearchFunc(fit, nats, func(s Step, nats float64) int { return cmp.Compare(s.Nats, nats) })
	switch {
	case there:
		return fit[place].P
	case place > 0:
		return fit[place-1].P
	case len(fit) > 0:
		return fit[0].P
	}
	return 0
}

// bins is how many the calibration error is taken over.
const bins = 10

func reliabilityOf(all []sample, p func(nats float64) float64) Reliability {
	var out Reliability
	var weight, attacks float64
	var in [bins]struct{ weight, predicted, attacks float64 }
	for i := range all {
		s := &all[i]
		said, was := p(s.strength), one(s.attack)
		b := &in[min(bins-1, int(said*bins))]
		b.weight += s.weight
		b.predicted += s.weight * said
		b.attacks += s.weight * was
		weight += s.weight
		attacks += s.weight * was
		out.Brier += s.weight * (said - was) * (said - was)
	}
	out.Bins = []Bin{}
	if weight == 0 {
		return out
	}
	base := attacks / weight
	for i := range in {
		b := &in[i]
		if b.weight == 0 {
			continue
		}
		bin := Bin{b.predicted / b.weight, b.attacks / b.weight, b.weight / weight}
		out.ECE += bin.Share * abs(bin.Predicted-bin.Observed)
		out.Bins = append(out.Bins, Bin{round(bin.Predicted), round(bin.Observed), round(bin.Share)})
	}
	out.BaseRate, out.ECE, out.Brier, out.Blind = round(base), round(out.ECE), round(out.Brier/weight), round(base*(1-base))
	return out
}

func abs(x float64) float64 { return max(x, -x) }

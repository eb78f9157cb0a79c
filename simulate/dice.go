package simulate

import (
	"math"
	"math/bits"
)

// dice are a source of random numbers: SplitMix64 (Steele, Lea, Flood 2014). Eight
// bytes and a seed that may be any number, so that each user, sitting and attack has
// its own and none is moved by what others draw.
type dice uint64

const golden = 0x9e3779b97f4a7c15

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// roll gives the dice of whatever the numbers name.
func roll(parts ...uint64) dice { return dice(hash(parts...)) }

func hash(parts ...uint64) uint64 {
	h := uint64(golden)
	for _, p := range parts {
		h = mix(h*golden ^ mix(p+golden))
	}
	return h
}

// What dice are rolled for: the last part of their name.
const (
	forUser = iota + 1
	forHabit
	forSchedule
	forSitting
	forThief
	forPlace
	forTrip
	forPlan
	forID
	forArrival
	forDay
)

func (d *dice) next() uint64 {
	*d += golden
	return mix(uint64(*d))
}

// float is uniform in [0, 1).
func (d *dice) float() float64 { return float64(d.next()>>11) * 0x1p-53 }

// below is uniform in [0, n).
func (d *dice) below(n int) int {
	high, _ := bits.Mul64(d.next(), uint64(n))
	return int(high)
}

// from is uniform in [low, high].
func (d *dice) from(low, high int) int { return low + d.below(high-low+1) }

func (d *dice) chance(p float64) bool { return d.float() < p }

func (d *dice) between(low, high float64) float64 { return low + (high-low)*d.float() }

// normal is the standard normal distribution, by Marsaglia's polar method.
func (d *dice) normal() float64 {
	for {
		u, v := 2*d.float()-1, 2*d.float()-1
		if s := u*u + v*v; s < 1 && s > 0 {
			return u * math.Sqrt(-2*math.Log(s)/s)
		}
	}
}

func (d *dice) lognormal(median, sigma float64) float64 { return median * math.Exp(sigma*d.normal()) }

func (d *dice) exponential(mean float64) float64 { return -mean * math.Log(1-d.float()) }

// poisson is Knuth's method; means here are small.
func (d *dice) poisson(mean float64) int {
	limit, n := math.Exp(-mean), 0
	for p := d.float(); p > limit; n++ {
		p *= d.float()
	}
	return n
}

// zipf draws 0 to n-1, the i-th with a weight of 1/(i+1); n is at most len(harmonic).
func (d *dice) zipf(n int) int {
	x := d.float() * harmonic[n-1]
	for i := range n {
		if x < harmonic[i] {
			return i
		}
	}
	return n - 1
}

// harmonic are the sums of 1/1 to 1/n.
var harmonic = func() (sums [64]float64) {
	sum := 0.0
	for i := range sums {
		sum += 1 / float64(i+1)
		sums[i] = sum
	}
	return sums
}()

// weighed draws an index by weights that need not sum to 1.
func (d *dice) weighed(weights ...float64) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	x := d.float() * total
	for i, w := range weights {
		if x -= w; x < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// Durations, in milliseconds as all times here.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// span turns seconds into milliseconds.
func span(seconds float64) int64 { return int64(seconds * 1000) }

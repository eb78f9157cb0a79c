package riskd

import (
	"math"
	"math/bits"
	"net/http"
	"time"
)

// Tenure is how long something has been part of a user's life, as far as riskd
// could see.
type Tenure struct {
	Since  uint16 // UTC day of the first sighting, counted from 1970
	Days   uint8  // on how many days it was seen that count, at most 255
	Proved bool   // its user proved himself with it, or it was there from the start
}

// What it takes until something counts as the user's own that he has never proved
// himself with. It takes long, since whatever an attacker brings along gets there
// in the same way (assumed: docs/detection.md).
const (
	SettledDays = 5  // on which it was seen
	SettledSpan = 45 // days since the first sighting
)

// Settled reports whether it counts as the user's own.
func (t *Tenure) Settled(at time.Time) bool {
	return t.Proved || t.Days >= SettledDays && dayOf(at) >= t.Since+SettledSpan
}

// see counts a sighting; last is the one before. Only one that is vouched for, by
// all else about it being the user's own, counts: two strangers don't vouch for
// each other.
func (t *Tenure) see(last int64, at time.Time, vouched, proved bool) {
	today := dayOf(at)
	if t.Since == 0 {
		t.Since = today
	}
	if vouched && t.Days < math.MaxUint8 && (t.Days == 0 || today > dayOf(time.Unix(last, 0))) {
		t.Days++
	}
	t.Proved = t.Proved || proved
}

func dayOf(at time.Time) uint16 {
	return uint16(min(max(at.Unix()/secondsPerDay, 0), math.MaxUint16-SettledSpan))
}

// Moments are the mean and the variance of what is measured again and again, over
// the last momentsMost times or so.
type Moments struct {
	N         uint16
	Mean, Var float32
}

const momentsMost = 500

// Add takes a measurement in: Welford's recurrence, with a count that stops growing.
func (m *Moments) Add(x float64) {
	m.N = min(m.N+1, momentsMost)
	off := x - float64(m.Mean)
	step := off / float64(m.N)
	m.Var += float32((off*(off-step) - float64(m.Var)) / float64(m.N))
	m.Mean += float32(step)
}

// RequestKind is what a request is about, as far as class and method say: habits
// count requests by it.
type RequestKind uint8

// The kinds of request.
const (
	KindRead           RequestKind = iota // open and standard routes, safe methods
	KindWrite                             // open and standard routes, other methods
	KindSensitiveRead                     // exports, statements
	KindSensitiveWrite                    // payments, changes of credentials
	KindAdminRead
	KindAdminWrite
	RequestKinds // how many there are
)

// KindOf gives a request's kind. A method that isn't told counts as a safe one.
func KindOf(r *Request) RequestKind {
	write := RequestKind(1)
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		write = 0
	}
	switch r.Class {
	case ClassSensitive:
		return KindSensitiveRead + write
	case ClassAdmin:
		return KindAdminRead + write
	default:
		return KindRead + write
	}
}

// Sketch remembers which names a user is known for: a Bloom filter of two hashes,
// which takes some 4 % of the others for known at 60 names. A name is known when it
// was seen on two days, or proved.
type Sketch struct {
	Known [8]uint64
	Once  [4]uint64 // seen on one day before Day
	Today [4]uint64 // seen on Day
	Day   uint16    // UTC, counted from 1970
}

// Knows reports whether a name is known.
func (s *Sketch) Knows(name string) bool { return has(s.Known[:], hash64(name)) }

// Empty reports whether nothing is known at all.
func (s *Sketch) Empty() bool { return s.Known == [8]uint64{} }

// See counts a sighting of a name.
func (s *Sketch) See(name string, at time.Time, proved bool) {
	h := hash64(name)
	if today := dayOf(at); today > s.Day {
		for i := range s.Once {
			s.Once[i] |= s.Today[i]
		}
		if full(s.Once[:]) {
			s.Once = s.Today
		}
		s.Today, s.Day = [4]uint64{}, today
	}
	switch {
	case has(s.Known[:], h):
		return
	case !proved && !has(s.Once[:], h):
		put(s.Today[:], h)
		return
	case full(s.Known[:]): // it would soon know everything: what is in use comes back
		s.Known = [8]uint64{}
	}
	put(s.Known[:], h)
}

func has(words []uint64, h uint64) bool {
	a, b := places(len(words), h)
	return words[a/64]&(1<<(a%64)) != 0 && words[b/64]&(1<<(b%64)) != 0
}

func put(words []uint64, h uint64) {
	a, b := places(len(words), h)
	words[a/64] |= 1 << (a % 64)
	words[b/64] |= 1 << (b % 64)
}

// places are the two bits of a hash; the words are a power of two.
func places(words int, h uint64) (a, b uint64) {
	h = spread(h)
	last := uint64(words)*64 - 1
	return h & last, h >> 32 & last
}

// full reports whether half of the bits are set.
func full(words []uint64) bool {
	n := 0
	for _, w := range words {
		n += bits.OnesCount64(w)
	}
	return n > len(words)*32
}

// LogSeconds is the natural logarithm of a pause in seconds, as Profile.Pace
// measures it; what is shorter than a millisecond counts as one.
func LogSeconds(d time.Duration) float64 { return math.Log(max(d, time.Millisecond).Seconds()) }

// LogBytes is the natural logarithm of 1 + the bytes of an answer, as
// Profile.Volume measures it.
func LogBytes(n int64) float64 { return math.Log1p(float64(max(n, 0))) }

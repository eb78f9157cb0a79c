package scoring

import (
	"hash/fnv"
	"math"

	"github.com/riskd/riskd"
)

// sampled reports whether a session belongs to the share that is looked at. The
// same sessions do for as long as the seed is the same; ids are keyed hashes, so
// that nobody chooses to be in or out.
func sampled(id riskd.SessionID, seed uint64, rate float64) bool {
	return rate >= 1 || float64(spread(id, seed)) < rate*math.MaxUint64
}

func seedOf(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// spread hashes a session's id: FNV-1a, and then the finaliser of splitmix64
// (Steele, Lea, Flood 2014), as FNV's high bits alone say little about short keys.
func spread(id riskd.SessionID, seed uint64) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := seed ^ offset
	for _, b := range id {
		h = (h ^ uint64(b)) * prime
	}
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

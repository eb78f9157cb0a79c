package load

import (
	"math/bits"
	"time"
)

// subBits sets the histogram's resolution: 128 buckets to each doubling, so
// that a bucket is less than 0.8 % wide. The scheme is that of HdrHistogram:
// linear buckets inside each power of two.
const (
	subBits = 7
	octaves = 30 // beyond the linear part, up to 2^38 ns = 4.6 minutes
	buckets = (octaves + 2) << subBits
)

// Histogram counts durations in logarithmic buckets of constant relative width.
// The zero Histogram is empty. It isn't safe for concurrent use.
type Histogram struct {
	counts [buckets]uint64
	n      uint64
	max    time.Duration
}

// Record counts one duration; a negative one counts as zero, one beyond the
// last bucket in the last.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d))]++
	h.n++
	h.max = max(h.max, d)
}

func bucketOf(v uint64) int {
	shift := max(bits.Len64(v)-subBits-1, 0)
	return min(shift<<subBits+int(v>>shift), buckets-1)
}

// upperBound is the largest value that falls into a bucket.
func upperBound(bucket int) time.Duration {
	if bucket < 2<<subBits {
		return time.Duration(bucket)
	}
	shift := bucket>>subBits - 1
	mantissa := bucket - shift<<subBits
	return time.Duration((mantissa+1)<<shift - 1)
}

// Add counts all that another histogram has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
	h.max = max(h.max, other.max)
}

// Count is how many durations were recorded.
func (h *Histogram) Count() uint64 { return h.n }

// Max is the longest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Quantile is the duration that the share q (0 to 1) of all doesn't exceed, at
// most one bucket too long; 0 for an empty histogram.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := min(max(uint64(q*float64(h.n)+0.9999999), 1), h.n)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return min(upperBound(i), h.max)
		}
	}
	return h.max
}

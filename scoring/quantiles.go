package scoring

import (
	"math/bits"
	"time"
)

// durations counts times in classes a quarter of a power of two wide, so that a
// quantile is off by at most a fifth.
type durations struct {
	counts [4 * 40]uint64
	total  uint64
	most   time.Duration
}

// classOf gives the class of a time: its power of two, and the two bits below.
func classOf(d time.Duration) int {
	n := uint64(max(d, 4))
	power := bits.Len64(n) - 1
	return min(4*power+int(n>>(power-2)&3), 4*40-1)
}

// upTo is the longest time of a class.
func upTo(class int) time.Duration {
	power, quarter := class/4, class%4
	return time.Duration(uint64(5+quarter)<<(power-2) - 1)
}

func (d *durations) add(took time.Duration) {
	d.counts[classOf(took)]++
	d.total++
	d.most = max(d.most, took)
}

// quantile gives a time that the share q of all don't exceed; 0 without any.
func (d *durations) quantile(q float64) time.Duration {
	rank := uint64(q * float64(d.total))
	var below uint64
	for class, n := range d.counts {
		if below += n; n > 0 && below > rank {
			return min(upTo(class), d.most)
		}
	}
	return d.most
}

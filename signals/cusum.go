package signals

import (
	"math"
	"time"
)

// sumHalfLife is the half-life of what a signal adds up within a session. It is
// that of the behaviour channel in the default pack: what a session gives back is
// then about what is left there of its own.
const sumHalfLife = 8 * time.Minute

// left is what is left by now of a sum of evidence as of the session's last event:
// it fades, and a proof since then has cleared it.
func (in *Input) left(sum float64) float64 {
	if in.First || in.Session.ProvedAt.After(in.Session.SeenAt) {
		return 0
	}
	return sum * math.Exp2(-max(in.Gap, 0).Seconds()/sumHalfLife.Seconds())
}

// cusum adds to a sum that is never negative and at most so much (Page 1954, with
// a bound), and gives what that has changed. So evidence of many requests adds up,
// and what speaks for the session takes back what this very signal has said and
// nothing that others have: a handful of ordinary pages would else wash an export
// away.
func cusum(sum, x, most float64) (next, news float64) {
	next = min(max(sum+x, 0), max(most, sum))
	return next, next - sum
}

func clip(x, least, most float64) float64 { return min(max(x, least), most) }

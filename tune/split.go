package tune

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Split parts a log by users and time. Three fifths of the users are for training,
// from From to Cut, the others are held out, from Cut to the end; what comes before
// From only teaches habits.
type Split struct {
	From, Cut   time.Time
	Train, Test *View
}

// trainUsers is the share of users for training, and testTime that of the whole time
// that is held out [assumed].
const (
	trainUsers = 0.6
	testTime   = 1.0 / 3
)

// DefaultFrom is what part of a trace only teaches habits, unless somebody says else:
// people who are new are asked for other reasons than those who are known.
const DefaultFrom = 0.25

// Split parts the log; a seed parts the users, whatever log they are in.
func (l *Log) Split(seed uint64, from time.Time) Split {
	first, last := l.Span()
	s := Split{From: from, Cut: last.Add(-time.Duration(testTime * float64(last.Sub(first))))}
	end := last.Add(time.Nanosecond)
	learns := func(i int) bool { return float64(mixed(l.users[i].hash^seed))/math.MaxUint64 < trainUsers }
	s.Train = l.View(learns, s.From, s.Cut)
	s.Test = l.View(func(i int) bool { return !learns(i) }, s.Cut, end)
	return s
}

// mixed spreads the bits of a number (the finalizer of SplitMix64; Steele, Lea and
// Flood, 2014).
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// What a search needs at least [assumed]: fewer false step-ups than that, and one
// person's bad day sets the threshold; fewer attacks, and one attack is a tenth.
const (
	leastAlarms  = 5
	leastAttacks = 10
)

// ErrNoAttacks says that none of the labelled attacks is in the trace, or none was
// labelled.
var ErrNoAttacks = errors.New("no attack is labelled in the trace")

// Enough reports what is missing for a search: users and days for the budget, and
// attacks, unless thresholds alone are asked for.
func (s *Split) Enough(budget float64, thresholdsOnly bool) error {
	if s.Train.log.Attacks() == 0 && !thresholdsOnly {
		return ErrNoAttacks
	}
	for _, part := range []struct {
		name string
		view *View
	}{{"for training", s.Train}, {"held out", s.Test}} {
		months := part.view.UserMonths()
		if allowed := budget * months; allowed < leastAlarms && part.view == s.Train {
			return fmt.Errorf("the part %s has %d users and %.1f user-months, in which a budget of %g allows %.1f false step-ups; it takes %d, which are %.0f user-months: more users or days, or a larger budget",
				part.name, part.view.Users(), months, budget, allowed, leastAlarms, math.Ceil(leastAlarms/budget))
		}
		if n := part.view.Attacks(); n < leastAttacks && !thresholdsOnly {
			return fmt.Errorf("the part %s has %d attacks; it takes %d: %s", part.name, n, leastAttacks, s.where())
		}
	}
	return nil
}

func (s *Split) where() string {
	const day = "2006-01-02 15:04"
	return fmt.Sprintf("attacks count on three fifths of the users from %s to %s, and on the others after that", s.From.Format(day), s.Cut.Format(day))
}

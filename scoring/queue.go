package scoring

import (
	"time"

	"github.com/riskd/riskd"
)

// rank is what an event's class is worth when there isn't room for all.
type rank uint8

const (
	rankOpen rank = iota
	rankStandard
	rankSensitive // and admin
	ranks
)

func rankOf(c riskd.Class) rank {
	switch c {
	case riskd.ClassOpen:
		return rankOpen
	case riskd.ClassStandard:
		return rankStandard
	}
	return rankSensitive
}

// shareOf is the part of a limit that a rank may fill, in quarters: the rest is
// kept for those above. All count for it, so that a rank has only what those above
// leave it.
var shareOf = [ranks]int{2, 3, 4}

// waiter is an event that waits for room.
type waiter struct {
	rank         rank
	older, newer *waiter
	queued       bool
	answer       chan bool // holds one: whether there is room
	timer        *time.Timer
}

func newWaiter() any {
	w := &waiter{answer: make(chan bool, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// queue holds those that wait, by rank. The newest goes first: under a load that
// lasts, the oldest would be answered when nobody waits for them any more.
type queue struct {
	length         int
	oldest, newest [ranks]*waiter
}

func (q *queue) push(w *waiter) {
	w.older, w.newer, w.queued = q.newest[w.rank], nil, true
	if w.older != nil {
		w.older.newer = w
	} else {
		q.oldest[w.rank] = w
	}
	q.newest[w.rank] = w
	q.length++
}

func (q *queue) remove(w *waiter) {
	if w.older != nil {
		w.older.newer = w.newer
	} else {
		q.oldest[w.rank] = w.newer
	}
	if w.newer != nil {
		w.newer.older = w.older
	} else {
		q.newest[w.rank] = w.older
	}
	w.older, w.newer, w.queued = nil, nil, false
	q.length--
}

// last is who gives way to a new one: the oldest of the lowest rank.
func (q *queue) last() *waiter {
	for _, w := range q.oldest {
		if w != nil {
			return w
		}
	}
	return nil
}

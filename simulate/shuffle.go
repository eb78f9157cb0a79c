package simulate

import "container/heap"

// shuffle is the variant late: lines come in the order of their arrival, with the
// time at which they happened. It holds what is still under way, a minute's lines.
type shuffle struct {
	dice   dice
	lines  arrivals
	number uint64
}

// (detection.md §4.3)
const (
	lateShare   = 0.10
	doubleShare = 0.01
	lateLeast   = 1.0 // seconds
	lateMost    = 60.0
)

func newShuffle(w *world) *shuffle { return &shuffle{dice: roll(w.Seed, forArrival)} }

// put takes an event and appends the lines that arrive before anything later can.
func (s *shuffle) put(b []byte, w *writer, e *event) []byte {
	for len(s.lines) > 0 && s.lines[0].at < e.at {
		b = append(b, heap.Pop(&s.lines).(arrival).line...)
	}
	at := e.at
	if s.dice.chance(lateShare) {
		at += s.delay()
	}
	line := w.line(nil, e)
	s.push(at, line)
	if s.dice.chance(doubleShare) {
		s.push(at+s.delay(), line)
	}
	return b
}

func (s *shuffle) delay() int64 { return span(s.dice.between(lateLeast, lateMost)) }

func (s *shuffle) push(at int64, line []byte) {
	heap.Push(&s.lines, arrival{at, s.number, line})
	s.number++
}

func (s *shuffle) rest(b []byte) []byte {
	for len(s.lines) > 0 {
		b = append(b, heap.Pop(&s.lines).(arrival).line...)
	}
	return b
}

type arrival struct {
	at     int64
	number uint64
	line   []byte
}

type arrivals []arrival

func (a arrivals) Len() int { return len(a) }
func (a arrivals) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].number < a[j].number
}
func (a arrivals) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)   { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}

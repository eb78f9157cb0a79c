// Package leases tells gateways what ends their leases, and keeps account of who
// has applied it.
//
// A [Stream] takes notices from the store of sessions, in the order of their
// numbers, keeps the latest for those who come back, and wakes up whoever follows.
// It gives no leases, ends none itself, and knows of no wire.
package leases

import (
	"errors"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// What a Stream keeps when its Options don't say.
const (
	DefaultKeep      = 4096
	DefaultFollowers = 1024
	DefaultGateways  = 1024
	DefaultForget    = time.Hour
)

// Options are the bounds of a Stream; zero means the default.
type Options struct {
	// Instance tells this process's numbers from those of any other: they begin
	// anew with it. Required.
	Instance string
	// Number is of the last notice before the first that is told.
	Number uint64
	// InForce gives the orders in force, oldest first, for those who begin to follow;
	// what it gives isn't changed any more. Required.
	InForce func() []riskd.Notice
	// Keep is how many notices are kept for those who come back.
	Keep int
	// Followers is how many may follow at once.
	Followers int
	// Gateways is how many are known by name; Forget is how long one is known that
	// neither follows nor says anything.
	Gateways int
	Forget   time.Duration
	// Lag is told how long after a notice a gateway said that it had applied it, once
	// for each time that one says so. Optional.
	Lag func(time.Duration)
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Stream is the notices of one process. It is safe for concurrent use.
type Stream struct {
	o     Options
	ended chan struct{}

	starting sync.Mutex
	start    snapshot // guarded by starting

	mu     sync.Mutex
	ring   []told // the one with the lowest number at begin
	begin  int
	newest uint64
	floor  uint64        // notices up to this aren't kept
	more   chan struct{} // closed with the next notice
	closed bool

	gateways  map[string]*gateway
	followers int
	cut       uint64
}

// told is a notice and when it was told.
type told struct {
	riskd.Notice
	at time.Time
}

// snapshot is what those who begin to follow are given: the orders that were in
// force at a number. It serves until what follows it isn't kept any more.
type snapshot struct {
	notices []riskd.Notice
	number  uint64
	made    bool
}

// Why nobody may follow.
var (
	ErrEnded = errors.New("riskd is about to end")
	ErrFull  = errors.New("as many follow as may")
)

// New makes a stream without followers.
func New(o Options) (*Stream, error) {
	switch {
	case o.Instance == "":
		return nil, errors.New("leases.Options.Instance: is required")
	case o.InForce == nil:
		return nil, errors.New("leases.Options.InForce: is required")
	case o.Keep < 0 || o.Followers < 0 || o.Gateways < 0 || o.Forget < 0:
		return nil, errors.New("leases.Options: Keep, Followers, Gateways and Forget must not be negative; 0 is the default")
	}
	for _, d := range []struct {
		n     *int
		usual int
	}{{&o.Keep, DefaultKeep}, {&o.Followers, DefaultFollowers}, {&o.Gateways, DefaultGateways}} {
		if *d.n == 0 {
			*d.n = d.usual
		}
	}
	if o.Forget == 0 {
		o.Forget = DefaultForget
	}
	if o.Lag == nil {
		o.Lag = func(time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Stream{
		o: o, ended: make(chan struct{}), newest: o.Number, floor: o.Number,
		more: make(chan struct{}), gateways: map[string]*gateway{},
	}, nil
}

// Tell passes a notice on. Notices come in the order of their numbers.
func (s *Stream) Tell(n riskd.Notice) {
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ring) < s.o.Keep {
		s.ring = append(s.ring, told{n, now})
	} else {
		s.floor = s.ring[s.begin].Number
		s.ring[s.begin] = told{n, now}
		s.begin = (s.begin + 1) % len(s.ring)
	}
	s.newest = n.Number
	close(s.more)
	s.more = make(chan struct{})
}

// at gives the notice at a place of the ring, the oldest first. The caller holds mu.
func (s *Stream) at(i int) *told { return &s.ring[(s.begin+i)%len(s.ring)] }

// after gives the place of the first notice after a number. The caller holds mu.
func (s *Stream) after(number uint64) int {
	low, high := 0, len(s.ring)
	for low < high {
		if mid := (low + high) / 2; s.at(mid).Number > number {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}

// atOnce is how many notices Since gives at most.
const atOnce = 256

// Since gives the notices after a number, in their order, the first few of them if
// there are many. Where there is none, more is closed as soon as there is. ok is
// false if some aren't kept any more, or the number isn't one of this stream.
func (s *Stream) Since(number uint64) (notices []riskd.Notice, more <-chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number < s.floor || number > s.newest {
		return nil, nil, false
	}
	from := s.after(number)
	for i := from; i < min(from+atOnce, len(s.ring)); i++ {
		notices = append(notices, s.at(i).Notice)
	}
	return notices, s.more, true
}

// Begin gives the orders in force, oldest first, for those who can't go on from a
// number, and the number from which they go on afterwards. What has happened since
// may be among them already.
func (s *Stream) Begin() (inForce []riskd.Notice, number uint64) {
	s.starting.Lock() // one asks the store, the others wait for what he gets
	defer s.starting.Unlock()
	s.mu.Lock()
	newest, floor := s.newest, s.floor
	s.mu.Unlock()
	if !s.start.made || s.start.number < floor || newest-s.start.number > uint64(s.o.Keep)/2 {
		s.start = snapshot{s.o.InForce(), newest, true}
	}
	return s.start.notices, s.start.number
}

// End has all who follow leave, and lets nobody in any more.
func (s *Stream) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.ended)
	}
}

// Ended is closed when all have to leave.
func (s *Stream) Ended() <-chan struct{} { return s.ended }

// Instance names the process that the numbers belong to.
func (s *Stream) Instance() string { return s.o.Instance }

package leases

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// gateway is what is known of one that follows.
type gateway struct {
	follows int // streams
	heardAt time.Time
	acks    []ack // the latest, the oldest first; numbers go up
}

// ack is that all up to a number was applied.
type ack struct {
	number uint64
	at     time.Time
}

// keptAcks is how many a gateway has, so that for the notices of the last while
// it can be told when each was applied.
const keptAcks = 64

// Why an acknowledgement counts for nothing.
var (
	ErrOtherInstance = errors.New("that number was given by another process than this riskd")
	ErrAhead         = errors.New("no notice has that number yet")
)

// Join lets somebody follow; a gateway may have no name. Whoever leaves says
// whether he was cut off, because he was too slow. It fails with [ErrEnded] or
// [ErrFull].
func (s *Stream) Join(name string) (leave func(cut bool), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrEnded
	case s.followers >= s.o.Followers:
		return nil, ErrFull
	}
	s.followers++
	g := s.known(name)
	g.follows++
	return func(cut bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.followers--
		g.follows--
		g.heardAt = s.o.Now()
		if cut {
			s.cut++
		}
	}, nil
}

// known gives what is known of a gateway. Where there are too many, the one heard
// of longest ago that doesn't follow is forgotten. The caller holds mu.
func (s *Stream) known(name string) *gateway {
	now := s.o.Now()
	g := s.gateways[name]
	if g == nil {
		g = &gateway{}
		if name == "" { // nobody can ask about it
			return g
		}
		s.forget(now)
		s.makeRoom()
		s.gateways[name] = g
	}
	g.heardAt = now
	return g
}

// forget lets go of gateways that weren't heard of for long. The caller holds mu.
func (s *Stream) forget(now time.Time) {
	maps.DeleteFunc(s.gateways, func(_ string, g *gateway) bool {
		return g.follows == 0 && now.Sub(g.heardAt) > s.o.Forget
	})
}

// makeRoom lets go of the gateway heard of longest ago if there are as many as may
// be, but of none that follows: there may be as many more as may follow. The caller
// holds mu.
func (s *Stream) makeRoom() {
	if len(s.gateways) < s.o.Gateways {
		return
	}
	oldest := ""
	for name, g := range s.gateways {
		if g.follows == 0 && (oldest == "" || g.heardAt.Before(s.gateways[oldest].heardAt)) {
			oldest = name
		}
	}
	delete(s.gateways, oldest)
}

// Ack takes note that a gateway has applied all notices up to a number, and gives
// the newest one's. It fails with [ErrOtherInstance] or [ErrAhead].
func (s *Stream) Ack(name, instance string, number uint64) (newest uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case instance != "" && instance != s.o.Instance:
		return s.newest, ErrOtherInstance
	case number > s.newest:
		return s.newest, ErrAhead
	}
	g := s.known(name)
	before := ack{}
	if n := len(g.acks); n > 0 {
		before = g.acks[n-1]
	}
	if number <= before.number && len(g.acks) > 0 {
		return s.newest, nil
	}
	if i := s.after(before.number); len(g.acks) > 0 && i < len(s.ring) && s.at(i).Number <= number {
		s.o.Lag(g.heardAt.Sub(s.at(i).at))
	}
	if len(g.acks) == keptAcks {
		g.acks = slices.Delete(g.acks, 0, 1)
	}
	g.acks = append(g.acks, ack{number, g.heardAt})
	return s.newest, nil
}

// Applied says of every gateway that is known whether it has applied the notice of
// a number, sorted by name.
func (s *Stream) Applied(number uint64) []riskd.Applied {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(s.o.Now())
	var born time.Time
	if i := s.after(number - 1); i < len(s.ring) && s.at(i).Number == number {
		born = s.at(i).at
	}
	var all []riskd.Applied
	for name, g := range s.gateways {
		a := riskd.Applied{Gateway: name, Following: g.follows > 0}
		if n := len(g.acks); n > 0 {
			a.Number, a.At = g.acks[n-1].number, g.acks[n-1].at
			a.Done = a.Number >= number
		}
		if i := slices.IndexFunc(g.acks, func(k ack) bool { return k.number >= number }); i > 0 || i == 0 && len(g.acks) < keptAcks {
			a.Since = g.acks[i].at
			if !born.IsZero() {
				a.Lag = a.Since.Sub(born)
			}
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b riskd.Applied) int { return cmp.Compare(a.Gateway, b.Gateway) })
	return all
}

// Stats are a stream's counters.
type Stats struct {
	Followers int
	Gateways  int    // known by name
	Cut       uint64 // followers that were too slow, since the start
	Newest    uint64 // number
}

// Stats counts.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{s.followers, len(s.gateways), s.cut, s.newest}
}

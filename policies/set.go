package policies

import (
	"sync"
	"sync/atomic"
)

// Set holds the pack in force, and the one before to fall back on. Readers pin the
// one in force once per decision and never wait.
type Set struct {
	current atomic.Pointer[Pack]

	mu     sync.Mutex // who changes what is in force
	before *Pack      // nil if there is none that is known to be good
	failed bool       // the one in force has failed
}

// NewSet starts with a pack.
func NewSet(p *Pack) *Set {
	s := &Set{}
	s.Swap(p)
	return s
}

// Current is the pack in force.
func (s *Set) Current() *Pack { return s.current.Load() }

// Swap puts another pack in force, and keeps the one before to fall back on,
// unless that has failed. Questions under way are answered by the old one.
func (s *Set) Swap(p *Pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.current.Load(); old != nil && !s.failed && old.info.Revision != p.info.Revision {
		s.before = old
	}
	s.failed = false
	s.current.Store(p)
}

// Back takes down that a pack has failed, and puts the one before in force again
// if it is still the failed one that is. It gives what is in force instead, nil if
// there is nothing that hasn't failed too; then all stays as it is.
func (s *Set) Back(from *Pack) *Pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.Load() != from {
		return nil
	}
	s.failed = true
	back := s.before
	if back != nil {
		s.before, s.failed = nil, false
		s.current.Store(back)
	}
	return back
}

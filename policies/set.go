package policies

import "sync/atomic"

// Set holds the pack in force. Readers pin it once per decision and never wait.
type Set struct{ current atomic.Pointer[Pack] }

// NewSet starts with a pack.
func NewSet(p *Pack) *Set {
	s := &Set{}
	s.Swap(p)
	return s
}

// Current is the pack in force.
func (s *Set) Current() *Pack { return s.current.Load() }

// Swap puts another pack in force. Questions under way are answered by the old one.
func (s *Set) Swap(p *Pack) { s.current.Store(p) }

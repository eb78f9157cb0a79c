package policies

import (
	"slices"
	"sync"
	"sync/atomic"
)

// KeptPacks is how many packs a Set keeps, the one in force among them.
const KeptPacks = 4

// Set holds the pack in force, and the last ones before it: to fall back on, and to
// explain the decisions that they have taken. Readers pin the current one once per decision
// and never wait.
type Set struct {
	current atomic.Pointer[Pack]

	mu   sync.Mutex
	kept []*Pack // the one swapped in last first; one of each revision
	// before is what to fall back on, nil if there is none that is known to be good;
	// failed says that the one in force has failed.
	before *Pack
	failed bool
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
	same := func(k *Pack) bool { return k.info.Name == p.info.Name && k.info.Revision == p.info.Revision }
	s.kept = slices.Insert(slices.DeleteFunc(s.kept, same), 0, p)
	if len(s.kept) > KeptPacks {
		s.kept[KeptPacks] = nil
		s.kept = s.kept[:KeptPacks]
	}
}

// Kept finds the pack of a revision that is in force or was not long ago, nil if it
// isn't kept any more.
func (s *Set) Kept(name, revision string) *Pack {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.kept {
		if p.info.Name == name && p.info.Revision == revision {
			return p
		}
	}
	return nil
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

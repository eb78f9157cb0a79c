package policies

import (
	"slices"
	"sync"
	"sync/atomic"
)

// KeptPacks is how many packs a Set keeps, the one in force among them.
const KeptPacks = 4

// Set holds the pack in force, and the last ones before it, by which decisions that
// they have taken can be explained. Readers pin the current one once per decision
// and never wait.
type Set struct {
	current atomic.Pointer[Pack]

	mu   sync.Mutex
	kept []*Pack // the one swapped in last first; one of each revision
}

// NewSet starts with a pack.
func NewSet(p *Pack) *Set {
	s := &Set{}
	s.Swap(p)
	return s
}

// Current is the pack in force.
func (s *Set) Current() *Pack { return s.current.Load() }

// Swap puts another pack in force. Questions under way are answered by the old one.
func (s *Set) Swap(p *Pack) {
	s.mu.Lock()
	defer s.mu.Unlock()
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

package geo

import (
	"net/netip"
	"slices"

	"github.com/riskd/riskd"
)

// ranges answers from all lists together. Networks are nested or apart, never
// half over each other: so the innermost one around an address is the last one
// that begins at or before it, or one of those around that one.
type ranges struct {
	sorted  []span
	systems map[uint32]riskd.NetworkKind
}

type span struct {
	network netip.Prefix
	kind    riskd.NetworkKind // the highest of this network and those around it
	around  int32             // index of the next network around this one, -1 for none
}

func newRanges() *ranges { return &ranges{systems: map[uint32]riskd.NetworkKind{}} }

func (r *ranges) add(n *networks, kind riskd.NetworkKind) {
	for _, p := range n.prefixes {
		r.sorted = append(r.sorted, span{network: p, kind: kind})
	}
	for _, asn := range n.systems {
		r.systems[asn] = max(r.systems[asn], kind)
	}
}

// finish makes the ranges ready to be asked.
func (r *ranges) finish() {
	slices.SortFunc(r.sorted, func(a, b span) int {
		if d := a.network.Addr().Compare(b.network.Addr()); d != 0 {
			return d
		}
		if d := a.network.Bits() - b.network.Bits(); d != 0 {
			return d
		}
		return int(b.kind) - int(a.kind) // the first of the same stays
	})
	r.sorted = slices.CompactFunc(r.sorted, func(a, b span) bool { return a.network == b.network })
	around := int32(-1)
	for i := range r.sorted {
		s := &r.sorted[i]
		around = r.reach(around, s.network.Addr())
		if s.around = around; around >= 0 {
			s.kind = max(s.kind, r.sorted[around].kind)
		}
		around = int32(i)
	}
}

// reach gives the innermost network around an address, starting at one and going
// outwards.
func (r *ranges) reach(i int32, a netip.Addr) int32 {
	for i >= 0 && !r.sorted[i].network.Contains(a) {
		i = r.sorted[i].around
	}
	return i
}

// kind gives the highest kind that the lists give an address or its autonomous
// system.
func (r *ranges) kind(a netip.Addr, asn uint32) riskd.NetworkKind {
	kind := r.systems[asn]
	i, _ := slices.BinarySearchFunc(r.sorted, a, func(s span, a netip.Addr) int {
		if s.network.Addr().Compare(a) <= 0 {
			return -1
		}
		return 1
	})
	if i := r.reach(int32(i)-1, a); i >= 0 {
		kind = max(kind, r.sorted[i].kind)
	}
	return kind
}

package freeman

import "strings"

// table counts the values of one level among all logins.
type table struct {
	indices map[string]uint32
	names   []string
	counts  []uint32
	free    []uint32 // indices whose values are no longer there
	// pairs counts the values together with those of the feature's first level; nil in
	// the table of a first level.
	pairs map[uint64]uint32
	// below is how many values of this level go together with each value of the first.
	below []uint32
}

func newTable(first bool) table {
	t := table{indices: map[string]uint32{}}
	if !first {
		t.pairs = map[uint64]uint32{}
	}
	return t
}

// index gives a value its index.
func (t *table) index(value string) uint32 {
	i, ok := t.indices[value]
	if ok {
		return i
	}
	value = strings.Clone(value) // not the whole line that it was cut from
	if len(t.free) > 0 {
		i = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		t.names[i] = value
	} else {
		i = uint32(len(t.names))
		t.names, t.counts = append(t.names, value), append(t.counts, 0)
	}
	t.indices[value] = i
	return i
}

// known gives the index of a value that a login has shown.
func (t *table) known(value string) (uint32, bool) {
	i, ok := t.indices[value]
	return i, ok && t.counts[i] > 0
}

// of is how many logins have shown a value.
func (t *table) of(value string) int {
	if i, ok := t.indices[value]; ok {
		return int(t.counts[i])
	}
	return 0
}

// distinct is how many values there are.
func (t *table) distinct() int { return len(t.indices) }

// count counts a value that came with one of the feature's first level.
func (t *table) count(first, value uint32, by int) {
	t.counts[value] += uint32(by) // two's complement: adding -1 subtracts
	if t.pairs == nil {
		return
	}
	for int(first) >= len(t.below) {
		t.below = append(t.below, 0)
	}
	pair := uint64(first)<<32 | uint64(value)
	switch before := t.pairs[pair]; {
	case by > 0:
		if t.pairs[pair]++; before == 0 {
			t.below[first]++
		}
	case before == 1:
		delete(t.pairs, pair)
		t.below[first]--
	default:
		t.pairs[pair]--
	}
}

// release forgets a value that no login has any more.
func (t *table) release(value uint32) {
	if t.counts[value] > 0 {
		return
	}
	delete(t.indices, t.names[value])
	t.names[value] = ""
	t.free = append(t.free, value)
}

// under is how many values go together with one of the first level.
func (t *table) under(first uint32) int {
	if int(first) >= len(t.below) {
		return 0
	}
	return int(t.below[first])
}

package replay

// groups are disjoint sets of nodes (union–find with path halving, by index: Tarjan
// and van Leeuwen, 1984). The earlier node is the head of a set, so that heads don't
// depend on anything but the order of the trace.
type groups struct{ parent []uint32 }

func (g *groups) add() uint32 {
	node := uint32(len(g.parent))
	g.parent = append(g.parent, node)
	return node
}

func (g *groups) head(node uint32) uint32 {
	for g.parent[node] != node {
		g.parent[node] = g.parent[g.parent[node]]
		node = g.parent[node]
	}
	return node
}

func (g *groups) join(a, b uint32) {
	a, b = g.head(a), g.head(b)
	if a < b {
		g.parent[b] = a
	} else {
		g.parent[a] = b
	}
}

// batchLines are so many that making a batch's engines costs little next to them, so
// few that workers end together and hold little.
const batchLines = 2048

// batches gives the numbers of the lines, group by group in the order of their first
// lines, cut into batches.
func (x *index) batches() [][]uint32 {
	group := make(map[uint32]uint32) // of a head
	of := make([]uint32, len(x.lines))
	var sizes []uint32
	for i := range x.lines {
		head := x.groups.head(x.lines[i].node)
		g, ok := group[head]
		if !ok {
			g = uint32(len(sizes))
			group[head] = g
			sizes = append(sizes, 0)
		}
		of[i] = g
		sizes[g]++
	}
	starts := make([]uint32, len(sizes)+1)
	for g, size := range sizes {
		starts[g+1] = starts[g] + size
	}
	sorted := make([]uint32, len(x.lines))
	next := append([]uint32(nil), starts...)
	for i, g := range of {
		sorted[next[g]] = uint32(i)
		next[g]++
	}
	var batches [][]uint32
	first := uint32(0)
	for g := range sizes {
		if int(starts[g+1]-first) > x.options.BatchLines && starts[g] > first {
			batches = append(batches, sorted[first:starts[g]])
			first = starts[g]
		}
	}
	if int(first) < len(sorted) {
		batches = append(batches, sorted[first:])
	}
	return batches
}

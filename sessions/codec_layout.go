package sessions

import "github.com/riskd/riskd"

// layouts tell which signal a session's cells belonged to when it was written.
// Signals come and go, and then their cells have other places.
type layouts struct {
	current uint64 // the number of the layout that is written
	cells   int    // how many it has
	// places are the places that the cells of a layout have now, -1 if their signal
	// is gone.
	places map[uint64][]int
}

// know makes the cells of a layout readable.
func (l *layouts) know(layout uint64, names, now []string) {
	at := map[string]int{}
	for place, name := range now {
		at[name] = place
	}
	places := make([]int, len(names))
	for i, name := range names {
		place, ok := at[name]
		if !ok {
			place = -1
		}
		places[i] = place
	}
	if l.places == nil {
		l.places = map[uint64][]int{}
	}
	l.places[layout] = places
}

// cells are written with their places, and only those that aren't zero.
func (c *codec) cells(cells *[]riskd.Cell) {
	if !c.reading {
		c.writeCells(*cells)
		return
	}
	*cells = nil
	n := c.count(0, 5)
	if n == 0 {
		return
	}
	places, ok := c.layouts.places[c.uvarint(0)]
	if !ok {
		c.fail(errDamaged)
		return
	}
	*cells = make([]riskd.Cell, c.layouts.cells)
	for range n {
		var cell riskd.Cell
		i := c.uvarint(0)
		for j := range cell {
			c.float(&cell[j])
		}
		if i >= uint64(len(places)) {
			c.fail(errDamaged)
			return
		}
		if place := places[i]; place >= 0 {
			(*cells)[place] = cell
		}
	}
}

func (c *codec) writeCells(cells []riskd.Cell) {
	cells = cells[:min(len(cells), c.layouts.cells)]
	n := 0
	for i := range cells {
		if cells[i] != (riskd.Cell{}) {
			n++
		}
	}
	if c.count(n, 5); n == 0 {
		return
	}
	c.uvarint(c.layouts.current)
	for i := range cells {
		if cells[i] == (riskd.Cell{}) {
			continue
		}
		c.uvarint(uint64(i))
		for j := range cells[i] {
			c.float(&cells[i][j])
		}
	}
}

package signals

// packed are small counts side by side in the 52 bits that a number of a cell
// keeps exactly, for signals that have more to remember than four numbers. They
// are read and written in the same order.
type packed struct {
	word uint64
	at   uint
}

func unpack(x float64) packed { return packed{word: uint64(x)} }

// take reads the next count, which is so many bits wide.
func (p *packed) take(width uint) int {
	v := p.word >> p.at & (1<<width - 1)
	p.at += width
	return int(v)
}

// put writes the next count; one that is too high for its width is the highest.
func (p *packed) put(count int, width uint) {
	p.word |= uint64(min(max(count, 0), 1<<width-1)) << p.at
	p.at += width
}

func (p *packed) float() float64 { return float64(p.word) }

// fnv marks strings by FNV-1a, each with its end, so that their borders count.
func fnv(parts ...string) uint64 {
	h := uint64(14695981039346656037)
	for _, s := range parts {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ '/') * 1099511628211
	}
	return h
}

package freeman

// history is a user's logins, the oldest first, each an index for every level.
type history struct {
	logins []uint32
	from   int // where those begin that are kept
}

func (h *history) len(levels int) int { return (len(h.logins) - h.from) / levels }

func (h *history) oldest(levels int) []uint32 { return h.logins[h.from : h.from+levels] }

// drop forgets the oldest login. What is kept moves up when half of the room is free.
func (h *history) drop(levels int) {
	h.from += levels
	if 2*h.from >= len(h.logins) {
		h.logins = append(h.logins[:0], h.logins[h.from:]...)
		h.from = 0
	}
}

// count is in how many of the logins a level has a value.
func (h *history) count(levels, level int, value uint32) (n int) {
	for at := h.from + level; at < len(h.logins); at += levels {
		if h.logins[at] == value {
			n++
		}
	}
	return n
}

// usual is the value that a level mostly has; of several the one that was first.
func (h *history) usual(levels, level int) (value uint32) {
	best := 0
	for at := h.from + level; at < len(h.logins); at += levels {
		if n := h.count(levels, level, h.logins[at]); n > best {
			value, best = h.logins[at], n
		}
		if 2*best > h.len(levels) {
			break
		}
	}
	return value
}

// with is the first of the logins in which a level has a value; there is one.
func (h *history) with(levels, level int, value uint32) []uint32 {
	at := h.from
	for h.logins[at+level] != value {
		at += levels
	}
	return h.logins[at : at+levels]
}

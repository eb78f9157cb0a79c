package journal

import (
	"hash/crc32"
	"strconv"
)

// record is what a line holds.
type record struct {
	seq uint64
	// group is the number of the first record written with this one, 0 for those
	// that were there before their file had its name. For a gap it is the first
	// record lost.
	group   uint64
	mark    byte
	payload []byte
}

// The marks of a line.
const (
	markMore   = 'c' // the batch goes on in the next line
	markEnd    = 'e' // the batch ends here
	markGap    = 'x' // records that a repair gave up
	markHeader = 'h'
)

// from is the first number that the record stands for.
func (r *record) from() uint64 {
	if r.mark == markGap {
		return r.group
	}
	return r.seq
}

// castagnoli is CRC-32C (RFC 3720 §12.1), which processors compute by themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	sumSize = 8 // hex digits
	// overhead bounds what a line holds beside its payload.
	overhead = sumSize + 2*20 + 6
)

func appendLine(to []byte, r *record) []byte {
	start := len(to)
	to = append(to, "00000000 "...)
	to = strconv.AppendUint(to, r.seq, 10)
	to = append(to, ' ')
	to = strconv.AppendUint(to, r.group, 10)
	to = append(to, ' ', r.mark, ' ')
	to = append(to, r.payload...)
	putSum(to[start:], crc32.Checksum(to[start+sumSize+1:], castagnoli))
	return append(to, '\n')
}

func putSum(to []byte, sum uint32) {
	const digits = "0123456789abcdef"
	for i := range sumSize {
		to[i] = digits[sum>>(28-4*i)&0xf]
	}
}

// parseLine reads a line without its newline. The payload is part of the line.
func parseLine(line []byte) (r record, ok bool) {
	if len(line) <= sumSize || line[sumSize] != ' ' {
		return r, false
	}
	var sum [sumSize]byte
	rest := line[sumSize+1:]
	if r.seq, rest, ok = cutNumber(rest); !ok {
		return r, false
	}
	if r.group, rest, ok = cutNumber(rest); !ok || len(rest) < 2 || rest[1] != ' ' {
		return r, false
	}
	putSum(sum[:], crc32.Checksum(line[sumSize+1:], castagnoli))
	if string(sum[:]) != string(line[:sumSize]) {
		return r, false
	}
	r.mark, r.payload = rest[0], rest[2:]
	return r, r.makesSense()
}

func (r *record) makesSense() bool {
	switch r.mark {
	case markMore, markEnd:
		return r.seq > 0 && r.group <= r.seq
	case markGap:
		return r.group > 0 && r.group <= r.seq
	}
	return r.mark == markHeader
}

// cutNumber takes a decimal and the space after it off a line.
func cutNumber(b []byte) (n uint64, rest []byte, ok bool) {
	for i, c := range b {
		switch {
		case c == ' ' && i > 0:
			return n, b[i+1:], true
		case c < '0' || c > '9' || i > 18: // 19 digits always fit
			return 0, nil, false
		}
		n = n*10 + uint64(c-'0')
	}
	return 0, nil, false
}

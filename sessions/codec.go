package sessions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// A record is what the archive holds under one key: the version of its form, then
// the fields in the order of codec_session.go and codec_profile.go, without names.
// Whoever adds, drops or moves a field raises recordVersion and reads the older
// forms too, or they are lost.
const recordVersion = 3

// Of the older forms, the first didn't hold when a reason was last given, and the
// second not how long the user has had what he has, nor his habits.
const (
	firstVersion = 1
	firedVersion = 2
	habitVersion = 3
)

// errDamaged is what is wrong with a record that is none.
var errDamaged = errors.New("record is damaged")

// errVersion is what is wrong with a record that a later riskd has written.
type errVersion byte

func (v errVersion) Error() string {
	return fmt.Sprintf("record has form %d; this riskd knows %d: run the one that wrote it, or a later one", byte(v), recordVersion)
}

// codec writes records, or reads them: the same walk over the fields does both,
// so that the two can't disagree. It never changes what it writes. One that writes
// is used again, which spares its buffer.
type codec struct {
	b       []byte // what was written, or is left to read
	reading bool
	version byte  // of the record
	err     error // of the first field that couldn't be read; those after it are zero
	last    int64 // time, from which the next is counted
	layouts *layouts
}

// begin writes or reads the version.
func (c *codec) begin() {
	c.version = recordVersion
	if c.byte(&c.version); c.reading && c.err == nil && (c.version < firstVersion || c.version > recordVersion) {
		c.fail(errVersion(c.version))
	}
}

// end tells what was wrong with a record that was read.
func (c *codec) end() error {
	if c.err == nil && len(c.b) > 0 {
		c.fail(errDamaged)
	}
	return c.err
}

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.b = nil
}

func (c *codec) byte(x *byte) {
	switch {
	case !c.reading:
		c.b = append(c.b, *x)
	case len(c.b) == 0:
		*x = 0
		c.fail(errDamaged)
	default:
		*x, c.b = c.b[0], c.b[1:]
	}
}

func (c *codec) uvarint(x uint64) uint64 {
	if !c.reading {
		c.b = binary.AppendUvarint(c.b, x)
		return x
	}
	x, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail(errDamaged)
		return 0
	}
	c.b = c.b[n:]
	return x
}

// number is for what is mostly small and never negative.
func number[T ~uint8 | ~uint16 | ~uint32 | ~uint64](c *codec, x *T) {
	v := c.uvarint(uint64(*x))
	if !c.reading {
		return
	}
	if *x = T(v); uint64(*x) != v {
		*x = 0
		c.fail(errDamaged)
	}
}

// signed is for what is mostly small and may be negative.
func signed[T ~int | ~int64](c *codec, x *T) {
	v := c.uvarint(zigzag(int64(*x)))
	if c.reading {
		*x = T(unzigzag(v))
	}
}

func zigzag(x int64) uint64   { return uint64(x)<<1 ^ uint64(x>>63) }
func unzigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

func (c *codec) bool(x *bool) {
	var v byte
	if *x {
		v = 1
	}
	if c.byte(&v); v > 1 {
		c.fail(errDamaged)
	}
	if c.reading {
		*x = v == 1
	}
}

// fixed is for hashes, which are as long as can be.
func (c *codec) fixed(x *uint64) {
	switch {
	case !c.reading:
		c.b = binary.LittleEndian.AppendUint64(c.b, *x)
	case len(c.b) < 8:
		*x = 0
		c.fail(errDamaged)
	default:
		*x, c.b = binary.LittleEndian.Uint64(c.b), c.b[8:]
	}
}

// bytes is for arrays, which need no length.
func (c *codec) bytes(x []byte) {
	switch {
	case !c.reading:
		c.b = append(c.b, x...)
	case len(c.b) < len(x):
		clear(x)
		c.fail(errDamaged)
	default:
		copy(x, c.b)
		c.b = c.b[len(x):]
	}
}

// float begins with the bits that small whole numbers use, as encoding/gob does:
// those, and zero, are short.
func (c *codec) float(x *float64) {
	v := c.uvarint(bits.ReverseBytes64(math.Float64bits(*x)))
	if c.reading {
		*x = math.Float64frombits(bits.ReverseBytes64(v))
	}
}

func (c *codec) string(x *string) {
	n := c.uvarint(uint64(len(*x)))
	switch {
	case !c.reading:
		c.b = append(c.b, *x...)
	case n > uint64(len(c.b)):
		*x = ""
		c.fail(errDamaged)
	default:
		*x, c.b = string(c.b[:n]), c.b[n:]
	}
}

// maxTime is the last second that a record can hold, and -maxTime the first: from
// 1823 to 2116. What lies beyond is kept as that.
const maxTime = (1<<62-1)/int64(time.Second) - 1

// time counts in nanoseconds from the record's time before, since most of them lie
// close together; 0 is the zero time.
func (c *codec) time(t *time.Time) {
	if c.reading {
		*t = time.Time{}
		if v := c.uvarint(0); v != 0 {
			c.last += unzigzag(v - 1)
			*t = time.Unix(0, c.last).UTC()
		}
		return
	}
	if t.IsZero() {
		c.b = append(c.b, 0)
		return
	}
	at := min(max(t.Unix(), -maxTime), maxTime)*int64(time.Second) + int64(t.Nanosecond())
	c.uvarint(zigzag(at-c.last) + 1)
	c.last = at
}

// count is for how many entries follow that take at least so many bytes each: no
// record makes riskd reserve much more memory than it's long itself.
func (c *codec) count(n, least int) int {
	v := c.uvarint(uint64(n))
	if c.reading && v > uint64(len(c.b)/least) {
		c.fail(errDamaged)
		return 0
	}
	return int(v)
}

// list is for entries that take at least so many bytes each. An empty list is read
// as nil.
func list[T any](c *codec, l *[]T, least int, entry func(*codec, *T)) {
	n := c.count(len(*l), least)
	if c.reading {
		*l = nil
		if n > 0 {
			*l = make([]T, n)
		}
	}
	for i := range *l {
		entry(c, &(*l)[i])
	}
}

func (c *codec) strings(l *[]string) { list(c, l, 1, (*codec).string) }

// array is for entries of which the last ones are often zero.
func array[T comparable](c *codec, a []T, entry func(*codec, *T)) {
	var zero T
	n := len(a)
	for !c.reading && n > 0 && a[n-1] == zero {
		n--
	}
	used := c.uvarint(uint64(n))
	if c.reading {
		clear(a)
		if used > uint64(len(a)) {
			c.fail(errDamaged)
			return
		}
	}
	for i := range a[:used] {
		entry(c, &a[i])
	}
}

package riskd

import (
	"hash/fnv"
	"math/bits"
	"slices"
)

// DeviceMark is a device as signals compare it: hashes of its id and of its
// fingerprint, each 0 when the event carried none.
type DeviceMark struct{ ID, Fingerprint uint64 }

// MarkOf gives a device's mark.
func MarkOf(d *Device) DeviceMark { return DeviceMark{hash64(d.ID), hash64(d.Fingerprint)} }

// Attributes are what a page could tell of a device, each hashed to 16 bits, in the
// order of AttributeNames; 0 is unknown. They show how much of a fingerprint has
// changed.
type Attributes [8]uint16

// attributeNames are the names under which pages tell attributes: the first of each
// row is the documented one. What has none of these names counts as the last.
var attributeNames = [len(Attributes{})][]string{
	{"screen", "resolution", "display"},
	{"timezone", "tz"},
	{"language", "lang", "languages"},
	{"gpu", "webgl", "renderer"},
	{"fonts", "fonts_hash"},
	{"platform", "os"},
	{"hardware", "cores", "memory"},
	{"other"},
}

// AttributeNames are the documented names of the attributes, in their order.
func AttributeNames() (names [len(Attributes{})]string) {
	for i := range attributeNames {
		names[i] = attributeNames[i][0]
	}
	return names
}

// AttributesOf hashes a device's attributes.
func AttributesOf(d *Device) (a Attributes) {
	const bit = 1 // marks what is known; the order of a map must not show
	for name, value := range d.Attributes {
		a[attributePlace(name)] ^= uint16(spread(hash64(name)+spread(hash64(value)))) &^ bit
	}
	for name := range d.Attributes {
		a[attributePlace(name)] |= bit
	}
	return a
}

func attributePlace(name string) int {
	for i := range attributeNames {
		if slices.Contains(attributeNames[i], name) {
			return i
		}
	}
	return len(attributeNames) - 1
}

// StackMark marks the TLS library that a JA4 shows, as DeviceSeen.Stack does; 0
// without one.
func StackMark(ja4 string) uint32 { return markOf(StackOf(ja4)) }

func markOf(s string) uint32 {
	if s == "" {
		return 0
	}
	return uint32(spread(hash64(s))) | 1
}

// spread has every bit of a hash decide all others: in FNV the last letters reach
// the high bits hardly at all.
func spread(h uint64) uint64 {
	hi, lo := bits.Mul64(h^0x9e3779b97f4a7c15, 0xd1342543de82ef95)
	return hi ^ lo
}

func hash64(s string) uint64 {
	if s == "" {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64() | 1
}

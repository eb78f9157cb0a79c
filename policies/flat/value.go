package flat

import (
	"cmp"
	"maps"

	"github.com/open-policy-agent/opa/v1/ast"
)

// kind is the type of a value; the kinds are in Rego's order of types.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindNumber
	kindText
	kindArray
	kindObject
	kindSet
	kindAny // not a value's: the compiler doesn't know
)

// value is one value of Rego. Which members count depends on its kind; arrays,
// objects and sets of the policy are constants, those of the input are not.
type value struct {
	kind     kind
	flag     bool
	number   float64
	text     string
	list     []string
	table    map[string]string
	constant *constant
}

// equal is Rego's ==.
func equal(a, b *value) bool {
	if a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindBoolean:
		return a.flag == b.flag
	case kindNumber:
		return a.number == b.number
	case kindText:
		return a.text == b.text
	case kindArray:
		if a.len() != b.len() {
			return false
		}
		order, sure := compareArrays(a, b)
		return sure && order == 0
	case kindObject:
		return equalObjects(a, b)
	case kindSet:
		return a.constant == b.constant || a.constant.term.Equal(b.constant.term)
	}
	return true
}

func equalObjects(a, b *value) bool {
	switch {
	case a.constant == nil && b.constant == nil:
		return maps.Equal(a.table, b.table)
	case a.constant != nil && b.constant != nil:
		return a.constant == b.constant || a.constant.term.Equal(b.constant.term)
	case a.constant != nil:
		a, b = b, a
	}
	if len(a.table) != len(b.constant.keys) {
		return false
	}
	for i := range b.constant.keys {
		k, v := &b.constant.keys[i], &b.constant.values[i]
		have, ok := a.table[k.text]
		if !ok || k.kind != kindText || v.kind != kindText || have != v.text {
			return false
		}
	}
	return true
}

// compare is Rego's order; it isn't sure of objects of the input.
func compare(a, b *value) (order int, sure bool) {
	if a.kind != b.kind {
		return cmp.Compare(a.kind, b.kind), true
	}
	switch a.kind {
	case kindBoolean:
		switch {
		case a.flag == b.flag:
			return 0, true
		case b.flag:
			return -1, true
		}
		return 1, true
	case kindNumber:
		return cmp.Compare(a.number, b.number), true
	case kindText:
		return cmp.Compare(a.text, b.text), true
	case kindArray:
		return compareArrays(a, b)
	case kindObject, kindSet:
		if a.constant == nil || b.constant == nil {
			return 0, false
		}
		return ast.Compare(a.constant.term, b.constant.term), true
	}
	return 0, true
}

func compareArrays(a, b *value) (order int, sure bool) {
	var x, y value
	for i := range min(a.len(), b.len()) {
		if order, sure = compare(a.at(i, &x), b.at(i, &y)); order != 0 || !sure {
			return order, sure
		}
	}
	return cmp.Compare(a.len(), b.len()), true
}

// len is the number of members of an array, an object or a set, 0 for all else.
func (v *value) len() int {
	switch {
	case v.kind < kindArray:
		return 0
	case v.constant != nil:
		return len(v.constant.values)
	case v.kind == kindArray:
		return len(v.list)
	}
	return len(v.table)
}

// at is an array's member, which may be put into room.
func (v *value) at(i int, room *value) *value {
	if v.constant != nil {
		return &v.constant.values[i]
	}
	room.kind, room.text = kindText, v.list[i]
	return room
}

// has reports whether x is a member: Rego's x in v.
func (v *value) has(x *value) bool {
	switch {
	case v.kind < kindArray:
		return false
	case v.constant != nil:
		return v.constant.has(x)
	case x.kind != kindText:
		return false
	case v.kind == kindArray:
		for _, s := range v.list {
			if s == x.text {
				return true
			}
		}
		return false
	}
	for _, s := range v.table {
		if s == x.text {
			return true
		}
	}
	return false
}

// lookup is Rego's v[key], put into room where it has to be made.
func (v *value) lookup(key, room *value) *value {
	switch {
	case v.kind == kindArray:
		i := int(key.number)
		if key.kind != kindNumber || float64(i) != key.number || i < 0 || i >= v.len() {
			return nil
		}
		return v.at(i, room)
	case v.kind == kindSet:
		if v.has(key) {
			return key
		}
	case v.kind != kindObject:
	case v.constant != nil:
		for i := range v.constant.keys {
			if equal(&v.constant.keys[i], key) {
				return &v.constant.values[i]
			}
		}
	case key.kind == kindText:
		if s, ok := v.table[key.text]; ok {
			room.kind, room.text = kindText, s
			return room
		}
	}
	return nil
}

// fails reports whether a condition with this value doesn't hold: false alone.
func (v *value) fails() bool { return v.kind == kindBoolean && !v.flag }

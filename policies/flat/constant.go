package flat

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
)

// constant is an array, an object or a set that the policy holds.
type constant struct {
	term   *ast.Term
	values []value // members; of an object the values of its keys
	keys   []value // of an object, in order
	texts  map[string]bool
}

// many is from how many members on a collection is worth a map.
const many = 8

// has reports whether x is a member.
func (c *constant) has(x *value) bool {
	if c.texts != nil && x.kind == kindText {
		return c.texts[x.text]
	}
	for i := range c.values {
		if equal(&c.values[i], x) {
			return true
		}
	}
	return false
}

// valueOf makes a value of a constant term. It refuses numbers that a float64
// doesn't hold to the last digit.
func valueOf(t *ast.Term) (value, error) {
	switch v := t.Value.(type) {
	case ast.Null:
		return value{kind: kindNull}, nil
	case ast.Boolean:
		return value{kind: kindBoolean, flag: bool(v)}, nil
	case ast.String:
		return value{kind: kindText, text: string(v)}, nil
	case ast.Number:
		f, ok := exact(v)
		if !ok {
			return value{}, outside("the number %s has more digits than are kept", v)
		}
		return value{kind: kindNumber, number: f}, nil
	}
	c := &constant{term: t}
	k := kindSet
	var err error
	add := func(to *[]value, t *ast.Term) {
		v, e := valueOf(t)
		if e != nil {
			err = e
		}
		*to = append(*to, v)
	}
	switch v := t.Value.(type) {
	case *ast.Array:
		k = kindArray
		v.Foreach(func(t *ast.Term) { add(&c.values, t) })
	case ast.Set:
		v.Foreach(func(t *ast.Term) { add(&c.values, t) })
	case ast.Object:
		k = kindObject
		v.Foreach(func(key, t *ast.Term) { add(&c.keys, key); add(&c.values, t) })
	default:
		return value{}, outside("%s is no constant", ast.ValueName(t.Value))
	}
	if len(c.values) >= many {
		c.texts = map[string]bool{}
		for i := range c.values {
			if c.values[i].kind == kindText {
				c.texts[c.values[i].text] = true
			}
		}
	}
	return value{kind: k, constant: c}, err
}

// exact gives a number that is the shortest decimal of its float64, or that
// number written otherwise: these are in the same order as their floats, as
// decimals are compared by OPA.
func exact(n ast.Number) (float64, bool) {
	f, ok := n.Float64()
	if !ok || math.IsInf(f, 0) {
		return 0, false
	}
	shortest := ast.Number(json.Number(strconv.FormatFloat(f, 'g', -1, 64)))
	return f, ast.NumberCompare(n, shortest) == 0
}

// term makes a term of a value, for a built-in function.
func (v *value) term() *ast.Term {
	switch v.kind {
	case kindNull:
		return ast.NullTerm()
	case kindBoolean:
		return ast.InternedTerm(v.flag)
	case kindNumber:
		if i := int64(v.number); float64(i) == v.number && math.Abs(v.number) < 1<<53 {
			return ast.InternedTerm(i)
		}
		return ast.NumberTerm(json.Number(strconv.FormatFloat(v.number, 'g', -1, 64)))
	case kindText:
		return ast.StringTerm(v.text)
	}
	switch {
	case v.constant != nil:
		return v.constant.term
	case v.kind == kindArray:
		terms := make([]*ast.Term, len(v.list))
		for i, s := range v.list {
			terms[i] = ast.StringTerm(s)
		}
		return ast.ArrayTerm(terms...)
	}
	members := make([][2]*ast.Term, 0, len(v.table))
	for k, s := range v.table {
		members = append(members, [2]*ast.Term{ast.StringTerm(k), ast.StringTerm(s)})
	}
	return ast.ObjectTerm(members...)
}

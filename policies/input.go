package policies

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// shape builds the input of one query straight from a case, without JSON in
// between: only the members that the query's rules read, under keys that are
// made once.
type shape struct {
	key     *ast.Term
	field   *field // of a leaf
	members []*shape
}

// newShape keeps the fields that lie on, under or above one of the paths read.
func newShape(fields []field, reads [][]string) *shape {
	root := &shape{}
	for i := range fields {
		path := steps(fields[i].path)
		if slices.ContainsFunc(reads, func(read []string) bool {
			n := min(len(read), len(path))
			return slices.Equal(read[:n], path[:n])
		}) {
			root.add(path, &fields[i])
		}
	}
	return root
}

func (s *shape) add(path []string, f *field) {
	if len(path) == 0 {
		s.field = f
		return
	}
	key := ast.StringTerm(path[0])
	i := slices.IndexFunc(s.members, func(m *shape) bool { return m.key.Equal(key) })
	if i < 0 {
		i = len(s.members)
		s.members = append(s.members, &shape{key: key})
	}
	s.members[i].add(path[1:], f)
}

// input is the document for a case. Its objects are there even when nothing
// that they hold is known, all but the readings that weren't taken.
func (s *shape) input(c *riskd.Case) ast.Value { return s.term(c, 0).Value }

// readingDepth is how deep the reading of a signal lies.
const readingDepth = 2

// term is nil where nothing is known.
func (s *shape) term(c *riskd.Case, depth int) *ast.Term {
	if s.field != nil {
		return s.field.term(c)
	}
	var room [16][2]*ast.Term
	members := room[:0]
	for _, m := range s.members {
		if t := m.term(c, depth+1); t != nil {
			members = append(members, [2]*ast.Term{m.key, t})
		}
	}
	switch {
	case len(members) > 0:
		return ast.ObjectTerm(members...)
	case depth < readingDepth:
		return ast.InternedEmptyObject
	}
	return nil
}

func (f *field) term(c *riskd.Case) *ast.Term {
	switch {
	case f.number != nil:
		if v, known := f.number(c); known {
			return numberTerm(v)
		}
	case f.text != nil:
		if v := f.text(c); v != "" {
			return ast.InternedTerm(v)
		}
	case f.flag != nil:
		if v, known := f.flag(c); known {
			return ast.InternedTerm(v)
		}
	case f.list != nil:
		return listTerm(f.list(c))
	case f.table != nil:
		return tableTerm(f.table(c))
	}
	return nil
}

// numberTerm is nil for what isn't a number: Rego has no infinity.
func numberTerm(v float64) *ast.Term {
	const exact = 1 << 53
	if math.Abs(v) < exact && v == math.Trunc(v) {
		return ast.InternedTerm(int64(v))
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return ast.NumberTerm(json.Number(strconv.FormatFloat(v, 'g', -1, 64)))
}

func listTerm(values []string) *ast.Term {
	if len(values) == 0 {
		return ast.InternedEmptyArray
	}
	terms := make([]*ast.Term, len(values))
	for i, v := range values {
		terms[i] = ast.InternedTerm(v)
	}
	return ast.ArrayTerm(terms...)
}

func tableTerm(values map[string]string) *ast.Term {
	if len(values) == 0 {
		return ast.InternedEmptyObject
	}
	members := make([][2]*ast.Term, 0, len(values))
	for k, v := range values {
		members = append(members, [2]*ast.Term{ast.InternedTerm(k), ast.InternedTerm(v)})
	}
	return ast.ObjectTerm(members...)
}

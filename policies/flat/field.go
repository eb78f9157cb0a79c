package flat

import (
	"math"

	"github.com/riskd/riskd"
)

// Field is one member of the input document: its dotted path under input, and
// how it is read from a case. Exactly one accessor is set; a member whose value
// isn't known is undefined.
type Field struct {
	Path string

	Number func(*riskd.Case) (value float64, known bool)
	Text   func(*riskd.Case) string // "" is unknown
	Flag   func(*riskd.Case) (value, known bool)
	List   func(*riskd.Case) []string
	Table  func(*riskd.Case) map[string]string
}

// load reads the field into v; only what v's kind uses is written.
func (f *Field) load(c *riskd.Case, v *value) (known bool) {
	switch {
	case f.Number != nil:
		v.kind = kindNumber
		v.number, known = f.Number(c)
		return known && !math.IsNaN(v.number) && !math.IsInf(v.number, 0) // Rego has neither
	case f.Text != nil:
		v.kind, v.text = kindText, f.Text(c)
		return v.text != ""
	case f.Flag != nil:
		v.kind = kindBoolean
		v.flag, known = f.Flag(c)
		return known
	case f.List != nil:
		v.kind, v.constant, v.list = kindArray, nil, f.List(c)
		return true
	}
	v.kind, v.constant, v.table = kindObject, nil, f.Table(c)
	return true
}

func (f *Field) kind() kind {
	switch {
	case f.Number != nil:
		return kindNumber
	case f.Text != nil:
		return kindText
	case f.Flag != nil:
		return kindBoolean
	case f.List != nil:
		return kindArray
	}
	return kindObject
}

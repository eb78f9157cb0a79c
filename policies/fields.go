package policies

import "github.com/riskd/riskd"

// Field is a member of the input, as authors of rules are told of it.
type Field struct {
	Path string // dotted, below input
	Type string // "number", "string", "boolean", "array of strings" or "object of strings"
	Doc  string // meaning, unit, range
	// Judgement says that only a pack's policy.rego sees it.
	Judgement bool
}

// Fields lists what [Schema] describes: everything that is in the input, readings
// last, in an order to be read in.
func Fields(signals []riskd.Signal) []Field {
	table := fieldsFor(signals)
	fields := make([]Field, len(table))
	for i := range table {
		f := &table[i]
		fields[i] = Field{Path: f.path, Type: f.typeName(), Doc: f.doc, Judgement: f.judgement}
	}
	return fields
}

func (f *field) typeName() string {
	switch {
	case f.number != nil:
		return "number"
	case f.flag != nil:
		return "boolean"
	case f.list != nil:
		return "array of strings"
	case f.table != nil:
		return "object of strings"
	}
	return "string"
}

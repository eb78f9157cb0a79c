package policies

import "github.com/riskd/riskd"

// Schema gives the JSON Schemas of the two inputs: what rules may read, and
// what the judgement may read besides. Nothing else is in either; a member
// whose value isn't known is absent.
func Schema(signals []riskd.Signal) (rules, judgement map[string]any) {
	fields := fieldsFor(signals)
	rules, judgement = objectSchema(), objectSchema()
	for i := range fields {
		f := &fields[i]
		describe(judgement, steps(f.path), f)
		if !f.judgement {
			describe(rules, steps(f.path), f)
		}
	}
	for i := range signals {
		for _, s := range []map[string]any{rules, judgement} {
			member(member(s, "readings"), signals[i].Name)["description"] = signals[i].Doc
		}
	}
	for _, s := range []map[string]any{rules, judgement} {
		s["$schema"] = "http://json-schema.org/draft-07/schema#"
	}
	return rules, judgement
}

func objectSchema() map[string]any {
	return map[string]any{"type": "object", "properties": map[string]any{}, "additionalProperties": false}
}

// member is an object's member that is an object itself; it is made when new.
func member(object map[string]any, name string) map[string]any {
	properties := object["properties"].(map[string]any)
	if properties[name] == nil {
		properties[name] = objectSchema()
	}
	return properties[name].(map[string]any)
}

func describe(object map[string]any, path []string, f *field) {
	for ; len(path) > 1; path = path[1:] {
		object = member(object, path[0])
	}
	leaf := f.schema()
	leaf["description"] = f.doc
	object["properties"].(map[string]any)[path[0]] = leaf
}

func (f *field) schema() map[string]any {
	text := map[string]any{"type": "string"}
	switch {
	case f.number != nil:
		return map[string]any{"type": "number"}
	case f.flag != nil:
		return map[string]any{"type": "boolean"}
	case f.list != nil:
		return map[string]any{"type": "array", "items": text}
	case f.table != nil:
		return map[string]any{"type": "object", "additionalProperties": text}
	}
	return text
}

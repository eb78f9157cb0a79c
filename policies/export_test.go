package policies

import (
	"io/fs"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies/flat"
	"github.com/riskd/riskd/rego"
)

// Reference is the same pack with OPA asked for everything.
func Reference(p *Pack) *Pack {
	reference := *p
	reference.compiled = nil
	return &reference
}

// CompileUntried compiles a pack that need not have an answer for anything.
func CompileUntried(name string, pack fs.FS, o Options) (*Pack, error) { return compile(name, pack, o) }

// Sure reports how programs answer a case: whether both questions get an answer
// without OPA.
func (p *Pack) Sure(c *riskd.Case) (rules, judgement bool) {
	var which fired
	_, rules = p.compiled.fire(c, &which)
	_, _, judgement = p.flatJudgement(c)
	return rules && p.compiled.outside == nil, judgement
}

// FieldKinds are the kinds of all fields by their paths.
func FieldKinds(signals []riskd.Signal, judgement bool) map[string][]string {
	kinds := map[string][]string{}
	for _, f := range fieldsFor(signals) {
		if f.judgement && !judgement {
			continue
		}
		kind := "table"
		switch {
		case f.number != nil:
			kind = "number"
		case f.text != nil:
			kind = "text"
		case f.flag != nil:
			kind = "flag"
		case f.list != nil:
			kind = "list"
		}
		kinds[kind] = append(kinds[kind], "input."+f.path)
	}
	return kinds
}

// Slip is a fault that a compiler could have.
type Slip struct {
	Modules func(map[string]*ast.Module) // what it takes the modules for
	Field   func(*flat.Field)            // what it takes a field for
	Loses   bool                         // a rule
}

// Plant compiles a pack again, with a fault.
func Plant(p *Pack, pack fs.FS, o Options, fault Slip) *Pack {
	if o.Library == nil {
		o.Library = rego.FS
	}
	src, err := readSource(o.Library, pack)
	if err != nil {
		panic(err)
	}
	modules, _ := src.parse()
	if fault.Modules != nil {
		fault.Modules(modules)
	}
	fields := fieldsFor(o.Signals)
	if fault.Field != nil {
		for i, f := range flatFields(fields) {
			fault.Field(&f)
			fields[i].number, fields[i].text, fields[i].flag, fields[i].list, fields[i].table = f.Number, f.Text, f.Flag, f.List, f.Table
		}
	}
	planted := *p
	planted.compiled = planted.newCompiled(modules, p.compiled.store, p.compiled.txn, fields)
	if fault.Loses {
		planted.compiled.rules = slices.Delete(planted.compiled.rules, 0, 1)
	}
	return &planted
}

// SampleEvery is how many questions there are to one that is asked of OPA again.
const SampleEvery = sampleEvery

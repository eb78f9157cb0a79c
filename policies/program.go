package policies

import (
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// program is one of the two halves of a pack, compiled against its own schema:
// the rules, which can't read a score, or the judgement.
type program struct {
	compiler *ast.Compiler
	faults   []error
	input    [][]string                    // paths under input that it reads
	tuned    map[string]map[string]string  // by the name given to lib.tuned: kinds of the defaults
	numbers  map[string]map[string]float64 // and those that are numbers
}

// newProgram compiles the modules of one package, those below it and the
// library's shared ones.
func newProgram(modules map[string]*ast.Module, schema map[string]any, pkg ast.Ref) *program {
	own := map[string]*ast.Module{}
	for name, m := range modules {
		if m.Package.Path.HasPrefix(pkg) || m.Package.Path.HasPrefix(packageLib) {
			own[name] = m
		}
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, schema)
	p := &program{tuned: map[string]map[string]string{}, numbers: map[string]map[string]float64{}}
	p.compiler = ast.NewCompiler().
		WithCapabilities(Capabilities()).
		WithSchemas(schemas).
		WithStrict(true).
		WithDefaultRegoVersion(ast.RegoV1).
		SetErrorLimit(0)
	//lint:ignore SA1019 capabilities alone report a denied function as an unsafe variable
	p.compiler.WithUnsafeBuiltins(unsafeBuiltins())
	p.compiler.Compile(own)
	if p.compiler.Failed() {
		p.faults = regoFaults(p.compiler.Errors)
	}
	return p
}

// check looks at what only compiled modules show: which input is read, whether
// the data that is read is there, what is tuned, and which patterns are fixed.
func (p *program) check(tuning map[string]any) []error {
	var faults []error
	check := func(r *ast.Rule) {
		ast.WalkRefs(r, func(ref ast.Ref) bool {
			switch {
			case ref.HasPrefix(ast.InputRootRef):
				p.input = append(p.input, namesOf(ref[1:]))
			case ref.HasPrefix(ast.DefaultRootRef):
				if said := p.checkData(ref, tuning); said != "" {
					faults = append(faults, fault(FaultData, ref[0].Location, "%s", said))
				}
			}
			return false
		})
		ast.WalkExprs(r, func(e *ast.Expr) bool {
			if e.IsCall() {
				faults = append(faults, p.checkCall(e)...)
			}
			return false
		})
	}
	for _, name := range slices.Sorted(maps.Keys(p.compiler.Modules)) {
		for _, r := range p.compiler.Modules[name].Rules {
			check(r)
		}
	}
	return faults
}

// namesOf are the names at the beginning of a path, up to the first that is
// computed.
func namesOf(path ast.Ref) []string {
	var names []string
	for _, t := range path {
		s, ok := t.Value.(ast.String)
		if !ok {
			break
		}
		names = append(names, string(s))
	}
	return names
}

// reads reports whether a path under input, or one above or below it, is read.
func (p *program) reads(path ...string) bool {
	return slices.ContainsFunc(p.input, func(read []string) bool {
		n := min(len(read), len(path))
		return slices.Equal(read[:n], path[:n])
	})
}

// checkData finds a reference to data that isn't there, which Rego would pass
// over in silence.
func (p *program) checkData(ref ast.Ref, tuning map[string]any) string {
	names := namesOf(ref[1:])
	if len(names) > 0 && names[0] == "tuning" {
		return checkTuned(ref, names[1:], tuning)
	}
	if len(p.compiler.GetRules(ref)) > 0 {
		return ""
	}
	return shownRef(ref) + ": isn't there: a pack's data is data.tuning, the rules don't see the judgement, and the judgement sees the rules' codes in input.reasons"
}

// shownRef is a compiled reference without the names that compiling gave.
func shownRef(ref ast.Ref) string {
	shown := ref.Copy()
	for _, t := range shown[1:] {
		if _, ok := t.Value.(ast.Var); ok {
			t.Value = ast.Wildcard.Value
		}
	}
	return shown.String()
}

// checkTuned follows a path through tuning.json as far as its names are fixed.
// What a pack may leave out may be asked for.
func checkTuned(ref ast.Ref, names []string, tuning map[string]any) string {
	if len(names) > 0 && (names[0] == "rules" || names[0] == "roles" || names[0] == "invariants") {
		return ""
	}
	var at any = tuning
	for _, name := range names {
		object, ok := at.(map[string]any)
		if !ok {
			return shownRef(ref) + ": isn't in " + tuningFile
		}
		if at, ok = object[name]; !ok {
			return shownRef(ref) + ": isn't in " + tuningFile + ": " + notOneOf(name, slices.Collect(maps.Keys(object)))
		}
	}
	return ""
}

// patternAt is where the regex functions take their pattern.
var patternAt = map[string]int{
	"regex.match": 0, "regex.find_n": 0, "regex.find_all_string_submatch_n": 0, "regex.split": 0, "regex.replace": 1,
	"regex.is_valid": 0,
}

func (p *program) checkCall(e *ast.Expr) []error {
	operator := e.Operator()
	if at, ok := patternAt[operator.String()]; ok {
		if _, ok := e.Operand(at).Value.(ast.String); !ok {
			return []error{fault(FaultPattern, e.Location, "%s: its pattern must be a literal string, so that its price is known", operator)}
		}
		return nil
	}
	if !operator.Equal(refTuned) {
		return nil
	}
	name, isText := e.Operand(0).Value.(ast.String)
	defaults, isObject := e.Operand(1).Value.(ast.Object)
	if !isText || !isObject {
		return []error{fault(FaultTuned, e.Location, `lib.tuned: takes a literal name and literal defaults: lib.tuned("new_country", {"weight": 1, "max": 7})`)}
	}
	if p.tuned[string(name)] == nil {
		p.tuned[string(name)], p.numbers[string(name)] = map[string]string{}, map[string]float64{}
	}
	defaults.Foreach(func(k, v *ast.Term) {
		member := strings.Trim(k.String(), `"`)
		p.tuned[string(name)][member] = kindOfTerm(v.Value)
		if f, ok := number(v.Value); ok {
			p.numbers[string(name)][member] = f
		}
	})
	return nil
}

var refTuned = ast.MustParseRef("data.riskd.lib.tuned")

// kindOfTerm is kindOf for a term.
func kindOfTerm(v ast.Value) string {
	switch v.(type) {
	case ast.Null:
		return kindOf(nil)
	case ast.Boolean:
		return kindOf(false)
	case ast.Number:
		return kindOf(0.0)
	case ast.String:
		return kindOf("")
	case *ast.Array:
		return kindOf([]any{})
	}
	return kindOf(map[string]any{})
}

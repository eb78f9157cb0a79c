package flat

import (
	"context"
	"errors"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
)

// function is a built-in function of OPA that programs call, with what is known
// of its arguments.
type function struct {
	call topdown.BuiltinFunc
	// texts does the same for arguments that are both texts, without terms.
	texts func(a, b string) bool
	// counts says that it counts the members of an array or an object.
	counts bool
	// kind is its result's, kindAny where that isn't known.
	kind kind
	cost int
}

// allowed are the functions that programs may call, by their names: those whose
// time is bounded by the length of their arguments. Of those with a list, the
// arguments at these places have to be constants.
var allowed = map[string][]int{
	"startswith": {}, "endswith": {}, "contains": {}, "lower": {}, "upper": {}, "count": {},
	"trim": {}, "trim_left": {}, "trim_right": {}, "trim_prefix": {}, "trim_suffix": {}, "trim_space": {},
	"indexof": {}, "substring": {}, "replace": {}, "split": {1}, "to_number": {}, "format_int": {},
	"strings.any_prefix_match": {}, "strings.any_suffix_match": {},
	"plus": {}, "minus": {}, "mul": {}, "div": {}, "rem": {}, "abs": {}, "round": {}, "ceil": {}, "floor": {},
	"is_number": {}, "is_string": {}, "is_boolean": {}, "is_array": {}, "is_set": {}, "is_object": {}, "is_null": {}, "type_name": {},
	"object.get":  {},
	"regex.match": {0}, "glob.match": {0, 1},
	"net.cidr_contains": {0}, "net.cidr_is_valid": {},
}

var textFunctions = map[string]func(a, b string) bool{
	"startswith": strings.HasPrefix, "endswith": strings.HasSuffix, "contains": strings.Contains,
}

// sureOf are the kinds of arguments with which a function can't fail.
var sureOf = map[string][]kind{
	"startswith": {kindText, kindText}, "endswith": {kindText, kindText}, "contains": {kindText, kindText},
	"lower": {kindText}, "upper": {kindText},
	"regex.match": {kindText, kindText}, "glob.match": {kindText, kindAny, kindText},
	"object.get": {kindObject, kindText, kindAny},
	"is_number":  {kindAny}, "is_string": {kindAny}, "is_boolean": {kindAny}, "is_array": {kindAny},
	"is_set": {kindAny}, "is_object": {kindAny}, "is_null": {kindAny}, "type_name": {kindAny},
}

// patterns are the functions with a pattern, which is tried when it is compiled.
var patterns = map[string]bool{"regex.match": true, "glob.match": true}

// tryPattern calls a function with its constants and an empty text.
func tryPattern(call topdown.BuiltinFunc, constants []*ast.Term) error {
	terms := make([]*ast.Term, len(constants))
	for i, t := range constants {
		if terms[i] = t; t == nil {
			terms[i] = ast.StringTerm("")
		}
	}
	return call(topdown.BuiltinContext{Context: context.Background()}, terms, func(*ast.Term) error { return nil })
}

// newFunction looks a function up, or says why it can't be called. Arguments
// that aren't constant are nil.
func newFunction(name string, constants []*ast.Term) (*function, error) {
	fixed, ok := allowed[name]
	if !ok {
		return nil, outside("calls %s", name)
	}
	for _, i := range fixed {
		if i < len(constants) && constants[i] == nil {
			return nil, outside("calls %s with a pattern that isn't constant", name)
		}
	}
	call := topdown.GetBuiltin(name)
	if call == nil {
		return nil, outside("calls %s, which isn't there", name)
	}
	if patterns[name] {
		if err := tryPattern(call, constants); err != nil {
			return nil, outside("calls %s with a pattern that is none", name)
		}
	}
	return &function{call: call, texts: textFunctions[name], counts: name == "count", kind: resultKind(name), cost: costOfFunction(name)}, nil
}

// costOfFunction is what a call may cost, in steps, on texts of riskd.MaxText.
func costOfFunction(name string) int {
	switch {
	case patterns[name]:
		return 1000
	case textFunctions[name] != nil || name == "count":
		return 10
	}
	return 100
}

func resultKind(name string) kind {
	switch ast.BuiltinMap[name].Decl.Result().(type) {
	case types.Boolean:
		return kindBoolean
	case types.String:
		return kindText
	case types.Number:
		return kindNumber
	}
	return kindAny
}

// sure reports whether a function can't fail, given its arguments' kinds.
func sure(name string, kinds []kind) bool {
	if name == "count" {
		return kinds[0] == kindText || kinds[0] == kindArray || kinds[0] == kindObject || kinds[0] == kindSet
	}
	need, ok := sureOf[name]
	if !ok {
		return false
	}
	for i, k := range need {
		if k != kindAny && kinds[i] != k {
			return false
		}
	}
	return true
}

// builtin calls a function. One that fails is OPA's to report.
func (f *Frame) builtin(p *Program, in *instruction) bool {
	fn := in.function
	first := f.get(p, in.args[0])
	switch {
	case fn.texts != nil && first.kind == kindText && f.get(p, in.args[1]).kind == kindText:
		return f.answer(in, fn.texts(first.text, f.get(p, in.args[1]).text))
	case fn.counts && first.kind >= kindArray:
		f.result(in, value{kind: kindNumber, number: float64(first.len())})
		return true
	}
	terms := make([]*ast.Term, len(in.args))
	for i, a := range in.args {
		terms[i] = f.get(p, a).term()
	}
	holds := false
	err := fn.call(topdown.BuiltinContext{Context: context.Background()}, terms, func(t *ast.Term) error {
		if holds {
			return errTwice
		}
		v, err := valueOf(t)
		if err != nil {
			return err
		}
		holds = in.to != none || !v.fails()
		f.result(in, v)
		return nil
	})
	if err != nil {
		f.unsure = true
		return false
	}
	return holds
}

var errTwice = errors.New("a function has two results")

func (f *Frame) result(in *instruction, v value) {
	if in.to != none {
		f.regs[in.to] = v
	}
}

package flat

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// OPA leaves a rule with an else as it is when it evaluates partially. So the
// alternatives are taken apart first:
//
//	p := 1 if a
//	else := 2 if b
//
// is the same as
//
//	p := 1 if a
//	p := 2 if { not p__taken1_0; b }
//	p__taken1_0 if a

// apart takes the alternatives of a module's rules apart.
func apart(m *ast.Module, count *int) {
	var rules []*ast.Rule
	for _, r := range m.Rules {
		if r.Else == nil || !named(r) {
			rules = append(rules, r)
			continue
		}
		*count++
		rules = append(rules, alternatives(r, *count)...)
	}
	for _, r := range rules {
		r.Module = m
	}
	m.Rules = rules
}

// named gives the arguments of a function names, and reports whether all can be
// given on: they can't where they are taken apart in the head.
func named(r *ast.Rule) bool {
	for i, a := range r.Head.Args {
		v, ok := a.Value.(ast.Var)
		if !ok && !ast.IsConstant(a.Value) {
			return false
		}
		if ok && v.IsWildcard() {
			for at := r; at != nil; at = at.Else {
				at.Head.Args[i] = ast.VarTerm(fmt.Sprintf("argument__%d", i))
			}
		}
	}
	return len(r.Head.Ref()) == 1
}

func alternatives(first *ast.Rule, number int) []*ast.Rule {
	var rules []*ast.Rule
	var before []*ast.Expr
	for i, r := 0, first; r != nil; i, r = i+1, r.Else {
		taken := *r
		taken.Else, taken.Annotations = nil, nil
		taken.Head = r.Head.Copy()
		name := fmt.Sprintf("%s__taken%d_%d", first.Head.Name, number, i)
		taken.Head.Name = ast.Var(name)
		taken.Head.SetRef(ast.Ref{ast.VarTerm(name)})
		taken.Head.Value = ast.BooleanTerm(true)
		taken.Body = r.Body.Copy()
		if !ast.IsConstant(r.Head.Value.Value) { // without a value it isn't taken
			taken.Body.Append(ast.Equality.Expr(ast.VarTerm("taken__value"), r.Head.Value.Copy()))
		}
		alone := *r
		alone.Else = nil
		alone.Body = nil
		for _, e := range before {
			alone.Body.Append(e.Copy())
		}
		for _, e := range r.Body {
			alone.Body.Append(e.Copy())
		}
		rules = append(rules, &alone)
		if r.Else != nil {
			rules = append(rules, &taken)
			before = append(before, notTaken(name, r.Head.Args))
		}
	}
	return rules
}

func notTaken(name string, args ast.Args) *ast.Expr {
	if len(args) == 0 {
		return ast.NewExpr(ast.VarTerm(name)).Complement()
	}
	terms := []*ast.Term{ast.RefTerm(ast.VarTerm(name))}
	for _, a := range args {
		terms = append(terms, a.Copy())
	}
	return ast.NewExpr(terms).Complement()
}

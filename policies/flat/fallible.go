package flat

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Partial evaluation drops a body with a condition that is known not to hold,
// and with it what stands before the condition: if that may fail, OPA reports an
// error where a program has an answer. Such a body is refused.

// safe are the functions besides those in sureOf that don't fail.
var safe = []string{
	"eq", "equal", "neq", "lt", "lte", "gt", "gte", "assign", "internal.member_2", "internal.member_3", "count", "plus", "mul",
}

// watch looks through the rules that a query depends on.
type watch struct {
	compiler *ast.Compiler
	seen     map[string]*trait
}

// trait is what is known of the rules of one name.
type trait struct{ unknown, fallible, hidden bool }

// traits are those of the rules that a reference may mean, with all that they
// depend on.
func (w *watch) traits(ref ast.Ref) trait {
	var all trait
	for _, r := range w.compiler.GetRules(ref.GroundPrefix()) {
		t := w.of(r)
		all.unknown = all.unknown || t.unknown
		all.fallible = all.fallible || t.fallible
		all.hidden = all.hidden || t.hidden
	}
	return all
}

func (w *watch) of(r *ast.Rule) trait {
	name := r.Ref().String()
	if t := w.seen[name]; t != nil {
		return *t
	}
	t := &trait{}
	w.seen[name] = t
	rules := w.compiler.GetRulesExact(r.Ref().GroundPrefix())
	for _, r := range rules {
		unknown := ast.NewVarSet() // arguments count as known
		w.body(r.Body, unknown, t)
		w.note(r.Head, unknown, t)
	}
	t.fallible = t.fallible || t.unknown && mayConflict(rules)
	return *t
}

// mayConflict reports whether rules of one name may have two values.
func mayConflict(rules []*ast.Rule) bool {
	var first *ast.Term
	chains, alternatives := 0, 0
	for _, r := range rules {
		switch {
		case r.Head.RuleKind() == ast.MultiValue || r.Default:
			continue
		case !ast.IsConstant(r.Head.Value.Value) && iterates(r.Body):
			return true
		case isAlternative(r): // to one that was looked at
			alternatives++
			continue
		case first != nil && (!ast.IsConstant(r.Head.Value.Value) || !first.Equal(r.Head.Value)):
			return true
		}
		first = r.Head.Value
		chains++
	}
	return alternatives > 0 && chains > 1
}

// iterates reports whether a body may hold in several ways.
func iterates(b ast.Body) (is bool) {
	ast.WalkRefs(b, func(ref ast.Ref) bool {
		is = is || !ref.IsGround()
		return is
	})
	return is
}

// isAlternative reports whether a rule was an else, which excludes the rules
// before.
func isAlternative(r *ast.Rule) bool {
	return slices.ContainsFunc(r.Body, func(e *ast.Expr) bool { return e.Negated && strings.Contains(e.String(), "__taken") })
}

// body goes through conditions in order: one that is known after one that may
// fail hides it. Variables are unknown from where they are bound by what is.
func (w *watch) body(b ast.Body, unknown ast.VarSet, t *trait) {
	known := ast.NewVarSet()
	failing := false
	for _, e := range b {
		one := trait{}
		w.note(e, unknown, &one)
		vars := known
		if one.unknown {
			vars = unknown
		}
		ast.WalkVars(e, func(v ast.Var) bool {
			if !known.Contains(v) && !w.root(v) {
				vars.Add(v)
			}
			return false
		})
		t.hidden = t.hidden || one.hidden || failing && !one.unknown
		failing = failing || one.unknown && one.fallible
		t.unknown, t.fallible = t.unknown || one.unknown, t.fallible || one.unknown && one.fallible
	}
}

// note looks at everything within a condition or a head.
func (w *watch) note(x any, unknown ast.VarSet, t *trait) {
	ast.WalkExprs(x, func(e *ast.Expr) bool {
		if e.IsCall() && !e.Operator().HasPrefix(ast.DefaultRootRef) {
			name := e.Operator().String()
			_, ok := sureOf[name]
			t.fallible = t.fallible || !ok && !slices.Contains(safe, name)
		}
		return false
	})
	if e, ok := x.(*ast.Expr); ok {
		if every, ok := e.Terms.(*ast.Every); ok {
			w.body(every.Body, unknown, t)
		}
	}
	ast.WalkRefs(x, func(ref ast.Ref) bool {
		switch {
		case ref.HasPrefix(ast.InputRootRef):
			t.unknown = true
		case ref.HasPrefix(ast.DefaultRootRef):
			of := w.traits(ref)
			t.unknown, t.fallible, t.hidden = t.unknown || of.unknown, t.fallible || of.fallible, t.hidden || of.hidden
		}
		return false
	})
	ast.WalkVars(x, func(v ast.Var) bool {
		t.unknown = t.unknown || unknown.Contains(v)
		return false
	})
}

// root reports whether a variable is only the head of a reference to a document
// or a function.
func (w *watch) root(v ast.Var) bool {
	return v == "input" || v == "data" || !v.IsGenerated()
}

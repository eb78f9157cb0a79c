package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// longWalk is how many entries a rule may look through at every request before
// that is worth a warning: one costs OPA about a third of a microsecond.
const longWalk = 32

// warn looks for what compiles and will be regretted. What doesn't compile has
// faults enough.
func (s *source) warn(o Options) []Finding {
	modules, faults := s.parse()
	findings := undescribed(modules)
	tuned, more := parseTuning(s.tuning, o.Overlay)
	if len(faults)+len(more) > 0 {
		return findings
	}
	rulesSchema, judgeSchema := Schema(o.Signals)
	seen := map[string]bool{} // both programs have the library's shared modules
	for _, p := range []*program{
		newProgram(modules, rulesSchema, packageRules),
		newProgram(modules, judgeSchema, packageDecision),
	} {
		if len(p.faults) > 0 {
			continue
		}
		w := &walker{compiler: p.compiler, data: map[string]any{"tuning": tuned.data}}
		for _, name := range slices.Sorted(maps.Keys(p.compiler.Modules)) {
			if seen[name] {
				continue
			}
			seen[name] = true
			for _, r := range p.compiler.Modules[name].Rules {
				w.rule(r)
			}
		}
		findings = append(findings, w.findings...)
	}
	return findings
}

// undescribed are the reasons whose rules don't say why they are evidence.
func undescribed(modules map[string]*ast.Module) []Finding {
	var findings []Finding
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		for _, r := range modules[name].Rules {
			code := reasonCode(r)
			if code == "" || seen[code] {
				continue
			}
			seen[code] = true
			for _, notes := range r.Annotations {
				if notes.Scope == "rule" && strings.TrimSpace(notes.Description) == "" {
					findings = append(findings, warning(LintDescription, notes.Location,
						fmt.Sprintf("reason %s: metadata description: is missing", code),
						"say why this is evidence, and what innocent causes look like"))
				}
			}
		}
	}
	return findings
}

// reasonCode is the code of the reason that a rule gives, "" for other rules.
func reasonCode(r *ast.Rule) string {
	if ruleName(r) != "reasons" || r.Head.Key == nil {
		return ""
	}
	head, ok := r.Head.Key.Value.(ast.Object)
	if !ok {
		return ""
	}
	return literal(head, "code")
}

func warning(code string, at *ast.Location, message, hint string) Finding {
	f := Finding{Severity: SeverityWarning, Code: code, Message: message, Hint: hint}
	if at != nil {
		f.File, f.Line, f.Column = at.File, at.Row, at.Col
	}
	return f
}

// walker looks through compiled rules for iteration: there, expressions are in
// the order of evaluation, so that a variable in a reference either has a value
// from an expression before, or runs through all that there is.
type walker struct {
	compiler *ast.Compiler
	data     map[string]any
	findings []Finding
}

func (w *walker) rule(r *ast.Rule) {
	for ; r != nil; r = r.Else {
		bound := map[ast.Var]ast.Ref{}
		for _, arg := range r.Head.Args {
			bind(bound, arg)
		}
		w.body(r.Body, bound)
	}
}

// bind gives every variable of a node a value; the value's origin isn't known.
func bind(bound map[ast.Var]ast.Ref, node any) {
	ast.WalkVars(node, func(v ast.Var) bool {
		if _, ok := bound[v]; !ok {
			bound[v] = nil
		}
		return false
	})
}

func (w *walker) body(body ast.Body, bound map[ast.Var]ast.Ref) {
	for _, e := range body {
		w.expr(e, bound)
		if name, data := dataIn(e); name != "" {
			bound[name] = data
		}
		bind(bound, e)
	}
}

// dataIn is the data that an expression gives a name to.
func dataIn(e *ast.Expr) (ast.Var, ast.Ref) {
	if !e.IsEquality() && !e.IsAssignment() {
		return "", nil
	}
	a, b := e.Operand(0), e.Operand(1)
	if _, ok := a.Value.(ast.Ref); ok {
		a, b = b, a
	}
	name, _ := a.Value.(ast.Var)
	data, _ := b.Value.(ast.Ref)
	return name, data
}

func (w *walker) expr(e *ast.Expr, bound map[ast.Var]ast.Ref) {
	inner := func(body ast.Body) bool {
		w.body(body, maps.Clone(bound))
		return true
	}
	visitor := ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.ArrayComprehension:
			return inner(x.Body)
		case *ast.SetComprehension:
			return inner(x.Body)
		case *ast.ObjectComprehension:
			return inner(x.Body)
		case *ast.Every:
			w.walks(e, origin(x.Domain.Value, bound))
			return inner(x.Body)
		case ast.Ref:
			w.ref(e, x, bound)
		}
		return false
	})
	visitor.Walk(e)
	if !e.IsCall() {
		return
	}
	switch operator := e.Operator().String(); operator {
	case "internal.member_2", "internal.member_3":
		w.walks(e, origin(e.Operands()[len(e.Operands())-1].Value, bound))
	case "glob.match":
		if _, ok := e.Operand(0).Value.(ast.String); !ok {
			w.findings = append(w.findings, warning(LintGlob, e.Location,
				"glob.match: its pattern is computed", "write it as a literal string, so that its price is known and nobody else chooses it"))
		}
	}
}

// origin is the data that a term is, where that is known.
func origin(v ast.Value, bound map[ast.Var]ast.Ref) ast.Ref {
	switch v := v.(type) {
	case ast.Var:
		return bound[v]
	case ast.Ref:
		if name, ok := v[0].Value.(ast.Var); ok && bound[name] != nil {
			return bound[name].Concat(v[1:])
		}
		return v
	}
	return nil
}

// ref finds a reference that runs through all entries of something.
func (w *walker) ref(e *ast.Expr, ref ast.Ref, bound map[ast.Var]ast.Ref) {
	for i, t := range ref[1:] {
		v, ok := t.Value.(ast.Var)
		if !ok {
			continue
		}
		if _, ok := bound[v]; !ok {
			w.walks(e, origin(ref[:i+1], bound))
			return
		}
	}
}

// walks reports that an expression looks through a collection, if that is of the
// pack's data or one of its rules, and large.
func (w *walker) walks(e *ast.Expr, collection ast.Ref) {
	if !collection.HasPrefix(ast.DefaultRootRef) {
		return
	}
	if n := w.size(collection); n > longWalk {
		w.findings = append(w.findings, warning(LintWalk, e.Location,
			fmt.Sprintf("looks through %s, %d entries, at every request", shownRef(collection), n),
			"make it an object with what is looked for as its keys, and ask for the key"))
	}
}

// size is how many entries a document has, 0 where that isn't known.
func (w *walker) size(document ast.Ref) int {
	n := 0
	for _, r := range w.compiler.GetRules(document) {
		switch {
		case r.Head.RuleKind() == ast.MultiValue:
			n++
		case r.Head.Value != nil:
			if c, ok := r.Head.Value.Value.(interface{ Len() int }); ok {
				n += c.Len()
			}
		}
	}
	var at any = w.data
	for _, name := range namesOf(document[1:]) {
		object, ok := at.(map[string]any)
		if !ok {
			return n
		}
		at = object[name]
	}
	switch at := at.(type) {
	case map[string]any:
		return n + len(at)
	case []any:
		return n + len(at)
	}
	return n
}

package flat

import "github.com/open-policy-agent/opa/v1/ast"

var relations = map[string]relation{
	"equal": relationEqual, "neq": relationUnequal, "lt": relationLess, "lte": relationAtMost,
	"gt": relationMore, "gte": relationAtLeast,
}

// call lowers a condition that calls a function: its result is the condition,
// or is compared with one operand more than it takes.
func (l *lowering) call(terms []*ast.Term, s *scope) error {
	ref, ok := terms[0].Value.(ast.Ref)
	if !ok {
		return outside("calls what is no function")
	}
	name, args := ref.String(), terms[1:]
	if name == "eq" && len(args) == 2 {
		return l.unify(args[0], args[1], s)
	}
	if ref.HasPrefix(ast.DefaultRootRef) {
		return l.callRule(name, args, s)
	}
	decl, ok := ast.BuiltinMap[name]
	if !ok {
		return outside("calls %s", name)
	}
	arity := len(decl.Decl.FuncArgs().Args)
	if len(args) < arity || decl.Decl.FuncArgs().Variadic != nil {
		return outside("calls %s in an unknown form", name)
	}
	if name == "internal.member_2" {
		if done, err := l.memberOfRule(args, arity, s); done || err != nil {
			return err
		}
		if done, err := l.among(args, arity, s); done || err != nil {
			return err
		}
	}
	operands, err := l.operands(args[:arity], s)
	if err != nil {
		return err
	}
	in := instruction{to: none}
	result := kindAny
	switch relation, isRelation := relations[name]; {
	case isRelation:
		in.op, in.relation, in.a, in.b, result = opCompare, relation, operands[0], operands[1], kindBoolean
	case name == "internal.member_2":
		in.op, in.a, in.b, result = opIn, operands[0], operands[1], kindBoolean
	default:
		if in.function, err = l.function(name, operands); err != nil {
			return err
		}
		in.op, in.args, result = opBuiltin, operands, in.function.kind
	}
	return l.finish(in, result, args[arity:], s)
}

// among lowers x in [a, b, …] with members that aren't constants.
func (l *lowering) among(args []*ast.Term, arity int, s *scope) (bool, error) {
	var members []*ast.Term
	switch v := args[1].Value.(type) {
	case *ast.Array:
		v.Foreach(func(t *ast.Term) { members = append(members, t) })
	case ast.Set:
		members = v.Slice()
	}
	if len(members) == 0 || ast.IsConstant(args[1].Value) {
		return false, nil
	}
	operands, err := l.operands(members, s)
	if err != nil {
		return false, err
	}
	x, err := l.operand(args[0], s)
	if err != nil {
		return false, err
	}
	return true, l.finish(instruction{op: opAmong, a: x, args: operands, to: none}, kindBoolean, args[arity:], s)
}

// finish emits a call, with what becomes of its result.
func (l *lowering) finish(in instruction, result kind, more []*ast.Term, s *scope) error {
	if len(more) == 0 {
		s.emit(in)
		return nil
	}
	in.to = l.register(result)
	s.emit(in)
	return l.bind(more[0], in.to, s)
}

func (l *lowering) function(name string, operands []operand) (*function, error) {
	constant := make([]*ast.Term, len(operands))
	kinds := make([]kind, len(operands))
	for i, o := range operands {
		if kinds[i] = l.kindOf(o); o < 0 {
			constant[i] = l.p.constants[^o].term()
		}
	}
	fn, err := newFunction(name, constant)
	if err == nil && !sure(name, kinds) {
		l.p.exhaustive = true
	}
	return fn, err
}

func (l *lowering) operands(terms []*ast.Term, s *scope) ([]operand, error) {
	operands := make([]operand, len(terms))
	for i, t := range terms {
		var err error
		if operands[i], err = l.operand(t, s); err != nil {
			return nil, err
		}
	}
	return operands, nil
}

// unify lowers a = b: an assignment if a variable is free, else a comparison.
func (l *lowering) unify(a, b *ast.Term, s *scope) error {
	if l.free(a, s) {
		a, b = b, a
	}
	if l.free(a, s) {
		return outside("compares two variables that aren't bound")
	}
	if v, ok := b.Value.(ast.Var); ok && l.free(b, s) {
		if name, isSet := l.wholeSet(a, s); isSet {
			s.sets[v] = name
			return nil
		}
	}
	o, err := l.operand(a, s)
	if err != nil {
		return err
	}
	return l.bind(b, o, s)
}

func (l *lowering) free(t *ast.Term, s *scope) bool {
	v, ok := t.Value.(ast.Var)
	if !ok {
		return false
	}
	_, bound := s.vars[v]
	_, set := s.sets[v]
	return !bound && !set
}

// bind gives a free variable a value; all else is compared with it.
func (l *lowering) bind(t *ast.Term, o operand, s *scope) error {
	if l.free(t, s) {
		s.vars[t.Value.(ast.Var)] = o
		return nil
	}
	other, err := l.operand(t, s)
	if err != nil {
		return err
	}
	s.emit(instruction{op: opCompare, relation: relationEqual, a: o, b: other, to: none})
	return nil
}

// operand lowers a term to where its value is; where it is undefined, the body
// ends.
func (l *lowering) operand(t *ast.Term, s *scope) (operand, error) {
	switch v := t.Value.(type) {
	case ast.Var:
		o, ok := s.vars[v]
		if !ok {
			return 0, outside("uses a variable before it is bound, or a whole set")
		}
		return o, nil
	case ast.Ref:
		return l.reference(v, s)
	}
	if !ast.IsConstant(t.Value) {
		return 0, outside("makes or takes apart %s", ast.ValueName(t.Value))
	}
	return l.constant(t)
}

func (l *lowering) reference(ref ast.Ref, s *scope) (operand, error) {
	head, ok := ref[0].Value.(ast.Var)
	if !ok {
		return 0, outside("has a reference into %s", ast.ValueName(ref[0].Value))
	}
	switch {
	case head.Equal(ast.InputRootDocument.Value):
		return l.input(ref, s)
	case head.Equal(ast.DefaultRootDocument.Value):
		return l.ruleReference(ref, s)
	}
	o, bound := s.vars[head]
	if !bound {
		return 0, outside("has a reference into a variable that isn't bound")
	}
	return l.steps(o, ref[1:], s)
}

// input lowers a path under input: to a field, and perhaps on into its list.
func (l *lowering) input(ref ast.Ref, s *scope) (operand, error) {
	path := ""
	for i := 1; i < len(ref); i++ {
		name, ok := ref[i].Value.(ast.String)
		if !ok {
			return 0, outside("computes a name under input")
		}
		if path != "" {
			path += "."
		}
		path += string(name)
		if f := l.source.fields[path]; f != nil {
			to := l.register(f.kind())
			l.fields[to] = true
			s.emit(instruction{op: opLoad, field: f, to: to})
			return l.steps(to, ref[i+1:], s)
		}
	}
	return 0, outside("reads input.%s as a whole", path)
}

// steps lowers what follows a value in a reference: a member that is named, or
// every one.
func (l *lowering) steps(o operand, rest ast.Ref, s *scope) (operand, error) {
	for _, step := range rest {
		if l.kindOf(o) != kindAny && l.kindOf(o) < kindArray {
			return 0, outside("has a reference into what has no members")
		}
		if l.free(step, s) {
			key, to := l.members(o)
			s.emit(instruction{op: opEach, a: o, key: key, to: to})
			s.vars[step.Value.(ast.Var)] = key
			o = to
			continue
		}
		at, err := l.operand(step, s)
		if err != nil {
			return 0, err
		}
		to := l.register(kindAny)
		if l.fields[o] {
			l.kinds[to] = kindText
		}
		s.emit(instruction{op: opAt, a: o, b: at, to: to})
		o = to
	}
	return o, nil
}

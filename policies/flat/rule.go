package flat

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// What a residual's rules refer to: other rules that partial evaluation has
// left, each lowered once.

// find gives the longest beginning of a reference that names a rule that is
// left, and what follows.
func (l *lowering) find(ref ast.Ref) (name string, rest ast.Ref) {
	for n := len(ref); n > 1; n-- {
		if name = ref[:n].String(); l.left.rules[name] != nil {
			return name, ref[n:]
		}
	}
	return "", nil
}

func (l *lowering) ruleReference(ref ast.Ref, s *scope) (operand, error) {
	name, rest := l.find(ref)
	if name == "" {
		return 0, outside("depends on %s, which isn't known before it is asked", ref)
	}
	if l.makesSet(name) {
		return l.setReference(name, rest, s)
	}
	r, err := l.rule(name)
	if err != nil {
		return 0, err
	}
	if len(r.args) > 0 {
		return 0, outside("refers to a function without calling it")
	}
	to := l.register(l.ruleKind(r))
	s.emit(instruction{op: opRule, rule: r, to: to})
	return l.steps(to, rest, s)
}

// ruleKind is the kind of all that a rule may give.
func (l *lowering) ruleKind(r *rule) kind {
	k, first := kindAny, true
	for i := range r.clauses {
		if c := l.kindOf(r.clauses[i].head); first {
			k, first = c, false
		} else if c != k {
			return kindAny
		}
	}
	if r.fallback != none && l.kindOf(r.fallback) != k {
		return kindAny
	}
	return k
}

// setReference lowers set[x] with x bound: it is x, if x is a member.
func (l *lowering) setReference(name string, rest ast.Ref, s *scope) (operand, error) {
	if len(rest) != 1 || l.free(rest[0], s) {
		return 0, outside("takes the set %s as a whole", name)
	}
	set, err := l.set(name)
	if err != nil {
		return 0, err
	}
	o, err := l.operand(rest[0], s)
	if err != nil {
		return 0, err
	}
	s.emit(instruction{op: opMember, a: o, rule: set, to: none})
	return o, nil
}

// wholeSet says which set of rules a term is, if it is one.
func (l *lowering) wholeSet(t *ast.Term, s *scope) (string, bool) {
	switch v := t.Value.(type) {
	case ast.Var:
		name, ok := s.sets[v]
		return name, ok
	case ast.Ref:
		if !v.HasPrefix(ast.DefaultRootRef) {
			return "", false
		}
		name, rest := l.find(v)
		return name, name != "" && len(rest) == 0 && l.makesSet(name)
	}
	return "", false
}

// memberOfRule lowers x in set for a set that rules make.
func (l *lowering) memberOfRule(args []*ast.Term, arity int, s *scope) (bool, error) {
	name, ok := l.wholeSet(args[1], s)
	if !ok {
		return false, nil
	}
	set, err := l.set(name)
	if err != nil {
		return false, err
	}
	o, err := l.operand(args[0], s)
	if err != nil {
		return false, err
	}
	return true, l.finish(instruction{op: opMember, a: o, rule: set, to: none}, kindBoolean, args[arity:], s)
}

func (l *lowering) makesSet(name string) bool {
	return l.left.rules[name][0].Head.RuleKind() == ast.MultiValue
}

// callRule lowers a call of a function that is left.
func (l *lowering) callRule(name string, args []*ast.Term, s *scope) error {
	if l.left.rules[name] == nil {
		return outside("depends on %s, which isn't known before it is asked", name)
	}
	r, err := l.rule(name)
	if err != nil {
		return err
	}
	if len(args) < len(r.args) {
		return outside("calls %s in an unknown form", name)
	}
	operands, err := l.operands(args[:len(r.args)], s)
	if err != nil {
		return err
	}
	to := l.register(l.ruleKind(r))
	s.emit(instruction{op: opCall, rule: r, args: operands, to: to})
	if more := args[len(r.args):]; len(more) > 0 {
		return l.bind(more[0], to, s)
	}
	s.emit(instruction{op: opHolds, a: to})
	return nil
}

// rule lowers a rule that has one value.
func (l *lowering) rule(name string) (*rule, error) {
	if r := l.rules[name]; r != nil {
		return r, nil
	}
	first := l.left.rules[name][0]
	r := &rule{fallback: none, memo: none}
	for range first.Head.Args {
		r.args = append(r.args, l.register(kindAny))
	}
	if len(r.args) == 0 {
		r.memo = operand(l.p.memos)
		l.p.memos++
	}
	if err := l.clauses(r, name); err != nil {
		return nil, err
	}
	r.uniform = uniform(r)
	if !r.uniform && (len(r.clauses) > 1 || !single(r)) {
		// Two of them may differ, which is an error that must not be passed over.
		l.p.exhaustive = true
	}
	l.rules[name] = r
	return r, nil
}

// single reports whether a rule has no more than one value for certain.
func single(r *rule) bool {
	for i := range r.clauses {
		if r.clauses[i].head >= 0 && slices.ContainsFunc(r.clauses[i].body, func(in instruction) bool { return in.op == opEach }) {
			return false
		}
	}
	return true
}

func uniform(r *rule) bool {
	for i := range r.clauses {
		if h := r.clauses[i].head; h >= 0 || h != r.clauses[0].head {
			return false
		}
	}
	return true
}

// set lowers a rule that makes a set.
func (l *lowering) set(name string) (*rule, error) {
	if r := l.sets[name]; r != nil {
		return r, nil
	}
	r := &rule{fallback: none, memo: none}
	if err := l.clauses(r, name); err != nil {
		return nil, err
	}
	l.sets[name] = r
	return r, nil
}

// clauses lowers every rule of a name.
func (l *lowering) clauses(r *rule, name string) error {
	if slices.Contains(l.under, name) {
		return outside("is recursive")
	}
	l.under = append(l.under, name)
	defer func() { l.under = l.under[:len(l.under)-1] }()
	for _, from := range l.left.rules[name] {
		if len(from.Head.Ref()) != 1 || len(from.Head.Args) != len(r.args) {
			return outside("depends on %s, which is an object that rules make", name)
		}
		if from.Else != nil {
			return outside("depends on %s, whose else can't be taken apart", name)
		}
		if err := l.clause(r, from); err != nil {
			return err
		}
	}
	return nil
}

func (l *lowering) clause(r *rule, from *ast.Rule) error {
	s := newScope()
	for i, a := range from.Head.Args {
		if err := l.bind(a, r.args[i], s); err != nil {
			return err
		}
	}
	value := from.Head.Value
	if from.Head.RuleKind() == ast.MultiValue {
		value = from.Head.Key
	}
	if from.Default {
		var err error
		r.fallback, err = l.operand(value, s)
		return err
	}
	if err := l.body(from.Body, s); err != nil {
		return err
	}
	head, err := l.operand(value, s)
	if err != nil {
		return err
	}
	r.clauses = append(r.clauses, clause{s.body, head})
	r.cost += costOf(s.body)
	return nil
}

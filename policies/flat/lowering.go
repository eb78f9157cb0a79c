package flat

import (
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// lowering turns a residual into a program.
type lowering struct {
	p         *Program
	source    *Source
	left      *residual
	kinds     []kind           // of the registers, kindAny where it isn't known
	fields    map[operand]bool // registers that hold a field, whose members are texts
	constants map[string]operand
	rules     map[string]*rule
	sets      map[string]*rule
	under     []string // the rules that are being lowered
	isSet     bool     // the root is a set
}

// scope are the variables of a body that are bound.
type scope struct {
	vars map[ast.Var]operand
	sets map[ast.Var]string // those that stand for a whole set that rules make
	body []instruction
}

func newScope() *scope { return &scope{vars: map[ast.Var]operand{}, sets: map[ast.Var]string{}} }

// inner is a scope for conditions of which nothing is bound outside.
func (s *scope) inner() *scope {
	in := newScope()
	for k, v := range s.vars {
		in.vars[k] = v
	}
	for k, v := range s.sets {
		in.sets[k] = v
	}
	return in
}

func (s *scope) emit(in instruction) { s.body = append(s.body, in) }

// maxCost bounds how many steps a run may take on the longest lists that events
// may have: some 300 µs, which OPA takes for a fraction of that.
const (
	maxCost  = 100_000
	listCost = riskd.MaxList
)

func (s *Source) lower(left *residual, isSet bool) (*Program, error) {
	l := &lowering{
		p: &Program{fallback: -1}, source: s, left: left, isSet: isSet,
		fields: map[operand]bool{}, constants: map[string]operand{}, rules: map[string]*rule{}, sets: map[string]*rule{},
	}
	if err := l.root(); err != nil {
		return nil, err
	}
	cost := 0
	for i := range l.p.clauses {
		cost += costOf(l.p.clauses[i].body)
	}
	for _, r := range l.rules {
		if r.memo != none {
			cost += r.cost
		}
	}
	if cost > maxCost {
		return nil, outside("may take %d steps; the limit is %d", cost, maxCost)
	}
	l.p.registers = len(l.kinds)
	return l.p, nil
}

// root lowers the queries: one that only names a rule is its rules, others give
// the value themselves.
func (l *lowering) root() error {
	if len(l.left.queries) == 1 {
		if name, ok := l.onlyNames(l.left.queries[0]); ok {
			return l.rootRules(name)
		}
	}
	for _, q := range l.left.queries {
		s := newScope()
		if err := l.body(q, s); err != nil {
			return err
		}
		head, ok := s.vars[rootVar]
		if !ok {
			return outside("its value is no constant")
		}
		if err := l.rootValue(s, head); err != nil {
			return err
		}
	}
	return nil
}

// rootValue takes a query's value: of a set, which is known as a whole where no
// rule of it is left, every member.
func (l *lowering) rootValue(s *scope, head operand) error {
	if !l.isSet {
		return l.rootClause(s, head)
	}
	v, ok := l.constantSet(head)
	if !ok {
		return outside("its value depends on the input")
	}
	for _, t := range v.Slice() {
		at, err := l.head(t)
		if err != nil {
			return err
		}
		l.p.clauses = append(l.p.clauses, clause{s.body, operand(at)})
	}
	return nil
}

func (l *lowering) constantSet(o operand) (ast.Set, bool) {
	if o >= 0 || l.kindOf(o) != kindSet {
		return nil, false
	}
	set, ok := l.p.constants[^o].constant.term.Value.(ast.Set)
	return set, ok
}

// onlyNames finds the rule in data.partial.….rule = riskd_root.
func (l *lowering) onlyNames(q ast.Body) (string, bool) {
	if len(q) != 1 || !q[0].IsEquality() || len(q[0].With) > 0 || q[0].Negated {
		return "", false
	}
	ref, ok := q[0].Operand(0).Value.(ast.Ref)
	if !ok || q[0].Operand(1).Value.Compare(rootVar) != 0 {
		return "", false
	}
	name := ref.String()
	return name, l.left.rules[name] != nil
}

func (l *lowering) rootRules(name string) error {
	for _, r := range l.left.rules[name] {
		if len(r.Head.Ref()) != 1 || len(r.Head.Args) > 0 {
			return outside("is no plain rule")
		}
		value := r.Head.Value
		if r.Head.RuleKind() == ast.MultiValue {
			value = r.Head.Key
		}
		if r.Default {
			at, err := l.head(value)
			if err != nil {
				return err
			}
			l.p.fallback = at
			continue
		}
		if r.Else != nil {
			return outside("has an else that can't be taken apart")
		}
		s := newScope()
		if err := l.body(r.Body, s); err != nil {
			return err
		}
		head, err := l.operand(value, s)
		if err != nil {
			return err
		}
		if err := l.rootClause(s, head); err != nil {
			return err
		}
	}
	return nil
}

func (l *lowering) rootClause(s *scope, head operand) error {
	if head >= 0 {
		return outside("its value depends on the input")
	}
	at, err := l.head(l.p.constants[^head].term())
	if err != nil {
		return err
	}
	l.p.clauses = append(l.p.clauses, clause{s.body, operand(at)})
	return nil
}

// head is a value's place among the program's heads.
func (l *lowering) head(t *ast.Term) (int, error) {
	if !ast.IsConstant(t.Value) {
		return 0, outside("its value depends on the input")
	}
	for i, h := range l.p.Heads {
		if h.Equal(t) {
			return i, nil
		}
	}
	l.p.Heads = append(l.p.Heads, t)
	return len(l.p.Heads) - 1, nil
}

func (l *lowering) register(k kind) operand {
	l.kinds = append(l.kinds, k)
	return operand(len(l.kinds) - 1)
}

func (l *lowering) constant(t *ast.Term) (operand, error) {
	name := t.String()
	if o, ok := l.constants[name]; ok {
		return o, nil
	}
	v, err := valueOf(t)
	if err != nil {
		return 0, err
	}
	l.p.constants = append(l.p.constants, v)
	o := ^operand(len(l.p.constants) - 1)
	l.constants[name] = o
	return o, nil
}

func (l *lowering) kindOf(o operand) kind {
	if o >= 0 {
		return l.kinds[o]
	}
	return l.p.constants[^o].kind
}

// body lowers conditions, one after the other. What partial evaluation leaves isn't
// in order: a negation may stand before what binds its variables, and comes last
// then.
func (l *lowering) body(b ast.Body, s *scope) error {
	var last ast.Body
	for i, e := range b {
		if boundLater(e, b[i+1:], s) {
			last = append(last, e)
			continue
		}
		if err := l.expression(e, s); err != nil {
			return err
		}
	}
	for _, e := range last {
		if err := l.expression(e, s); err != nil {
			return err
		}
	}
	return nil
}

// boundLater reports whether a condition that binds nothing has a variable that
// isn't bound yet, but by one of those that follow.
func boundLater(e *ast.Expr, rest ast.Body, s *scope) bool {
	if !e.Negated && !e.IsEvery() {
		return false
	}
	free := e.Vars(ast.VarVisitorParams{SkipRefCallHead: true})
	for _, other := range rest {
		if other.Negated || other.IsEvery() {
			continue
		}
		for v := range other.Vars(ast.VarVisitorParams{SkipRefCallHead: true}) {
			_, bound := s.vars[v]
			if free.Contains(v) && !bound && !ast.RootDocumentNames.Contains(ast.VarTerm(string(v))) {
				return true
			}
		}
	}
	return false
}

func (l *lowering) expression(e *ast.Expr, s *scope) error {
	if len(e.With) > 0 {
		return outside("uses with")
	}
	if e.Negated {
		positive := *e
		positive.Negated = false
		in := s.inner()
		if err := l.expression(&positive, in); err != nil {
			return err
		}
		s.emit(instruction{op: opNot, body: in.body})
		return nil
	}
	switch t := e.Terms.(type) {
	case *ast.Term:
		return l.holds(t, s)
	case []*ast.Term:
		return l.call(t, s)
	case *ast.Every:
		return l.every(t, s)
	}
	return outside("has a condition of an unknown form")
}

// holds lowers a term that is a condition: defined and not false.
func (l *lowering) holds(t *ast.Term, s *scope) error {
	o, err := l.operand(t, s)
	if err != nil {
		return err
	}
	if k := l.kindOf(o); k == kindBoolean || k == kindAny {
		s.emit(instruction{op: opHolds, a: o})
	}
	return nil
}

// every lowers every k, v in list { … }: there is none for which not ….
func (l *lowering) every(e *ast.Every, s *scope) error {
	list, err := l.operand(e.Domain, s)
	if err != nil {
		return err
	}
	if l.kindOf(list) < kindArray || l.kindOf(list) == kindAny {
		return outside("uses every over what may be no collection")
	}
	out := s.inner()
	key, to := l.members(list)
	out.emit(instruction{op: opEach, a: list, key: key, to: to})
	for term, o := range map[*ast.Term]operand{e.Key: key, e.Value: to} {
		if term == nil {
			continue
		}
		v, ok := term.Value.(ast.Var)
		if !ok {
			return outside("uses every in an unknown form")
		}
		out.vars[v] = o
	}
	in := out.inner()
	if err := l.body(e.Body, in); err != nil {
		return err
	}
	out.emit(instruction{op: opNot, body: in.body})
	s.emit(instruction{op: opNot, body: out.body})
	return nil
}

// members makes registers for what goes through a collection.
func (l *lowering) members(list operand) (key, to operand) {
	switch {
	case !l.fields[list]:
		return l.register(kindAny), l.register(kindAny)
	case l.kindOf(list) == kindArray:
		return l.register(kindNumber), l.register(kindText)
	}
	return l.register(kindText), l.register(kindText)
}

func costOf(body []instruction) int {
	cost := 0
	for i := len(body) - 1; i >= 0; i-- {
		in := &body[i]
		switch in.op {
		case opNot:
			cost += 1 + costOf(in.body)
		case opEach:
			cost = 1 + listCost*(1+cost)
		case opRule: // evaluated once
			cost += 2
		case opCall, opMember:
			cost += 1 + in.rule.cost
		case opBuiltin:
			cost += in.function.cost
		case opIn, opCompare:
			cost += 4
		default:
			cost++
		}
		cost = min(cost, 1<<30)
	}
	return cost
}

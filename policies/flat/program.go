package flat

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

// Program is one compiled query. It is safe for concurrent use.
type Program struct {
	// Heads are the values that it can give, each once.
	Heads []*ast.Term

	clauses   []clause // their heads are places in Heads
	fallback  int      // place in Heads of the default's value, or -1
	constants []value
	registers int
	memos     int
	// exhaustive programs look at everything, as something may fail that OPA
	// would have looked at.
	exhaustive bool
}

// Run gives the places in Heads of all values for a case, in no order and valid
// until the frame's next run. Whoever gets more than one of a rule that has to
// have one value has a conflict. If it isn't sure, what it gave means nothing.
func (p *Program) Run(c *riskd.Case, f *Frame) (heads []int, sure bool) {
	f.begin(p, c)
	for i := range p.clauses {
		clause := &p.clauses[i]
		if !p.exhaustive && slices.Contains(f.found, int(clause.head)) {
			continue
		}
		s := f.push(p)
		f.walk(p, clause.body, s)
		f.pop()
		if f.unsure {
			return nil, false
		}
		if s.held && !slices.Contains(f.found, int(clause.head)) {
			f.found = append(f.found, int(clause.head))
		}
	}
	if len(f.found) == 0 && p.fallback >= 0 {
		f.found = append(f.found, p.fallback)
	}
	return f.found, true
}

// operand is a register, or a constant when it is negative.
type operand int32

// none stands for no operand where there may be one.
const none operand = -1 << 31

type clause struct {
	body []instruction
	head operand
}

// rule is a rule that others refer to.
type rule struct {
	clauses  []clause
	fallback operand // the default's value
	args     []operand
	memo     operand // none with arguments
	uniform  bool    // all its heads are the same constant
	cost     int
}

type op uint8

const (
	opLoad    op = iota // to := field
	opCompare           // a relation b
	opIn                // a in b
	opAmong             // a is one of args
	opAt                // to := a[b]
	opHolds             // a isn't false
	opMove              // to := a
	opNot               // no way in which body holds
	opRule              // to := rule
	opCall              // to := rule(args)
	opMember            // a in the set that rule makes
	opBuiltin           // to := function(args)
	opEach              // for every key, to in a: the rest
)

type relation uint8

const (
	relationEqual relation = iota
	relationUnequal
	relationLess
	relationAtMost
	relationMore
	relationAtLeast
)

// instruction is one step of a body. The result of a condition is put into a
// register, or decides when there is none.
type instruction struct {
	op       op
	relation relation
	a, b, to operand
	key      operand
	field    *Field
	rule     *rule
	args     []operand
	body     []instruction
	function *function
}

package flat

import (
	"slices"
	"sync"

	"github.com/riskd/riskd"
)

// Frame is where a program runs: its registers and what it found. One frame
// serves any number of runs, one at a time.
type Frame struct {
	c      *riskd.Case
	regs   []value
	memos  []memo
	run    uint64 // counts the runs: older memos don't count
	unsure bool
	found  []int
	sinks  []*sink
	depth  int
}

// memo is what a rule gave in a run.
type memo struct {
	run     uint64
	defined bool
	value   value
}

var frames = sync.Pool{New: func() any { return &Frame{} }}

// Borrow gives a frame; Return takes it back.
func Borrow() *Frame { return frames.Get().(*Frame) }

// Return makes a frame available to others. What Run gave isn't valid any more.
func Return(f *Frame) {
	f.c = nil
	frames.Put(f)
}

func (f *Frame) begin(p *Program, c *riskd.Case) {
	if len(f.regs) < p.registers {
		f.regs = make([]value, p.registers)
	}
	if len(f.memos) < p.memos {
		f.memos = make([]memo, p.memos)
	}
	f.run++
	f.c, f.unsure, f.found, f.depth = c, false, f.found[:0], 0
}

// sink is what becomes of a body that holds.
type sink struct {
	all     bool    // go on to the next way in which it holds
	head    operand // what it gives; none where only whether it holds is asked
	once    bool    // the head is the same whichever way it holds
	seeking bool    // the value is a set's member that is looked for

	held  bool
	value value // of the head
}

// push gives a sink, as those of one frame are made once; pop takes it back.
func (f *Frame) push(p *Program) *sink {
	if f.depth == len(f.sinks) {
		f.sinks = append(f.sinks, &sink{})
	}
	s := f.sinks[f.depth]
	s.all, s.head, s.once, s.seeking, s.held = p.exhaustive, none, false, false, false
	f.depth++
	return s
}

func (f *Frame) pop() { f.depth-- }

// accept takes notice that a body holds, and reports whether that is enough.
func (f *Frame) accept(p *Program, s *sink) bool {
	switch {
	case s.seeking:
		s.held = s.held || equal(f.get(p, s.head), &s.value)
		return s.held && !s.all
	case s.head == none:
		s.held = true
		return !s.all
	}
	v := f.get(p, s.head)
	if s.held && !equal(v, &s.value) {
		f.unsure = true // a conflict
		return true
	}
	s.held, s.value = true, *v
	return s.once && !s.all
}

func (f *Frame) get(p *Program, o operand) *value {
	if o >= 0 {
		return &f.regs[o]
	}
	return &p.constants[^o]
}

// walk runs a body to its end, once for each way in which its conditions may
// hold, and reports whether it is to stop there.
func (f *Frame) walk(p *Program, body []instruction, s *sink) bool {
	for i := range body {
		in := &body[i]
		holds := false
		switch in.op {
		case opLoad:
			holds = in.field.load(f.c, &f.regs[in.to])
		case opCompare:
			holds = f.compare(p, in)
		case opIn:
			holds = f.answer(in, f.get(p, in.b).has(f.get(p, in.a)))
		case opAmong:
			holds = f.answer(in, slices.ContainsFunc(in.args, func(o operand) bool { return equal(f.get(p, o), f.get(p, in.a)) }))
		case opAt:
			holds = f.at(p, in)
		case opHolds:
			holds = !f.get(p, in.a).fails()
		case opMove:
			f.regs[in.to] = *f.get(p, in.a)
			holds = true
		case opNot:
			inner := f.push(p)
			f.walk(p, in.body, inner)
			holds = !inner.held
			f.pop()
		case opRule:
			holds = f.rule(p, in.rule, &f.regs[in.to])
		case opCall:
			for j, a := range in.args {
				f.regs[in.rule.args[j]] = *f.get(p, a)
			}
			holds = f.rule(p, in.rule, &f.regs[in.to])
		case opMember:
			holds = f.member(p, in)
		case opBuiltin:
			holds = f.builtin(p, in)
		case opEach:
			return f.each(p, in, body[i+1:], s)
		}
		if f.unsure {
			return true
		}
		if !holds {
			return false
		}
	}
	return f.accept(p, s)
}

// answer puts a condition's result where it is wanted, or is the condition.
func (f *Frame) answer(in *instruction, is bool) (holds bool) {
	if in.to == none {
		return is
	}
	r := &f.regs[in.to]
	r.kind, r.flag = kindBoolean, is
	return true
}

func (f *Frame) compare(p *Program, in *instruction) bool {
	a, b := f.get(p, in.a), f.get(p, in.b)
	switch in.relation {
	case relationEqual:
		return f.answer(in, equal(a, b))
	case relationUnequal:
		return f.answer(in, !equal(a, b))
	}
	order, sure := compare(a, b)
	if !sure {
		f.unsure = true
		return false
	}
	switch in.relation {
	case relationLess:
		return f.answer(in, order < 0)
	case relationAtMost:
		return f.answer(in, order <= 0)
	case relationMore:
		return f.answer(in, order > 0)
	}
	return f.answer(in, order >= 0)
}

func (f *Frame) at(p *Program, in *instruction) bool {
	to := &f.regs[in.to]
	v := f.get(p, in.a).lookup(f.get(p, in.b), to)
	if v == nil {
		return false
	}
	if v != to {
		*to = *v
	}
	return true
}

// each goes through the members of a collection: the rest of the body is run
// for every one.
func (f *Frame) each(p *Program, in *instruction, rest []instruction, s *sink) bool {
	c := *f.get(p, in.a)
	key, to := &f.regs[in.key], &f.regs[in.to]
	switch {
	case c.constant != nil && c.kind == kindObject:
		for i := range c.constant.values {
			*key, *to = c.constant.keys[i], c.constant.values[i]
			if f.walk(p, rest, s) {
				return true
			}
		}
	case c.kind == kindArray || c.kind == kindSet:
		for i := range c.len() {
			if c.constant != nil {
				*to = c.constant.values[i]
			} else {
				to.kind, to.text = kindText, c.list[i]
			}
			if c.kind == kindSet {
				*key = *to
			} else {
				key.kind, key.number = kindNumber, float64(i)
			}
			if f.walk(p, rest, s) {
				return true
			}
		}
	case c.kind == kindObject:
		for k, v := range c.table {
			key.kind, key.text = kindText, k
			to.kind, to.text = kindText, v
			if f.walk(p, rest, s) {
				return true
			}
		}
	}
	return false
}

// rule gives a rule's value.
func (f *Frame) rule(p *Program, r *rule, to *value) (defined bool) {
	if r.memo == none {
		return f.evaluate(p, r, to)
	}
	m := &f.memos[r.memo]
	if m.run != f.run {
		m.defined = f.evaluate(p, r, &m.value)
		m.run = f.run
	}
	*to = m.value
	return m.defined
}

func (f *Frame) evaluate(p *Program, r *rule, to *value) (defined bool) {
	s := f.push(p)
	defer f.pop()
	for i := range r.clauses {
		s.head, s.once = r.clauses[i].head, r.clauses[i].head < 0
		f.walk(p, r.clauses[i].body, s)
		if f.unsure {
			return false
		}
		if s.held && r.uniform && !p.exhaustive {
			break
		}
	}
	switch {
	case s.held:
		*to = s.value
	case r.fallback != none:
		*to = *f.get(p, r.fallback)
	default:
		return false
	}
	return true
}

// member asks whether a set that rules make has a member.
func (f *Frame) member(p *Program, in *instruction) bool {
	s := f.push(p)
	defer f.pop()
	s.seeking, s.value = true, *f.get(p, in.a)
	for i := range in.rule.clauses {
		s.head = in.rule.clauses[i].head
		if f.walk(p, in.rule.clauses[i].body, s) || f.unsure {
			break
		}
	}
	return !f.unsure && f.answer(in, s.held)
}

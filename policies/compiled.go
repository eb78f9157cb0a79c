package policies

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies/flat"
)

// compiled is what of a pack needn't be asked of OPA, and what that gives. The
// rules outside of it are asked of OPA, the rest is flat programs.
type compiled struct {
	source *flat.Source // nil where nothing could be compiled
	store  storage.Store
	txn    storage.Transaction

	rules   []compiledRule
	parts   []part      // of all heads of all rules, in OPA's order of terms
	terms   []*ast.Term // the same, as OPA would give them
	outside *query      // those rules that OPA is asked for, nil when there are none

	decision, stepUp compiledValue
	outcomes         []outcomeRead // by the decision's heads
	demands          []demandRead  // by the step-up's

	check check
}

// compiledRule is one rule of the set of reasons.
type compiledRule struct {
	plan    RulePlan
	query   string
	program *flat.Program // nil when it is outside
	parts   []int         // places of its heads in compiled.parts
}

type compiledValue struct {
	plan    RulePlan
	defined bool // there are rules for it
	program *flat.Program
}

type outcomeRead struct {
	outcome riskd.Outcome
	err     error
}

type demandRead struct {
	demand riskd.Demand
	err    error
}

// maxParts is how many different reasons compiled rules may give in all.
const maxParts = 1024

// fired are the reasons of one case, by their places in compiled.parts.
type fired [maxParts / 64]uint64

// active reports whether programs may be asked.
func (k *compiled) active() bool { return k != nil && k.source != nil && !k.check.off.Load() }

// newCompiled compiles what can be. It never fails: what can't be compiled is
// asked of OPA, and the plan says why.
func (p *Pack) newCompiled(modules map[string]*ast.Module, store storage.Store, txn storage.Transaction, fields []field) *compiled {
	k := &compiled{store: store, txn: txn}
	k.decision = planned(modules, packageDecision, "decision")
	k.stepUp = planned(modules, packageDecision, "step_up")
	source, err := flat.NewSource(flat.Options{
		Modules: modules, Capabilities: Capabilities(), Store: store, Txn: txn, Fields: flatFields(fields),
		Set: packageRules.Append(ast.StringTerm("reasons")),
	})
	if err != nil {
		k.decision.plan.Why, k.stepUp.plan.Why = err.Error(), err.Error()
		k.rules = uncompiled(modules, err)
		return k
	}
	k.source = source
	k.compileRules(p)
	if k.outside, err = k.restOf(modules); err != nil {
		k.source = nil // OPA takes it as a whole
	}
	k.compileJudgement()
	return k
}

// planned finds where a rule of the judgement begins.
func planned(modules map[string]*ast.Module, pkg ast.Ref, name string) compiledValue {
	v := compiledValue{plan: RulePlan{Name: name}}
	for _, m := range sortedModules(modules) {
		for _, r := range m.Rules {
			if !v.defined && m.Package.Path.Equal(pkg) && ruleName(r) == name {
				v.defined = true
				v.plan.File, v.plan.Line = r.Location.File, r.Location.Row
			}
		}
	}
	return v
}

func sortedModules(modules map[string]*ast.Module) []*ast.Module {
	var names []string
	for name := range modules {
		names = append(names, name)
	}
	slices.Sort(names)
	sorted := make([]*ast.Module, len(names))
	for i, name := range names {
		sorted[i] = modules[name]
	}
	return sorted
}

func isReason(m *ast.Module, r *ast.Rule) bool {
	return m.Package.Path.Equal(packageRules) && ruleName(r) == "reasons" && r.Head.RuleKind() == ast.MultiValue
}

func planOf(r *ast.Rule) RulePlan {
	head, _ := r.Head.Key.Value.(ast.Object)
	return RulePlan{Name: literal(head, "code"), File: r.Location.File, Line: r.Location.Row}
}

func uncompiled(modules map[string]*ast.Module, why error) (rules []compiledRule) {
	for _, m := range sortedModules(modules) {
		for _, r := range m.Rules {
			if isReason(m, r) {
				plan := planOf(r)
				plan.Why = why.Error()
				rules = append(rules, compiledRule{plan: plan})
			}
		}
	}
	return rules
}

func (k *compiled) compileRules(p *Pack) {
	var all []*ast.Term
	for _, r := range k.source.Rules {
		rule := compiledRule{plan: planOf(r.Rule), query: r.Query}
		program, err := k.source.Compile(r.Query)
		switch {
		case err != nil:
			rule.plan.Why = err.Error()
		case len(all)+len(program.Heads) > maxParts:
			rule.plan.Why = "gives too many different reasons"
		default:
			rule.plan.Compiled, rule.program = true, program
			all = append(all, program.Heads...)
		}
		k.rules = append(k.rules, rule)
	}
	slices.SortFunc(all, func(a, b *ast.Term) int { return ast.Compare(a, b) })
	k.terms = slices.CompactFunc(all, func(a, b *ast.Term) bool { return a.Equal(b) })
	for _, t := range k.terms {
		k.parts = append(k.parts, p.readPart(t))
	}
	for i := range k.rules {
		if program := k.rules[i].program; program != nil {
			for _, h := range program.Heads {
				k.rules[i].parts = append(k.rules[i].parts, slices.IndexFunc(k.terms, h.Equal))
			}
		}
	}
}

// restOf prepares the question for the rules that aren't compiled, over modules
// without those that are.
func (k *compiled) restOf(modules map[string]*ast.Module) (*query, error) {
	if !slices.ContainsFunc(k.rules, func(r compiledRule) bool { return r.program == nil }) {
		return nil, nil
	}
	rest := map[string]*ast.Module{}
	at := 0
	for _, name := range sortedNames(modules) {
		m := modules[name].Copy()
		m.Rules = slices.DeleteFunc(m.Rules, func(r *ast.Rule) bool {
			if !isReason(m, r) {
				return false
			}
			at++
			return k.rules[at-1].program != nil
		})
		rest[name] = m
	}
	compiler := ast.NewCompiler().WithCapabilities(Capabilities()).WithDefaultRegoVersion(ast.RegoV1)
	if compiler.Compile(rest); compiler.Failed() {
		return nil, compiler.Errors
	}
	return prepare(queryReasons, compiler, k.store, k.txn)
}

func (k *compiled) compileJudgement() {
	if k.source == nil {
		return
	}
	for query, v := range map[string]*compiledValue{queryDecision: &k.decision, queryStepUp: &k.stepUp} {
		program, err := k.source.Compile(query)
		if err != nil {
			v.plan.Why = err.Error()
			continue
		}
		v.program, v.plan.Compiled = program, true
	}
	if k.decision.program != nil {
		for _, t := range k.decision.program.Heads {
			outcome, err := readOutcome(t)
			k.outcomes = append(k.outcomes, outcomeRead{outcome, err})
		}
	}
	if k.stepUp.program != nil {
		for _, t := range k.stepUp.program.Heads {
			demand, err := readDemanded(t)
			k.demands = append(k.demands, demandRead{demand, err})
		}
	}
}

func flatFields(fields []field) []flat.Field {
	all := make([]flat.Field, len(fields))
	for i := range fields {
		f := &fields[i]
		all[i] = flat.Field{Path: f.path, Number: f.number, Text: f.text, Flag: f.flag, List: f.list, Table: f.table}
	}
	return all
}

// flatReasons asks the programs, and OPA for those rules that have none.
func (p *Pack) flatReasons(ctx context.Context, c *riskd.Case) (reasons []riskd.Reason, err error, sure bool) {
	k := p.compiled
	var which fired
	n, sure := k.fire(c, &which)
	if !sure {
		return nil, nil, false
	}
	if k.outside != nil {
		reasons, err = p.withOutside(ctx, c, &which)
		return reasons, err, true
	}
	p.sampleReasons(c, &which)
	reasons, err = p.reasonsFired(c, &which, n)
	return reasons, err, true
}

// fire runs every rule's program.
func (k *compiled) fire(c *riskd.Case, which *fired) (n int, sure bool) {
	f := flat.Borrow()
	defer flat.Return(f)
	for i := range k.rules {
		r := &k.rules[i]
		if r.program == nil {
			continue
		}
		heads, sure := r.program.Run(c, f)
		if !sure {
			return 0, false
		}
		for _, h := range heads {
			at := r.parts[h]
			if bit := uint64(1) << (at % 64); which[at/64]&bit == 0 {
				which[at/64] |= bit
				n++
			}
		}
	}
	return n, true
}

func (p *Pack) reasonsFired(c *riskd.Case, which *fired, n int) ([]riskd.Reason, error) {
	switch {
	case n == 0:
		return nil, nil
	case n > maxReasons:
		return nil, invalid("%s has %d members; the limit is %d", queryReasons, n, maxReasons)
	}
	reasons := make([]riskd.Reason, 0, n)
	for word, set := range which {
		for ; set != 0; set &= set - 1 {
			r, err := p.reasonOf(&p.compiled.parts[word*64+bits.TrailingZeros64(set)], c)
			if err != nil {
				return nil, err
			}
			reasons = append(reasons, r)
		}
	}
	slices.SortStableFunc(reasons, func(a, b riskd.Reason) int { return strings.Compare(a.Code, b.Code) })
	return reasons, nil
}

// set is what fired as OPA would give it.
func (k *compiled) set(which *fired) ast.Set {
	set := ast.NewSet()
	for word, bitset := range which {
		for ; bitset != 0; bitset &= bitset - 1 {
			set.Add(k.terms[word*64+bits.TrailingZeros64(bitset)])
		}
	}
	return set
}

func (p *Pack) withOutside(ctx context.Context, c *riskd.Case, which *fired) ([]riskd.Reason, error) {
	q := p.bulkhead.question()
	q.query, q.now, q.input = p.compiled.outside, c.Now, p.rulesInput.input(c)
	if err := p.bulkhead.do(ctx, q); err != nil {
		return nil, err
	}
	defer p.bulkhead.release(q)
	if q.err != nil {
		return nil, q.err
	}
	rest, ok := q.answer.Value.(ast.Set)
	if !ok {
		return p.readReasons(q.answer, c)
	}
	return p.readReasons(ast.NewTerm(p.compiled.set(which).Union(rest)), c)
}

// flatJudgement asks the programs of the judgement.
func (p *Pack) flatJudgement(c *riskd.Case) (j riskd.Judgement, err error, sure bool) {
	k := p.compiled
	if k.decision.program == nil {
		return j, nil, false
	}
	f := flat.Borrow()
	defer flat.Return(f)
	decided, sure := one(k.decision.program.Run(c, f))
	switch {
	case !sure:
		return j, nil, false
	case decided < 0:
		err = undefined(queryDecision)
	case k.outcomes[decided].err != nil:
		err = k.outcomes[decided].err
	case k.outcomes[decided].outcome == riskd.StepUpNeeded:
		return p.flatDemand(c, f, decided)
	}
	p.sampleJudgement(c, decided, -1)
	if err == nil {
		j.Outcome = k.outcomes[decided].outcome
	}
	return j, err, true
}

func (p *Pack) flatDemand(c *riskd.Case, f *flat.Frame, decided int) (j riskd.Judgement, err error, sure bool) {
	k := p.compiled
	if k.stepUp.program == nil {
		return j, nil, false
	}
	demanded, sure := one(k.stepUp.program.Run(c, f))
	if !sure {
		return j, nil, false
	}
	p.sampleJudgement(c, decided, demanded)
	switch {
	case demanded < 0:
		return p.tunedDemand(c), nil, true
	case k.demands[demanded].err != nil:
		return j, k.demands[demanded].err, true
	}
	return riskd.Judgement{Outcome: riskd.StepUpNeeded, StepUp: k.demands[demanded].demand}, nil, true
}

// one is the value of a rule that has only one, -1 when it is undefined. Two are
// a conflict, which OPA is to report.
func one(heads []int, ok bool) (at int, sure bool) {
	switch {
	case !ok || len(heads) > 1:
		return 0, false
	case len(heads) == 0:
		return -1, true
	}
	return heads[0], true
}

func sortedNames(modules map[string]*ast.Module) []string {
	names := make([]string, 0, len(modules))
	for name := range modules {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	return names
}

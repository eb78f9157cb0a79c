package policies

import (
	"maps"
	"slices"

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
	var sorted []*ast.Module
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		sorted = append(sorted, modules[name])
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
	for _, name := range slices.Sorted(maps.Keys(modules)) {
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

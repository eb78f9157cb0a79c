package flat

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
)

// Options are what there is to compile.
type Options struct {
	// Modules are parsed, and compile; they aren't changed.
	Modules      map[string]*ast.Module
	Capabilities *ast.Capabilities
	// Store holds the data; its transaction stays open.
	Store  storage.Store
	Txn    storage.Transaction
	Fields []Field
	// Set is the set whose rules are compiled one by one.
	Set ast.Ref
}

// Source is a policy that is ready to be compiled to programs.
type Source struct {
	// Rules are those of Options.Set, each with the reference of a set that it
	// alone makes, in the order of their files.
	Rules []Rule

	compiler *ast.Compiler
	store    storage.Store
	txn      storage.Transaction
	fields   map[string]*Field
}

// Rule is one of the rules that make a set.
type Rule struct {
	Rule  *ast.Rule
	Query string
}

// NewSource prepares modules.
func NewSource(o Options) (*Source, error) {
	s := &Source{store: o.Store, txn: o.Txn, fields: map[string]*Field{}}
	for i := range o.Fields {
		s.fields[o.Fields[i].Path] = &o.Fields[i]
	}
	modules := map[string]*ast.Module{}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(o.Modules)) {
		m := o.Modules[name].Copy()
		m.Annotations = nil
		modules[name] = m
		apart(m, &count)
		if o.Set.HasPrefix(m.Package.Path) && len(o.Set) == len(m.Package.Path)+1 {
			s.single(m, o.Set)
		}
	}
	s.compiler = ast.NewCompiler().WithCapabilities(o.Capabilities).WithDefaultRegoVersion(ast.RegoV1)
	if s.compiler.Compile(modules); s.compiler.Failed() {
		return nil, fmt.Errorf("flat: %w", s.compiler.Errors[0])
	}
	return s, nil
}

// single gives every rule that makes the set a set of its own besides.
func (s *Source) single(m *ast.Module, set ast.Ref) {
	last, _ := set[len(set)-1].Value.(ast.String)
	for _, r := range slices.Clone(m.Rules) {
		if string(r.Head.Name) != string(last) || r.Head.RuleKind() != ast.MultiValue {
			continue
		}
		name := fmt.Sprintf("%s__%d", string(last), len(s.Rules))
		alone := r.Copy()
		alone.Annotations = nil
		alone.Head.Name = ast.Var(name)
		alone.Head.SetRef(ast.Ref{ast.VarTerm(name)})
		alone.Module = m
		m.Rules = append(m.Rules, alone)
		s.Rules = append(s.Rules, Rule{r, strings.Join([]string{m.Package.Path.String(), name}, ".")})
	}
}

// Compiler is where the queries of Rules are found.
func (s *Source) Compiler() *ast.Compiler { return s.compiler }

// Compile makes a program of a query: the reference of a rule. The error is an
// [*Outside].
func (s *Source) Compile(query string) (*Program, error) {
	w := watch{s.compiler, map[string]*trait{}}
	t := w.traits(ast.MustParseRef(query))
	if t.hidden {
		return nil, outside("has a condition that is known before it is asked, behind one that may fail; put it first")
	}
	return s.compile(query)
}

func (s *Source) compile(query string) (*Program, error) {
	left, err := s.partial(query)
	if err != nil {
		return nil, err
	}
	isSet := slices.ContainsFunc(s.Rules, func(r Rule) bool { return r.Query == query })
	return s.lower(left, isSet)
}

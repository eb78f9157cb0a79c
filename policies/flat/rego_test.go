package flat_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	oparego "github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/policies/flat"
	"github.com/riskd/riskd/rego"
	"github.com/riskd/riskd/signals"
)

// Every input of every Rego test gives what OPA makes of it, for the library and
// each pack that ships.
func TestRegoTestsThroughBoth(t *testing.T) {
	t.Parallel()
	for _, name := range policies.ShippedNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack, _ := policies.Shipped(name)
			modules, tests := modulesOf(t, rego.FS, pack)
			inputs := inputsOf(t, modules, tests)
			if len(inputs) < 50 {
				t.Fatalf("the tests have %d inputs", len(inputs))
			}
			p := newPolicy(t, modules, pack)
			queries := []string{"data.riskd.decision.decision", "data.riskd.decision.step_up"}
			for _, r := range p.source.Rules {
				queries = append(queries, r.Query)
			}
			for _, q := range queries {
				p.compare(t, q, inputs)
			}
		})
	}
}

func modulesOf(t *testing.T, folders ...fs.FS) (modules, tests map[string]*ast.Module) {
	t.Helper()
	modules, tests = map[string]*ast.Module{}, map[string]*ast.Module{}
	for _, folder := range folders {
		err := fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".rego") {
				return err
			}
			text, err := fs.ReadFile(folder, path)
			if err != nil {
				return err
			}
			m, err := ast.ParseModuleWithOpts(path, string(text), ast.ParserOptions{RegoVersion: ast.RegoV1})
			if strings.HasSuffix(path, "_test.rego") {
				tests[path] = m
			} else {
				modules[path] = m
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return modules, tests
}

// listener keeps the inputs that rules are asked with.
type listener struct {
	mu     sync.Mutex
	inputs map[string]ast.Value
}

func (*listener) Enabled() bool               { return true }
func (*listener) Config() topdown.TraceConfig { return topdown.TraceConfig{} }
func (l *listener) TraceEvent(e topdown.Event) {
	if input := e.Input(); input != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.inputs[input.String()] = input.Value
	}
}

func inputsOf(t *testing.T, modules, tests map[string]*ast.Module) []ast.Value {
	t.Helper()
	all := maps.Clone(modules)
	maps.Copy(all, tests)
	heard := &listener{inputs: map[string]ast.Value{}}
	store := inmem.New()
	txn, err := store.NewTransaction(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Abort(t.Context(), txn)
	results, err := tester.NewRunner().SetStore(store).SetModules(all).SetCoverageQueryTracer(heard).RunTests(t.Context(), txn)
	if err != nil {
		t.Fatal(err)
	}
	for range results {
	}
	return slices.Collect(maps.Values(heard.inputs))
}

// policy is a policy of which the input is JSON: the cases stand for documents.
type policy struct {
	source *flat.Source
	store  storage.Store
	txn    storage.Transaction
	inputs map[*riskd.Case]ast.Value
}

func newPolicy(t *testing.T, modules map[string]*ast.Module, pack fs.FS) *policy {
	t.Helper()
	text, err := fs.ReadFile(pack, "tuning.json")
	if err != nil {
		t.Fatal(err)
	}
	var tuning map[string]any
	if err := json.Unmarshal(text, &tuning); err != nil {
		t.Fatal(err)
	}
	p := &policy{store: inmem.NewFromObject(map[string]any{"tuning": tuning}), inputs: map[*riskd.Case]ast.Value{}}
	if p.txn, err = p.store.NewTransaction(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, schema := policies.Schema(signals.Descriptions())
	p.source, err = flat.NewSource(flat.Options{
		Modules: modules, Capabilities: policies.Capabilities(), Store: p.store, Txn: p.txn,
		Fields: p.fields(schema, ""), Set: ast.MustParseRef("data.riskd.rules.reasons"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// fields are those of a schema, read from the document that a case stands for.
func (p *policy) fields(schema map[string]any, path string) (fields []flat.Field) {
	if properties, ok := schema["properties"].(map[string]any); ok {
		for name, s := range properties {
			fields = append(fields, p.fields(s.(map[string]any), strings.TrimPrefix(path+"."+name, "."))...)
		}
		return fields
	}
	f := flat.Field{Path: path}
	switch schema["type"] {
	case "number":
		f.Number = func(c *riskd.Case) (float64, bool) {
			n, ok := p.find(c, path).(ast.Number)
			v, _ := n.Float64()
			return v, ok
		}
	case "string":
		f.Text = func(c *riskd.Case) string { s, _ := p.find(c, path).(ast.String); return string(s) }
	case "boolean":
		f.Flag = func(c *riskd.Case) (bool, bool) { b, ok := p.find(c, path).(ast.Boolean); return bool(b), ok }
	case "array":
		f.List = func(c *riskd.Case) (list []string) {
			if a, ok := p.find(c, path).(*ast.Array); ok {
				a.Foreach(func(t *ast.Term) { list = append(list, string(t.Value.(ast.String))) })
			}
			return list
		}
	default:
		f.Table = func(*riskd.Case) map[string]string { return nil }
	}
	return []flat.Field{f}
}

func (p *policy) find(c *riskd.Case, path string) ast.Value {
	v := p.inputs[c]
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(ast.Object)
		if !ok {
			return nil
		}
		member := object.Get(ast.StringTerm(name))
		if member == nil {
			return nil
		}
		v = member.Value
	}
	return v
}

// compare asks one query about all inputs, of a program and of OPA.
func (p *policy) compare(t *testing.T, query string, inputs []ast.Value) {
	t.Helper()
	program, err := p.source.Compile(query)
	if err != nil {
		t.Errorf("%s: %v", query, err)
		return
	}
	prepared, err := oparego.New(
		oparego.Query(query), oparego.Compiler(p.source.Compiler()), oparego.Store(p.store), oparego.Transaction(p.txn),
		oparego.StrictBuiltinErrors(true),
		oparego.GenerateJSON(func(t *ast.Term, _ *oparego.EvalContext) (any, error) { return t, nil }),
	).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	isSet := slices.ContainsFunc(p.source.Rules, func(r flat.Rule) bool { return r.Query == query })
	frame := flat.Borrow()
	defer flat.Return(frame)
	for _, input := range inputs {
		c := &riskd.Case{}
		p.inputs[c] = withLists(input)
		heads, sure := program.Run(c, frame)
		got := "undefined"
		if isSet {
			set := ast.NewSet()
			for _, h := range heads {
				set.Add(program.Heads[h])
			}
			got = set.String()
		} else if len(heads) == 1 {
			got = program.Heads[heads[0]].String()
		}
		results, err := prepared.Eval(t.Context(), oparego.EvalParsedInput(p.inputs[c]), oparego.EvalTransaction(p.txn))
		want := "undefined"
		if len(results) > 0 {
			want = results[0].Expressions[0].Value.(*ast.Term).String()
		}
		if !sure || err != nil || got != want {
			t.Errorf("%s: got %s (sure: %v), want %s (%v) for %s", query, got, sure, want, err, input)
		}
	}
}

// withLists is an input with the lists that an input always has.
func withLists(input ast.Value) ast.Value {
	always := ast.MustParseTerm(`{"reasons": [], "invariants": [], "user": {"roles": []}, "session": {"amr": []}, "device": {"attributes": {}}, "event": {"attributes": {}}}`)
	o, ok := input.(ast.Object)
	if !ok {
		return always.Value
	}
	return union(o, always.Value.(ast.Object))
}

// union is both, a's where both have a member.
func union(a, b ast.Object) ast.Object {
	both, _ := a.MergeWith(b, func(x, y *ast.Term) (*ast.Term, bool) {
		if inner, ok := x.Value.(ast.Object); ok {
			return ast.NewTerm(union(inner, y.Value.(ast.Object))), false
		}
		return x, false
	})
	return both
}

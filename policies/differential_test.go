package policies_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/policies/flat"
)

var (
	pairs = flag.Int("pairs", 20_000, "how many pairs of a generated pack and an input TestDifferential compares")
	seed  = flag.Uint64("seed", 1, "where TestDifferential's packs begin")
)

// inputsPerPack is how many inputs each generated pack is asked about.
const inputsPerPack = 200

// Programs and OPA give the same answers and the same errors, whatever the rules
// and whatever the input.
func TestDifferential(t *testing.T) {
	t.Parallel()
	var asked, sure, rules, compiled, failed atomic.Int64
	work := make(chan uint64)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for n := range work {
				r := rand.New(rand.NewPCG(*seed, n))
				pack, source := generatePack(t, r)
				for _, p := range pack.Plan() {
					rules.Add(1)
					if p.Compiled {
						compiled.Add(1)
					}
				}
				reference := policies.Reference(pack)
				for range inputsPerPack {
					c := generateCase(r)
					asked.Add(1)
					if rules, judgement := pack.Sure(c); rules || judgement {
						sure.Add(1)
					}
					said, bad := difference(t.Context(), pack, reference, c)
					if bad {
						failed.Add(1)
					}
					if said != "" {
						input, _ := pack.Input(c)
						t.Errorf("-seed %d, pack %d: %s\ninput: %s\n%s", *seed, n, said, input, source)
						break
					}
				}
			}
		})
	}
	for n := range uint64(*pairs+inputsPerPack-1) / inputsPerPack {
		work <- n
	}
	close(work)
	wg.Wait()
	t.Logf("%d pairs, %d of them with rules or judgement without OPA, %d with an error; %d of %d rules compiled", asked.Load(), sure.Load(), failed.Load(), compiled.Load(), rules.Load())
	if sure.Load()*3 < asked.Load() || compiled.Load()*10 < rules.Load()*7 || failed.Load() == 0 {
		t.Error("too little of that was a comparison")
	}
}

// difference says where two packs differ about a case, and whether there was an
// error.
func difference(ctx context.Context, a, b *policies.Pack, c *riskd.Case) (said string, failed bool) {
	x, err1 := a.Reasons(ctx, c)
	y, err2 := b.Reasons(ctx, c)
	if !sameError(err1, err2) || !reflect.DeepEqual(x, y) {
		return fmt.Sprintf("reasons are %s %v, want %s %v", codes(x), err1, codes(y), err2), true
	}
	j, err3 := a.Judge(ctx, c)
	k, err4 := b.Judge(ctx, c)
	if !sameError(err3, err4) || !reflect.DeepEqual(j, k) {
		return fmt.Sprintf("judgement is %+v %v, want %+v %v", j, err3, k, err4), true
	}
	return "", err1 != nil || err3 != nil
}

func codes(reasons []riskd.Reason) string {
	var all []string
	for _, r := range reasons {
		all = append(all, fmt.Sprintf("%s(%g)", r.Code, r.Nats))
	}
	return strings.Join(all, " ")
}

func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	var x, y *policies.Error
	return errors.As(a, &x) && errors.As(b, &y) && x.Code == y.Code && a.Error() == b.Error()
}

// A compiler with a fault differs from OPA on the cases of TestDifferential's
// kind: what the test is there to find, it finds.
func TestDifferentialFindsFaults(t *testing.T) {
	t.Parallel()
	const policy = `
decision := "revoke" if input.score > "texts are more than numbers"
else := "step_up" if input.score >= 60
else := "allow" if not input.user.id
else := "allow" if input.user.type != "admin"
`
	files, library := packOf(t, policy), libraryOf(t, testRules)
	o := policies.Options{Signals: testSignals, Library: library}
	pack, err := policies.CompileUntried("test", files, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pack.Plan() {
		if !p.Compiled {
			t.Fatalf("%+v", p)
		}
	}
	eachRule := func(name string, do func(*ast.Rule)) func(map[string]*ast.Module) {
		return func(modules map[string]*ast.Module) {
			for _, m := range modules {
				for _, r := range m.Rules {
					if string(r.Head.Name) == name {
						do(r)
					}
				}
			}
		}
	}
	for name, test := range map[string]struct {
		fault policies.Slip
		finds bool
	}{
		"none": {policies.Slip{}, false},
		"a missed undefined": {policies.Slip{Field: func(f *flat.Field) {
			if get := f.Text; get != nil {
				f.Text = func(c *riskd.Case) string { return get(c) + " " }
			}
		}}, true},
		"a wrong order of types": {policies.Slip{Modules: eachRule("decision", func(r *ast.Rule) {
			r.Body[0].SetOperator(ast.RefTerm(ast.VarTerm("lt")))
		})}, true},
		"a dropped alternative": {policies.Slip{Modules: eachRule("decision", func(r *ast.Rule) {
			r.Else.Else.Else = nil
		})}, true},
		"a lost rule": {policies.Slip{Loses: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planted := policies.Plant(pack, files, o, test.fault)
			reference, found := policies.Reference(pack), 0
			r := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				if said, _ := difference(t.Context(), planted, reference, generateCase(r)); said != "" {
					found++
				}
			}
			if found > 0 != test.finds {
				t.Errorf("%d of 500 cases differ", found)
			}
		})
	}
}

// generatePack makes up a pack that compiles, and gives its text.
func generatePack(t *testing.T, r *rand.Rand) (*policies.Pack, string) {
	for try := 0; ; try++ {
		rules, policy := generateRules(r), generatePolicy(r)
		files, library := packOf(t, policy), libraryOf(t, rules)
		pack, err := policies.CompileUntried("generated", files, policies.Options{
			Signals: testSignals, Library: library,
			Overlay: []byte(`{"roles": {"user": {"privilege": 2}, "admin": {"privilege": 8}}}`),
		})
		if err == nil {
			return pack, policy + "\n" + rules
		}
		if try == 50 {
			t.Errorf("no generated pack compiles: %v\n%s\n%s", err, policy, rules)
			return compile(t, "", ""), ""
		}
	}
}

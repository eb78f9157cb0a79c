package policies_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

// A built-in function that takes as long as the test wants: what every function
// is that OPA can't interrupt. An argument "panic" makes it panic.
const blockName = "test.block"

var gates sync.Map // name → chan struct{}: closed when the function may return

func init() {
	rego.RegisterBuiltin1(&rego.Function{
		Name: blockName, Decl: types.NewFunction(types.Args(types.S), types.B),
	}, func(_ rego.BuiltinContext, name *ast.Term) (*ast.Term, error) {
		if name.Equal(ast.StringTerm("panic")) {
			panic("on demand")
		}
		if g, ok := gates.Load(string(name.Value.(ast.String))); ok {
			<-g.(chan struct{})
		}
		return ast.InternedTerm(true), nil
	})
}

func routed(route string) *riskd.Case {
	c := quietCase()
	c.Event.Request.Route = route
	return c
}

// The caller has his answer at the deadline, though the evaluator hangs, and
// other callers have theirs.
func TestDeadlineDoesNotWait(t *testing.T) {
	pack := compile(t, "decision := \"allow\" if test.block(object.get(input.request, \"route\", \"/\"))", "")
	gate := make(chan struct{})
	gates.Store(t.Name(), gate)
	defer close(gate)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	judgement, err := pack.Judge(ctx, routed(t.Name())) // returns: the gate is shut
	wantCode(t, err, policies.CodeTimeout)
	if judgement.Outcome != riskd.NoOutcome {
		t.Errorf("a late policy says %s", judgement.Outcome)
	}
	for range 100 {
		if _, err := pack.Judge(t.Context(), routed("/")); err != nil {
			t.Fatal(err)
		}
	}
}

// Modules that the capabilities allow and that would run for hours end soon
// after the deadline: asked again and again, the pack is never stuck for good.
func TestHostileModules(t *testing.T) {
	const list = `hundred := [x | some x in split("` + hundred + `", "")]` + "\n"
	for name, body := range map[string]string{
		"nested comprehension": `count([1 | some a in hundred; some b in hundred; some c in hundred; some d in hundred; a != b; c != d]) > 1`,
		"nested iteration":     `every a in hundred { every b in hundred { every c in hundred { every d in hundred { concat("", [a, b, c, d]) != "" } } } }`,
		"cross product":        `some a, b, c, d; hundred[a] != "y"; hundred[b] != "y"; hundred[c] != "y"; hundred[d] != "y"; a + b + c + d > 1000`,
		"regular expression":   `count([1 | some a in hundred; some b in hundred; some c in hundred; regex.match("(x+)+y", concat("", [a, b, c, input.client.user_agent]))]) > 1`,
		"text that grows":      `count({s | some a in hundred; some b in hundred; some c in hundred; s := sprintf("%s%s%s%d", [a, b, c, count(input.client.user_agent)])}) > 1; some a, b, c, d; hundred[a] == hundred[b]; hundred[c] != hundred[d]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pack := compile(t, "decision := \"allow\" if input.request.route == \"/\"\ndecision := \"revoke\" if {\n\tinput.request.route == \"/hostile\"\n\t"+
				strings.ReplaceAll(body, "; ", "\n\t")+"\n}\n"+list+`
# The rehearsal's request has no route.
decision := "allow" if not input.request.route`, "")
			c := routed("/hostile")
			c.Event.Client.UserAgent = strings.Repeat("x", riskd.MaxText)
			for range 8 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
				_, err := pack.Judge(ctx, c)
				cancel()
				if err == nil {
					t.Fatal("it isn't slow: the test shows nothing")
				}
			}
			for {
				j, err := pack.Judge(t.Context(), routed("/"))
				var e *policies.Error
				if errors.As(err, &e) && e.Code == policies.CodeBusy {
					runtime.Gosched() // as long as evaluators are on their way back
					continue
				}
				if err != nil || j.Outcome != riskd.Allow {
					t.Errorf("afterwards: %v, %v", j, err)
				}
				break
			}
		})
	}
}

const hundred = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

// A function that panics spoils one answer, not the process.
func TestPanic(t *testing.T) {
	t.Parallel()
	pack := compile(t, "decision := \"allow\" if test.block(object.get(input.request, \"route\", \"/\"))", "")
	_, err := pack.Judge(t.Context(), routed("panic"))
	wantCode(t, err, policies.CodeError)
	if j, err := pack.Judge(t.Context(), routed("/")); err != nil || j.Outcome != riskd.Allow {
		t.Errorf("afterwards: %v, %v", j, err)
	}
}

package policies_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// Every rule and every pack that ships is compiled as a whole.
func TestShippedPacksAreCompiled(t *testing.T) {
	t.Parallel()
	for _, name := range policies.ShippedNames() {
		files, _ := policies.Shipped(name)
		pack, err := policies.Compile(name, files, policies.Options{Signals: signals.Descriptions()})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, p := range pack.Plan() {
			seen[p.Name] = true
			if !p.Compiled || p.Why != "" {
				t.Errorf("pack %s: %s:%d: %s isn't compiled: %s", name, p.File, p.Line, p.Name, p.Why)
			}
			if p.File == "" || p.Line == 0 {
				t.Errorf("pack %s: %s has no place", name, p.Name)
			}
		}
		for code := range pack.Info().Rules {
			if !seen[code] {
				t.Errorf("pack %s: the plan lacks %s", name, code)
			}
		}
		if !seen["decision"] || !seen["step_up"] {
			t.Errorf("pack %s: the plan lacks the judgement", name)
		}
		if active, mismatches := pack.Compiled(); !active || mismatches != 0 {
			t.Errorf("pack %s: active is %v, with %d mismatches", name, active, mismatches)
		}
	}
}

// A rule that doesn't fit is the only one that OPA is asked for, and the plan
// says why.
func TestPlanSaysWhatIsNotCompiled(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", testRules+metadata("sum", "network")+
		"reasons contains {\"code\": \"sum\", \"nats\": 1} if sum([input.readings.speed.value, 1]) > 3\n")
	for _, p := range pack.Plan() {
		if p.Compiled != (p.Name != "sum") || (p.Why == "") != p.Compiled {
			t.Errorf("%+v", p)
		}
	}
	reasons, err := pack.Reasons(t.Context(), riskyCase())
	if err != nil || len(reasons) != 4 {
		t.Errorf("got %v, %v; want country, speed, stolen and sum", reasons, err)
	}
}

func TestPrices(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", "")
	prices, whole, err := pack.Prices(t.Context(), []*riskd.Case{quietCase(), riskyCase()})
	if err != nil || len(prices) != len(pack.Plan()) {
		t.Fatalf("got %v, %v", prices, err)
	}
	for i, p := range prices {
		if p.RulePlan != pack.Plan()[i] || p.Took <= 0 || p.OPA <= 0 {
			t.Errorf("%+v", p)
		}
	}
	if !whole.Compiled || whole.Took <= 0 || whole.OPA <= 0 {
		t.Errorf("all of them: %+v", whole)
	}
	if _, _, err := pack.Prices(t.Context(), nil); err == nil {
		t.Error("prices of nothing")
	}
	over, end := context.WithCancel(t.Context())
	end()
	if _, _, err := pack.Prices(over, []*riskd.Case{quietCase()}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want that there was no time", err)
	}
}

// Loops within loops take too long to be compiled, and put into one another by
// partial evaluation they would lose their order; whoever is asked, it is right.
func TestLoopsWithinLoops(t *testing.T) {
	t.Parallel()
	pack := compile(t, "", testRules+"atmost(v, w) if v <= w\n\natmost(_, w) if w == \"a\"\n\n"+metadata("moved", "network")+
		`reasons contains {"code": "moved", "nats": 1} if {
	some role in input.user.roles
	not role == "guest"
	some i, other in input.user.roles
	startswith(other, "ad")
	i > 0
	not atmost(input.user.roles, input.event.time)
}
`)
	for want, roles := range map[bool][]string{true: {"admin", "user", "admin"}, false: {"admin", "user"}} {
		c := riskyCase()
		c.Event.User.Roles = roles
		got, err := pack.Reasons(t.Context(), c)
		if fires := strings.Contains(codes(got), "moved"); err != nil || fires != want {
			t.Errorf("with %q: %s %v", roles, codes(got), err)
		}
	}
}

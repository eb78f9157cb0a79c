package policies_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// twice is a policy that asks programs and OPA, and notes where they differ.
type twice struct {
	*policies.Pack
	t         *testing.T
	asked     atomic.Int64
	reference *policies.Pack
}

func (p *twice) Reasons(ctx context.Context, c *riskd.Case) ([]riskd.Reason, error) {
	if rules, _ := p.Sure(c); !rules {
		p.t.Error("OPA is asked for reasons")
	}
	return p.Pack.Reasons(ctx, c)
}

func (p *twice) Judge(ctx context.Context, c *riskd.Case) (riskd.Judgement, error) {
	p.asked.Add(1)
	if _, judgement := p.Sure(c); !judgement {
		p.t.Error("OPA is asked for a judgement")
	}
	if said, _ := difference(context.WithoutCancel(ctx), p.Pack, p.reference, c); said != "" {
		p.t.Error(said)
	}
	return p.Pack.Judge(ctx, c)
}

// What every scenario asks of every pack is answered by programs alone, and as
// OPA answers it.
func TestScenariosThroughBoth(t *testing.T) {
	t.Parallel()
	all, err := fixtures.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		t.Fatal(err)
	}
	defer locator.Close()
	for _, name := range policies.ShippedNames() {
		files, _ := policies.Shipped(name)
		packs := map[string]*policies.Pack{} // by the overlay
		for _, s := range all {
			pack := packs[string(s.Tuning)]
			if pack == nil {
				if pack, err = policies.Compile(name, files, policies.Options{Signals: signals.Descriptions(), Overlay: s.Tuning}); err != nil {
					t.Fatalf("%s: %v", s.Name, err)
				}
				packs[string(s.Tuning)] = pack
			}
			policy := &twice{Pack: pack, t: t, reference: policies.Reference(pack)}
			playTwice(t, &s, policy, locator)
			if policy.asked.Load() == 0 {
				t.Errorf("%s asks nothing", s.Name)
			}
		}
	}
}

func playTwice(t *testing.T, s *fixtures.Scenario, policy *twice, locator *geo.Locator) {
	t.Helper()
	key, err := riskd.NewSessionKey(make([]byte, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return policy },
		NewID:    func() string { ids++; return fmt.Sprint(ids) },
		Deadline: time.Minute, // a machine under load mustn't change an answer
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range s.Events {
		_, document, err := fixtures.SplitLine(line)
		if err != nil {
			t.Fatal(err)
		}
		event, err := api.DecodeTraceEvent(document, key)
		if err != nil {
			t.Fatal(err)
		}
		engine.Decide(t.Context(), event, event.Time)
	}
}

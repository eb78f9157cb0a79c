package main

import (
	"context"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/decisions"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
)

// defaultKeep is how many decisions are kept unless the config says otherwise.
const defaultKeep = 10_000

// past are the last decisions, and the packs that have taken them.
type past struct {
	*decisions.Ring
	packs *policies.Set
	// explaining holds one: however many ask, those who decide have to share the
	// pack's evaluators with one explanation at a time.
	explaining chan struct{}
}

func newPast(keep int, packs *policies.Set) (*past, error) {
	ring, err := decisions.New(decisions.Options{Keep: keep})
	return &past{Ring: ring, packs: packs, explaining: make(chan struct{}, 1)}, err
}

// explainFor is how long an explanation may look for what would have been allowed.
const explainFor = 2 * time.Second

// Explain finds a decision and says how it came about.
func (p *past) Explain(ctx context.Context, id string) (riskd.Explanation, bool) {
	k, ok := p.Decision(id)
	if !ok {
		return riskd.Explanation{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, explainFor)
	defer cancel()
	select {
	case p.explaining <- struct{}{}:
		defer func() { <-p.explaining }()
	case <-ctx.Done(): // which says so
	}
	if pack := p.packs.Kept(k.Pack, k.Revision); pack != nil {
		return scoring.Explain(ctx, &k, pack), true
	}
	return scoring.Explain(ctx, &k, nil), true
}

// forgetful are orders that forget what is kept of a user's decisions as well.
type forgetful struct {
	*state
	past *past
}

// Erase forgets a user. His decisions go first: what comes in meanwhile is revoked,
// and once he is erased nothing may be left of what came before.
func (f forgetful) Erase(ctx context.Context, tenant, user string, at time.Time, actor string) (int, error) {
	f.past.Forget(tenant, user)
	ended, err := f.state.Erase(ctx, tenant, user, at, actor)
	f.past.Forget(tenant, user) // those that were on their way
	return ended, err
}

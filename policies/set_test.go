package policies_test

import (
	"sync"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

// Packs are swapped while they are asked: every answer is wholly one pack's.
func TestSwapUnderLoad(t *testing.T) {
	t.Parallel()
	packs := []*policies.Pack{
		compile(t, `decision := "revoke" if input.score >= 0`, ""),
		compile(t, `decision := "step_up" if input.score >= 0`, "", `{"rules": {"country": {"max": 3}}}`),
	}
	outcome := map[*policies.Pack]riskd.Outcome{packs[0]: riskd.Revoke, packs[1]: riskd.StepUpNeeded}
	nats := map[*policies.Pack]float64{packs[0]: 6.1, packs[1]: 3}
	set := policies.NewSet(packs[0])
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := riskyCase()
			for range 300 {
				p := set.Current()
				reasons, err := p.Reasons(t.Context(), c)
				if err != nil || reasons[0].Nats != nats[p] {
					t.Errorf("got %v, %v", reasons, err)
				}
				judgement, err := p.Judge(t.Context(), c)
				if err != nil || judgement.Outcome != outcome[p] {
					t.Errorf("got %v, %v", judgement, err)
				}
			}
		})
	}
	for i := range 300 {
		set.Swap(packs[i%2])
	}
	wg.Wait()
}

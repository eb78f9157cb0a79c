package policies_test

import (
	"fmt"
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

// The last packs are kept, one of each revision.
func TestPacksBeforeAreKept(t *testing.T) {
	t.Parallel()
	var packs []*policies.Pack
	for i := range policies.KeptPacks + 2 {
		packs = append(packs, compile(t, `decision := "allow" if input.score >= 0`, "", fmt.Sprintf(`{"rules": {"country": {"max": %d}}}`, i+1)))
	}
	kept := func(s *policies.Set) (got []int) {
		for i, p := range packs {
			if s.Kept(p.Info().Name, p.Info().Revision) == p {
				got = append(got, i)
			}
		}
		return got
	}
	s := policies.NewSet(packs[0])
	for _, p := range packs[1:] {
		s.Swap(p)
		s.Swap(p) // again, which takes no room
	}
	if got := kept(s); fmt.Sprint(got) != "[2 3 4 5]" || s.Current() != packs[5] {
		t.Errorf("kept are %v", got)
	}
	s.Swap(packs[2]) // back
	s.Swap(packs[0])
	if got := kept(s); fmt.Sprint(got) != "[0 2 4 5]" || s.Current() != packs[0] {
		t.Errorf("kept are %v", got)
	}
	if s.Kept("other", packs[0].Info().Revision) != nil {
		t.Error("a pack of another name is given")
	}
}

// What has failed is fallen back from, and never to.
func TestSetGoesBack(t *testing.T) {
	t.Parallel()
	a := compile(t, `decision := "allow" if input.score >= 0`, "")
	b := compile(t, `decision := "allow" if input.score >= -1`, "")
	c := compile(t, `decision := "allow" if input.score >= -2`, "")
	steps := map[string]struct {
		do   func(*policies.Set) *policies.Pack
		want *policies.Pack
	}{
		"nothing before":     {func(s *policies.Set) *policies.Pack { return s.Back(a) }, nil},
		"to the one before":  {func(s *policies.Set) *policies.Pack { s.Swap(b); return s.Back(b) }, a},
		"not twice":          {func(s *policies.Set) *policies.Pack { s.Swap(b); s.Back(b); return s.Back(a) }, nil},
		"not from another":   {func(s *policies.Set) *policies.Pack { s.Swap(b); return s.Back(a) }, nil},
		"not to a failed":    {func(s *policies.Set) *policies.Pack { s.Back(a); s.Swap(b); return s.Back(b) }, nil},
		"over a failed":      {func(s *policies.Set) *policies.Pack { s.Swap(b); s.Back(b); s.Swap(c); return s.Back(c) }, a},
		"loaded again":       {func(s *policies.Set) *policies.Pack { s.Swap(b); s.Swap(b); return s.Back(b) }, a},
		"the last before it": {func(s *policies.Set) *policies.Pack { s.Swap(b); s.Swap(c); return s.Back(c) }, b},
	}
	for name, step := range steps {
		set := policies.NewSet(a)
		if got := step.do(set); got != step.want {
			t.Errorf("%s: went back to %v, want %v", name, revision(got), revision(step.want))
		} else if got != nil && set.Current() != got {
			t.Errorf("%s: %v is in force", name, revision(set.Current()))
		}
	}
}

func revision(p *policies.Pack) string {
	if p == nil {
		return "none"
	}
	return p.Info().Revision
}

package scoring

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// Bounds of the search: all subsets of so many reasons are tried, and so many sets
// are told of.
const (
	MaxSearched = 12
	MaxSets     = 16
)

// Why there may be no set.
const (
	NoneRevoked       = "revoked"
	NoneExpired       = "expired"
	NoneSuspended     = "suspended"
	NoneFailed        = "policy_failed"
	NoneGone          = "revision_gone"
	NoneByReasons     = "not_by_reasons"
	NoneAmongSearched = "too_many_reasons"
	NoneUnreproduced  = "not_reproducible"
	NoneUnfinished    = "unfinished"
)

// counterfactual finds the smallest sets of reasons without which the answer would
// have been allow. It asks the policy about each: what policy.rego makes of a case
// is its own affair, and fewer reasons need not mean a milder answer.
func counterfactual(ctx context.Context, k *riskd.KeptDecision, policy Policy) *riskd.Counterfactual {
	w, c := &k.Weighing, &riskd.Counterfactual{Complete: true}
	switch {
	case k.Outcome == riskd.Allow:
		return nil
	case k.Source != riskd.SourceFresh:
		c.None, c.Why = notWeighed(k)
	case w.Answer == riskd.Allow:
		c.None, c.Why = w.Hold.String(), holds[w.Hold]
	case policy == nil:
		c.None = NoneGone
		c.Why = "revision " + k.Revision + " decided and isn't kept any more: no other can say what it would have answered"
	default:
		s := &search{kept: k, policy: policy, found: c}
		s.run(ctx)
		if w.Hold != riskd.HoldNone {
			c.Sets, c.Policy = nil, c.Sets
			c.None, c.Why = w.Hold.String(), holds[w.Hold]
		}
	}
	return c
}

// notWeighed says why no reason counted.
func notWeighed(k *riskd.KeptDecision) (none, why string) {
	switch k.Source {
	case riskd.SourceRevocation:
		return NoneRevoked, "the session was over before: " + k.AdminText
	case riskd.SourceExpiry:
		return NoneExpired, "the session's time was up: " + k.AdminText
	case riskd.SourceSuspension:
		return NoneSuspended, cmp.Or(k.AdminText, "the session is held up") + ": only an order to resume it lets it go on"
	}
	return NoneFailed, "the policy gave no answer (" + strings.Join(k.Degraded, ", ") + "), so that the class " + k.Class.String() + " got its default"
}

// holds say what stands in the way of allow whatever the policy answers.
var holds = map[riskd.Hold]string{
	riskd.HoldPending:   "an earlier step-up waits for its proof: until it is passed nothing but open routes is allowed",
	riskd.HoldOrdered:   "an authentication was ordered: until there is one nothing but open routes is allowed",
	riskd.HoldExhausted: "the last attempt at a step-up has failed",
}

// search tries subsets of reasons.
type search struct {
	kept   *riskd.KeptDecision
	policy Policy
	found  *riskd.Counterfactual
	codes  []string // that are tried
	more   bool     // there are others
}

func (s *search) run(ctx context.Context) {
	c := s.found
	answer, score, err := s.ask(ctx, nil)
	if err == nil && (answer != s.kept.Weighing.Answer || score != s.kept.Weighing.Score) {
		c.None, c.Complete = NoneUnreproduced, false
		c.Why = fmt.Sprintf("asked again, the policy answers %s at a score of %.1f", answer, score)
		return
	}
	s.candidates()
	for size := 1; size <= len(s.codes) && err == nil && c.Complete; size++ {
		err = s.try(ctx, size)
	}
	switch {
	case err != nil && len(c.Sets) == 0:
		c.None, c.Why = NoneUnfinished, "the search wasn't finished: "+err.Error()
	case len(c.Sets) > 0:
	case s.more:
		c.None = NoneAmongSearched
		c.Why = fmt.Sprintf("there are more reasons than are tried; none of the sets among the %d weightiest is enough", len(s.codes))
	default:
		c.None = NoneByReasons
		c.Why = "the policy's answer doesn't rest on reasons: without all of them it is " + s.without(ctx)
	}
	c.Complete = c.Complete && err == nil && !s.more
}

// without is the policy's answer when all reasons are left out.
func (s *search) without(ctx context.Context) string {
	answer, _, err := s.ask(ctx, s.codes)
	if err != nil {
		return "not known"
	}
	return answer.String()
}

// candidates are the codes that speak against the session, the weightiest first.
// What speaks for it is never left out.
func (s *search) candidates() {
	all := slices.Clone(s.kept.Weighing.Open)
	for _, r := range s.kept.Weighing.Request {
		if r.Nats >= 0 {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b riskd.Reason) int {
		switch {
		case a.Invariant != b.Invariant && a.Invariant:
			return -1
		case a.Invariant != b.Invariant:
			return 1
		}
		return cmp.Or(cmp.Compare(b.Nats, a.Nats), strings.Compare(a.Code, b.Code))
	})
	for _, r := range all {
		switch {
		case slices.Contains(s.codes, r.Code):
		case len(s.codes) == MaxSearched:
			s.more = true
		default:
			s.codes = append(s.codes, r.Code)
		}
	}
}

// try asks about all subsets of one size, but for those that hold a set that was
// found already.
func (s *search) try(ctx context.Context, size int) error {
	first := uint(1)<<size - 1
	for set := first; set < 1<<len(s.codes); set = next(set) {
		codes := s.subset(set)
		if s.superfluous(codes) {
			continue
		}
		answer, _, err := s.ask(ctx, codes)
		if err != nil {
			return err
		}
		if answer != riskd.Allow {
			continue
		}
		if len(s.found.Sets) == MaxSets {
			s.found.Complete = false
			return nil
		}
		s.found.Sets = append(s.found.Sets, codes)
	}
	return nil
}

// next is the next larger number with as many bits set (Gosper's hack: HAKMEM 175).
func next(x uint) uint {
	low := x & -x
	up := x + low
	return up | (x^up)>>(2+bits.TrailingZeros(low))
}

func (s *search) subset(set uint) []string {
	codes := make([]string, 0, bits.OnesCount(set))
	for ; set != 0; set &= set - 1 {
		codes = append(codes, s.codes[bits.TrailingZeros(set)])
	}
	return codes
}

func (s *search) superfluous(codes []string) bool {
	return slices.ContainsFunc(s.found.Sets, func(found []string) bool {
		return !slices.ContainsFunc(found, func(code string) bool { return !slices.Contains(codes, code) })
	})
}

// ask weighs again without some reasons and asks the policy.
func (s *search) ask(ctx context.Context, without []string) (riskd.Outcome, float64, error) {
	t := again(&s.kept.Weighing, s.kept.At, s.policy, without)
	s.found.Asked++
	j, err := s.policy.Judge(ctx, &t.Case)
	return j.Outcome, t.Score, err
}

// again weighs what was weighed once more, as if some of the reasons had never been.
func again(w *riskd.Weighing, at time.Time, policy Policy, without []string) *turn {
	left := func(code string) bool { return !slices.Contains(without, code) }
	var s riskd.Session
	t := &turn{pack: policy.Info()}
	t.Now = at
	if w.Judged != nil {
		t.Case, s = *w.Judged, *w.Judged.Session
		t.Score, t.Nats, t.Reasons, t.Invariants = 0, riskd.Nats{}, nil, nil
	}
	t.Session = &s
	for _, sum := range t.sums() {
		for _, o := range w.Before[sum.channel] {
			if left(o.Code) {
				sum.sum.Open = append(sum.sum.Open, o)
			}
		}
	}
	for _, r := range w.Request {
		if left(r.Code) {
			r.Nats = r.Found
			t.request = append(t.request, r)
		}
	}
	t.weigh()
	return t
}

package scoring

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/riskd/riskd"
)

// weighed plays a session's reasons, a list for each event, through the whole of the
// weighing, and gives the score of each.
func weighed(events [][]riskd.Reason, gaps []time.Duration) (scores []float64, last *turn) {
	pack := &riskd.Pack{Tuning: riskd.Tuning{
		StepUpNats: 10, RevokeNats: 14, RequestBonus: 4, GroupCap: testCaps,
		HalfLife: [2]time.Duration{4 * time.Hour, 8 * time.Minute}, Cap: [2]float64{25, 14},
	}}
	session := &riskd.Session{}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range events {
		now = now.Add(gaps[i])
		t := &turn{pack: pack, request: slices.Clone(events[i])}
		t.Session, t.Now = session, now
		t.leak()
		t.weigh()
		scores, last = append(scores, t.Score), t
	}
	return scores, last
}

// drawSession draws events. Reasons of one group are of one channel, as those of the
// library are.
func drawSession(t *rapid.T) (events [][]riskd.Reason, gaps []time.Duration) {
	for range rapid.IntRange(1, 10).Draw(t, "events") {
		reasons := drawReasons(t)
		for i := range reasons {
			reasons[i].Channel = riskd.ChannelIdentity
			if reasons[i].Group >= 3 {
				reasons[i].Channel = riskd.ChannelBehaviour
			}
			reasons[i].Rule = &riskd.Rule{}
		}
		events = append(events, reasons)
		gaps = append(gaps, time.Duration(rapid.IntRange(0, 3600).Draw(t, "gap"))*time.Second)
	}
	return events, gaps
}

// More evidence of any one fact never makes the session look better, then or later.
func TestScoreIsMonotoneInEveryReason(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events, gaps := drawSession(t)
		before, _ := weighed(events, gaps)
		i := rapid.IntRange(0, len(events)-1).Draw(t, "event")
		if len(events[i]) == 0 {
			return
		}
		more := slices.Clone(events)
		more[i] = slices.Clone(events[i])
		more[i][rapid.IntRange(0, len(events[i])-1).Draw(t, "reason")].Nats += rapid.Float64Range(0, 10).Draw(t, "more")
		after, _ := weighed(more, gaps)
		for k := range before {
			if after[k] < before[k]-0.5 { // what has faded to less than 0.01 nats is dropped
				t.Fatalf("event %d: %g points, with more evidence at event %d only %g", k, before[k], i, after[k])
			}
		}
	})
}

// The order in which signals give their reasons doesn't matter.
func TestOrderOfReasonsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events, gaps := drawSession(t)
		shuffled := slices.Clone(events)
		for i := range shuffled {
			if len(shuffled[i]) > 1 {
				shuffled[i] = rapid.Permutation(events[i]).Draw(t, "order")
			}
		}
		one, _ := weighed(events, gaps)
		other, _ := weighed(shuffled, gaps)
		for i := range one {
			if math.Abs(one[i]-other[i]) > 0.5 { // as above
				t.Fatalf("event %d: %g points, in another order %g", i, one[i], other[i])
			}
		}
	})
}

// Time alone never raises a score, and no score or sum leaves its bounds.
func TestTimeAndCaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events, gaps := drawSession(t)
		scores, last := weighed(events, gaps)
		later, after := weighed(append(events, nil), append(gaps, time.Duration(rapid.IntRange(0, 1<<20).Draw(t, "wait"))*time.Second))
		if n := last.Nats; n.Identity < 0 || n.Identity > 25+1e-9 || n.Behaviour < 0 || n.Behaviour > 14+1e-9 {
			t.Fatalf("sums of %+v", n)
		}
		if was, is := last.Nats, after.Nats; is.Identity > was.Identity+1e-9 || is.Behaviour > was.Behaviour+1e-9 {
			t.Fatalf("time made %+v of %+v", is, was)
		}
		for _, s := range append(scores, later...) {
			if s < 0 || s > 100 {
				t.Fatalf("%g points", s)
			}
		}
		if later[len(scores)] > scores[len(scores)-1]+1e-9 {
			t.Fatalf("%g points, and by time alone %g", scores[len(scores)-1], later[len(scores)])
		}
	})
}

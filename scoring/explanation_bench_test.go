package scoring_test

import (
	"context"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// The engine around a policy that takes no time: what a decision costs besides, and
// with it what it takes to explain it later.
func BenchmarkAroundPolicy(b *testing.B) {
	for name, reasons := range map[string][]riskd.Reason{
		"quiet":    nil,
		"reasons":  {evidence("a", 2), evidence("b", 1), evidence("c", -1)},
		"step_ups": {evidence("a", 7), evidence("b", 1)},
	} {
		b.Run(name, func(b *testing.B) {
			e := engine(b)
			e.policy.reasons = reasons
			if name == "step_ups" {
				e.policy.answer = riskd.Judgement{Outcome: riskd.StepUpNeeded}
			}
			b.ReportAllocs()
			for b.Loop() {
				event := validEvent()
				e.now = e.now.Add(time.Minute)
				e.Decide(context.Background(), &event, e.now)
			}
		})
	}
}

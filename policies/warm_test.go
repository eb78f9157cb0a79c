package policies

import (
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

func TestWarmHiresEveryEvaluator(t *testing.T) {
	p, err := Compile("default", Default(), Options{Signals: signals.Descriptions()})
	if err != nil {
		t.Fatal(err)
	}
	p.Warm()
	p.bulkhead.mu.Lock()
	defer p.bulkhead.mu.Unlock()
	if p.bulkhead.evaluators < p.bulkhead.size || p.bulkhead.late != 0 {
		t.Errorf("%d evaluators of %d, %d late", p.bulkhead.evaluators, p.bulkhead.size, p.bulkhead.late)
	}
}

// BenchmarkFirstAsk measures what the first question after a pause costs: of a
// pack that was warmed just now, of one that has been in use, and of one that is
// cold, whose evaluators have ended as they do while a pack's tests run.
func BenchmarkFirstAsk(b *testing.B) {
	p, err := Compile("default", Default(), Options{Signals: signals.Descriptions()})
	if err != nil {
		b.Fatal(err)
	}
	c := quietCase(riskd.ClassStandard, len(p.signals))
	renewed := func() *Pack {
		fresh := *p
		fresh.bulkhead = newBulkhead(p.bulkhead.size, fresh.answer)
		return &fresh
	}
	for name, next := range map[string]func() *Pack{
		"in use": func() *Pack { return p },
		"warmed": func() *Pack {
			fresh := renewed()
			fresh.Warm()
			return fresh
		},
		"cold": renewed,
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				pack := next()
				b.StartTimer()
				if _, err := pack.Reasons(b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package policies

import (
	"testing"

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

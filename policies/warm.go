package policies

import (
	"time"

	"github.com/riskd/riskd"
)

// Warm has every evaluator answer a quiet request, so that who asks the pack
// first, after it came into force, waits no longer than who asks it next. The
// evaluators of an idle pack end; this is for the moment before a [Set.Swap].
func (p *Pack) Warm() {
	input := p.rulesInput.input(quietCase(riskd.ClassStandard, len(p.signals)))
	b := p.bulkhead
	var begun []*question
	b.mu.Lock()
	for b.evaluators < b.size {
		q := b.question()
		q.input = input
		b.hire(q)
		begun = append(begun, q)
	}
	b.mu.Unlock()
	limit := time.NewTimer(rehearsalFor)
	defer limit.Stop()
	for _, q := range begun {
		select {
		case <-q.done:
			b.release(q)
		case <-limit.C:
			return
		}
	}
}

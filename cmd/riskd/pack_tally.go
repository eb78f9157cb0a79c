package main

import (
	"context"
	"sync/atomic"
)

// tally counts the tests that a pack's checks have run.
type tally struct{ run, passed atomic.Int64 }

type tallyKey struct{}

// listen gives a context by which checks reach the tally.
func (t *tally) listen(ctx context.Context) context.Context {
	return context.WithValue(ctx, tallyKey{}, t)
}

// countTests is for checks: it notes how many tests they have run.
func countTests(ctx context.Context, run, passed int) {
	if t, ok := ctx.Value(tallyKey{}).(*tally); ok {
		t.run.Add(int64(run))
		t.passed.Add(int64(passed))
	}
}

package policies

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gate holds up the evaluator of the question whose err it is, until it is closed.
type gate chan struct{}

func (gate) Error() string { return "gate" }

func waitAtGate(q *question) {
	if g, ok := q.err.(gate); ok {
		<-g
	}
}

func ask(ctx context.Context, b *bulkhead, g gate) error {
	q := b.question()
	if g != nil {
		q.err = g
	}
	err := b.do(ctx, q)
	if err == nil {
		b.release(q)
	}
	return err
}

func codeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (b *bulkhead) wantState(t *testing.T, evaluators, late int) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.evaluators != evaluators || b.late != late || b.waiting != 0 {
		t.Errorf("%d evaluators, %d late, %d callers waiting; want %d, %d, none", b.evaluators, b.late, b.waiting, evaluators, late)
	}
}

// The caller answers at his deadline while the evaluator is still at work, one
// late evaluator is replaced, and when all are late the next caller learns it
// at once. Afterwards no goroutine is left: the bubble ends only without any.
func TestBulkhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(2, waitAtGate)
		closed := make(gate)
		for late := 1; late <= 3; late++ {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			if code := codeOf(ask(ctx, b, closed)); code != CodeTimeout {
				t.Fatalf("evaluator %d: got %q", late, code)
			}
			cancel()
			if took := time.Since(began); took != 5*time.Millisecond {
				t.Errorf("evaluator %d: the caller waited %v", late, took)
			}
			synctest.Wait()
			// The first is replaced before it is missed; of the others none is.
			b.wantState(t, []int{2, 3, 3}[late-1], late)
			if late < 3 {
				if err := ask(t.Context(), b, nil); err != nil {
					t.Errorf("with %d late: %v", late, err)
				}
			}
		}
		began := time.Now()
		if err := ask(t.Context(), b, nil); codeOf(err) != CodeBusy || time.Since(began) != 0 {
			t.Errorf("with all late: %v after %v", err, time.Since(began))
		}
		close(closed)
		synctest.Wait()
		b.wantState(t, 2, 0)
		if err := ask(t.Context(), b, nil); err != nil {
			t.Errorf("after all came back: %v", err)
		}
		time.Sleep(3 * idleFor)
		b.wantState(t, 0, 0)
	})
}

// A caller who finds every evaluator at work, none of them late, waits for one.
func TestBulkheadWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBulkhead(1, waitAtGate)
		first, second := make(gate), make(gate)
		close(second)
		var wg sync.WaitGroup
		for _, g := range []gate{first, second} {
			wg.Go(func() {
				if err := ask(t.Context(), b, g); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := ask(ctx, b, nil); codeOf(err) != CodeBusy || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the deadline passed in the queue: %v", err)
		}
		close(first)
		wg.Wait()
		time.Sleep(3 * idleFor)
		b.wantState(t, 0, 0)
	})
}

// An idle evaluator that is about to end stays when somebody has begun to wait:
// there may be no other.
func TestBulkheadStaysForWhoWaits(t *testing.T) {
	b := newBulkhead(1, waitAtGate)
	b.evaluators, b.waiting = 1, 1
	if b.leave() {
		t.Error("it leaves a caller behind")
	}
	b.waiting = 0
	if !b.leave() || b.evaluators != 0 {
		t.Error("it stays for nobody")
	}
}

// An evaluator doesn't end under the hands of a caller, however many there are.
func TestBulkheadUnderLoad(t *testing.T) {
	b := newBulkhead(2, waitAtGate)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				if err := ask(t.Context(), b, nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.evaluators > 2 || b.late != 0 || b.waiting != 0 {
		t.Errorf("%d evaluators, %d late, %d waiting", b.evaluators, b.late, b.waiting)
	}
}

// What it costs to hand a question over and wait, with nothing to answer.
func BenchmarkBulkhead(b *testing.B) {
	h := newBulkhead(2, waitAtGate)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			if err := ask(ctx, h, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := ask(ctx, h, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

//go:build linux

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// answer is what became of an order.
type answer struct {
	order            order
	begun            time.Time
	took             time.Duration
	status           int
	applied, durable bool
}

// acknowledged reports whether riskd promised to keep the order.
func (a *answer) acknowledged() bool { return a.status == http.StatusOK && a.durable }

// refusal says that the order is in force and may be lost, which is all that
// riskd may say of it when it isn't on disk.
func (a *answer) refused() bool {
	return a.status == http.StatusServiceUnavailable && a.applied && !a.durable
}

// revokers give orders over connections of their own, as fast as they're answered,
// until their context ends, or riskd does.
type revokers struct {
	server *server
	next   *atomic.Int64 // order
	// first is closed at the first acknowledgement.
	first chan struct{}
	acks  atomic.Int64

	once    sync.Once
	running sync.WaitGroup
	mu      sync.Mutex
	answers []answer
}

// revoke starts n of them.
func revoke(ctx context.Context, r *server, n int, next *atomic.Int64) *revokers {
	w := &revokers{server: r, next: next, first: make(chan struct{})}
	for range n {
		w.running.Go(func() { w.run(ctx) })
	}
	return w
}

func (w *revokers) run(ctx context.Context) {
	var own []answer
	for ctx.Err() == nil {
		a, err := give(ctx, w.server, order(w.next.Add(1)))
		if err != nil {
			break // nobody can tell what became of it
		}
		own = append(own, a)
		if a.acknowledged() {
			w.acks.Add(1)
			w.once.Do(func() { close(w.first) })
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers = append(w.answers, own...)
}

// wait gives the answers once nobody runs any more.
func (w *revokers) wait() []answer {
	w.running.Wait()
	return w.answers
}

// give gives one order.
func give(ctx context.Context, r *server, o order) (answer, error) {
	a := answer{order: o, begun: time.Now()}
	status, body, err := r.post(ctx, r.admin+"/v1/revocations", o.body())
	if err != nil {
		return a, err
	}
	a.took, a.status = time.Since(a.begun), status
	var said struct{ Applied, Durable bool }
	if err := json.Unmarshal(body, &said); err != nil {
		return a, fmt.Errorf("an order is answered %d: %s", status, body)
	}
	a.applied, a.durable = said.Applied, said.Durable
	return a, nil
}

// acknowledged gives the orders that riskd promised to keep.
func acknowledged(answers []answer) (orders []order) {
	for i := range answers {
		if answers[i].acknowledged() {
			orders = append(orders, answers[i].order)
		}
	}
	return orders
}

// quantile gives the smallest value that a share of all don't exceed.
func quantile[T cmp.Ordered](values []T, share float64) (v T) {
	if len(values) == 0 {
		return v
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(share*float64(len(values))))]
}

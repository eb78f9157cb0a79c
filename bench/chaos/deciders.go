//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// deciders ask for decisions until their context ends. Sessions that nobody has
// revoked have to be answered 200, and not revoke: no fault may end a session.
type deciders struct {
	running      sync.WaitGroup
	asked, wrong atomic.Int64
}

// decide starts two of them.
func decide(ctx context.Context, r *server) *deciders {
	d := &deciders{}
	for i := range 2 {
		d.running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				event := fmt.Sprintf(`{"session":{"id":"quiet-%d-%d"},"user":{"id":"quiet-user-%d"},"client":{"ip":"203.0.113.7"}}`, i, n, n%100)
				status, answer, err := r.post(ctx, r.gateway+"/v1/decisions", event)
				if ctx.Err() != nil {
					return
				}
				var said decision
				if err != nil || status != http.StatusOK || json.Unmarshal(answer, &said) != nil || said.Decision == "" || said.Decision == "revoke" {
					d.wrong.Add(1)
				}
				d.asked.Add(1)
				if err != nil {
					return
				}
			}
		})
	}
	return d
}

// wait tells how many decisions were asked for, and how many were wrong.
func (d *deciders) wait() (asked, wrong int64) {
	d.running.Wait()
	return d.asked.Load(), d.wrong.Load()
}

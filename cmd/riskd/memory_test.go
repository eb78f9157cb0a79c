package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/sessions"
)

// Revocations that have been in force for as long as they have to be are let go,
// and not before.
func TestOldRevocationsAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := sessions.New(sessions.Options{EpochRetention: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		meters := newMetrics()
		m := memory{Store: store, revoked: meters.revoked, expired: meters.expired}
		ctx, cancel := context.WithCancel(t.Context())
		go m.sweep(ctx)
		m.Revoke(riskd.Target{Kind: riskd.TargetUser, ID: "ana"}, time.Now(), "", "")
		time.Sleep(24*time.Hour - time.Minute) // of the bubble's clock
		if n := store.Stats().Epochs; n != 1 {
			t.Errorf("%d revocations a minute before their time", n)
		}
		time.Sleep(4 * sweepEvery) // counted from the first look
		if n := store.Stats().Epochs; n != 0 {
			t.Errorf("%d revocations after their time", n)
		}
		cancel()
		synctest.Wait()
	})
}

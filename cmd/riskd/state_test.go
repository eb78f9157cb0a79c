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
		m := &state{Store: store, trail: &auditTrail{}, metrics: meters, failed: func(err error) { t.Error(err) }}
		ctx, cancel := context.WithCancel(t.Context())
		go m.sweep(ctx)
		if _, err := m.Impose(ctx, "", riskd.Epoch{Target: riskd.Target{Kind: riskd.TargetUser, ID: "ana"}, At: time.Now()}); err != nil {
			t.Error(err)
		}
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

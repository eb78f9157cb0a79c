//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"net/netip"
	"sync/atomic"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/signals"
)

// noon is when everything begins that has a time of its own.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// allowAll is a pack that never denies anything: whatever else an engine with it
// answers comes from an order.
func allowAll() (*policies.Pack, error) {
	tuning, err := fs.ReadFile(policies.Default(), "tuning.json")
	if err != nil {
		return nil, err
	}
	return policies.Compile("allow", fstest.MapFS{
		"policy.rego": &fstest.MapFile{Data: []byte("package riskd.decision\n\ndecision := \"allow\" if input.score >= 0\n")},
		"tuning.json": &fstest.MapFile{Data: tuning},
	}, policies.Options{Signals: signals.Descriptions()})
}

// nowhere knows no address.
type nowhere struct{}

func (nowhere) Locate(netip.Addr) (riskd.Place, []string) { return riskd.Place{}, nil }

// decider answers events; the engine does.
type decider interface {
	Decide(ctx context.Context, e *riskd.Event, now time.Time) riskd.Decision
}

// newEngine puts an engine before a memory.
func newEngine(m scoring.Memory, pack *policies.Pack) (*scoring.Engine, error) {
	var ids atomic.Uint64
	return scoring.New(scoring.Options{
		Memory: m, Locator: nowhere{}, Policy: func() scoring.Policy { return pack },
		NewID: func() string { return fmt.Sprint(ids.Add(1)) }, Deadline: time.Minute,
	})
}

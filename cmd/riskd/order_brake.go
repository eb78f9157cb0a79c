package main

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/riskd/riskd"
)

// orderBrake has orders over many, and floods of identity events, wait for somebody
// who answers for them. What names a single session, user or device passes.
type orderBrake struct {
	brake
	// preview counts the live sessions of a target, users those that are known.
	preview func(riskd.Target) int
	users   func() int
	table   func() map[string][]riskd.Action
	metrics *policyMetrics
	log     *slog.Logger

	mu     sync.Mutex
	since  time.Time
	met    map[string]struct{} // users and devices, within the window
	flood  bool                // some have been refused in it
	denied int
}

// Order says why an order needs to be confirmed, nil if it doesn't.
func (b *orderBrake) Order(o *riskd.Epoch) *riskd.Braked {
	wide := o.Target.Kind == riskd.TargetPredicate || o.Target.Kind == riskd.TargetTenant
	harms := o.Effect == riskd.EffectRevoke || o.Effect == riskd.EffectSuspend || o.Effect == riskd.EffectStepUp
	if b.Off || !wide || !harms {
		return nil
	}
	matched := b.preview(o.Target)
	if matched < b.MinSessions {
		return nil
	}
	of := b.preview(riskd.Target{Kind: riskd.TargetTenant, Tenant: o.Target.Tenant})
	if float64(matched) <= b.Share*float64(of) {
		return nil
	}
	b.metrics.brake.WithLabelValues(brakeOrder).Inc()
	return &riskd.Braked{What: "sessions", Matched: matched, Of: of, Limit: b.Share}
}

// drastic are the actions by which a flood of events could lock everybody out. Who
// ends his own session isn't locked out.
var drastic = []riskd.Action{riskd.ActionRevokeUser, riskd.ActionRevokeDevice, riskd.ActionSuspend}

// IdentityEvent says why an event needs to be confirmed or told again later, nil if
// it doesn't. It counts those that don't.
func (b *orderBrake) IdentityEvent(e *riskd.IdentityEvent, now time.Time) *riskd.Braked {
	leads := slices.ContainsFunc(b.table()[e.Type], func(a riskd.Action) bool { return slices.Contains(drastic, a) })
	if b.Off || !leads {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if over := now.Sub(b.since); over >= b.Window || over < 0 {
		b.since, b.met, b.flood, b.denied = now, map[string]struct{}{}, false, 0
	}
	whom := e.Tenant + "\x00u" + e.User
	if e.User == "" {
		whom = e.Tenant + "\x00d" + e.Device
	}
	if _, again := b.met[whom]; again {
		return nil
	}
	of := b.users()
	if n := len(b.met) + 1; n > b.MinSessions && float64(n) > b.Share*float64(of) {
		b.refuse()
		return &riskd.Braked{What: "users", Matched: n, Of: max(of, n), Limit: b.Share, After: b.Window - now.Sub(b.since)}
	}
	b.met[whom] = struct{}{}
	return nil
}

// refuse counts a refusal, and says the first of a window aloud.
func (b *orderBrake) refuse() {
	b.metrics.brake.WithLabelValues(brakeIdentity).Inc()
	if b.denied++; !b.flood {
		b.flood = true
		b.log.Error("identity events come in a flood: those for further users are refused until the window is over, unless they're confirmed",
			"users", len(b.met), "window", b.Window.String())
	}
}

// faults are what /readyz tells of a flood.
func (b *orderBrake) faults(now time.Time) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.flood || now.Sub(b.since) >= b.Window {
		return nil
	}
	return []string{"identity events come in a flood: some were refused; their senders have to tell them again, or somebody confirm them"}
}

package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/riskd/riskd"
)

func newOrderBrake(users int, matched map[riskd.TargetKind]int) *orderBrake {
	return &orderBrake{
		brake: defaultBrake, metrics: newPolicyMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler),
		preview: func(t riskd.Target) int { return matched[t.Kind] },
		users:   func() int { return users },
		table: func() map[string][]riskd.Action {
			return map[string][]riskd.Action{
				"user_disabled": {riskd.ActionSuspend}, "logout": {riskd.ActionRevokeSession}, "device_compromised": {riskd.ActionRevokeDevice},
				"mfa_added": {riskd.ActionDropTrust},
			}
		},
	}
}

func TestOrdersOverManyAreBraked(t *testing.T) {
	t.Parallel()
	live := func(matched, of int) map[riskd.TargetKind]int {
		return map[riskd.TargetKind]int{riskd.TargetPredicate: matched, riskd.TargetTenant: of, riskd.TargetUser: matched}
	}
	cases := map[string]struct {
		effect  riskd.Effect
		kind    riskd.TargetKind
		matched map[riskd.TargetKind]int
		braked  bool
	}{
		"a predicate":        {riskd.EffectRevoke, riskd.TargetPredicate, live(300, 10_000), true},
		"suspends many":      {riskd.EffectSuspend, riskd.TargetPredicate, live(300, 10_000), true},
		"lets them go on":    {riskd.EffectResume, riskd.TargetPredicate, live(300, 10_000), false},
		"below the share":    {riskd.EffectRevoke, riskd.TargetPredicate, live(200, 10_000), false},
		"one of twenty":      {riskd.EffectRevoke, riskd.TargetPredicate, live(1, 20), false},
		"a tenant":           {riskd.EffectRevoke, riskd.TargetTenant, live(0, 50), true},
		"a small tenant":     {riskd.EffectRevoke, riskd.TargetTenant, live(0, 9), false},
		"a user with a farm": {riskd.EffectRevoke, riskd.TargetUser, live(300, 10_000), false},
	}
	for name, c := range cases {
		b := newOrderBrake(0, c.matched).Order(&riskd.Epoch{Effect: c.effect, Target: riskd.Target{Kind: c.kind}})
		if (b != nil) != c.braked {
			t.Errorf("%s: %+v", name, b)
		}
		if b != nil && (b.Matched != c.matched[c.kind] || b.Of != c.matched[riskd.TargetTenant]) {
			t.Errorf("%s: %d of %d", name, b.Matched, b.Of)
		}
	}
}

// A flood is refused loudly, and nothing of it is lost: who is told to come again
// gets through then.
func TestFloodsOfIdentityEvents(t *testing.T) {
	t.Parallel()
	b := newOrderBrake(1000, nil)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	tell := func(kind string, user int) *riskd.Braked {
		return b.IdentityEvent(&riskd.IdentityEvent{Type: kind, User: fmt.Sprint("u", user)}, now)
	}
	for i := range 20 { // 2 % of 1000
		if refused := tell("user_disabled", i); refused != nil {
			t.Fatalf("user %d: %v", i, refused)
		}
	}
	now = now.Add(20 * time.Second)
	refused := tell("user_disabled", 20)
	if refused == nil || refused.After != 40*time.Second || refused.Matched != 21 || refused.Of != 1000 {
		t.Fatalf("the 21st: %+v", refused)
	}
	if faults := b.faults(now); len(faults) != 1 || !strings.Contains(faults[0], "flood") {
		t.Errorf("what is told of it: %q", faults)
	}
	for what, r := range map[string]*riskd.Braked{
		"a user who was met already": tell("user_disabled", 3), "a logout": tell("logout", 99), "what locks nobody out": tell("mfa_added", 98),
	} {
		if r != nil {
			t.Errorf("%s is refused: %v", what, r)
		}
	}
	if b.IdentityEvent(&riskd.IdentityEvent{Type: "device_compromised", Device: "d1"}, now) == nil {
		t.Error("a device passes in a flood")
	}
	now = now.Add(refused.After)
	if r := tell("user_disabled", 20); r != nil {
		t.Errorf("told again when it should be: %v", r)
	}
	if faults := b.faults(now); faults != nil {
		t.Errorf("after the flood: %q", faults)
	}
}

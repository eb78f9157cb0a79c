package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/riskd/riskd"
)

// rule is how an action becomes orders.
type rule struct {
	effect riskd.Effect
	// to are the members of an event that the action may be meant for: the first
	// that the event names, or all of those.
	to  []string
	all bool
}

var rules = map[riskd.Action]rule{
	riskd.ActionRevokeSession: {effect: riskd.EffectRevoke, to: []string{"session"}},
	riskd.ActionRevokeDevice:  {effect: riskd.EffectRevoke, to: []string{"device"}},
	riskd.ActionRevokeUser:    {effect: riskd.EffectRevoke, to: []string{"user"}},
	riskd.ActionStepUp:        {effect: riskd.EffectStepUp, to: []string{"user", "device"}},
	riskd.ActionSuspend:       {effect: riskd.EffectSuspend, to: []string{"user", "device"}},
	riskd.ActionResume:        {effect: riskd.EffectResume, to: []string{"user", "device"}, all: true},
	riskd.ActionDropTrust:     {effect: riskd.EffectDistrust, to: []string{"user", "device"}},
	riskd.ActionResetProfile:  {effect: riskd.EffectForget, to: []string{"user"}}, // only users have a profile
}

// orders gives the orders that an event leads to. The event is valid.
func (h *Handler) orders(e *riskd.IdentityEvent) ([]Done, error) {
	var given []Done
	var faults []error
	for _, action := range h.Table()[e.Type] {
		r := rules[action]
		targets := r.targets(e)
		if len(targets) == 0 {
			faults = append(faults, r.missing(e.Type, action))
		}
		for _, t := range targets {
			given = append(given, Done{action, riskd.Epoch{Effect: r.effect, Target: t, At: e.Time, Reason: reason(e), Actor: e.Actor}})
		}
	}
	return given, errors.Join(faults...)
}

func (r rule) targets(e *riskd.IdentityEvent) (targets []riskd.Target) {
	for _, member := range r.to {
		t := riskd.Target{Tenant: e.Tenant}
		switch member {
		case "session":
			t.Kind, t.Session = riskd.TargetSession, e.Session
		case "device":
			t.Kind, t.ID = riskd.TargetDevice, e.Device
		case "user":
			t.Kind, t.ID = riskd.TargetUser, e.User
		}
		if t.Validate() != nil {
			continue // the event doesn't name it
		}
		if targets = append(targets, t); !r.all {
			break
		}
	}
	return targets
}

func (r rule) missing(kind string, action riskd.Action) error {
	detail := fmt.Sprintf("is required: %s leads to %s", kind, action)
	if len(r.to) > 1 {
		detail = fmt.Sprintf("is required, or %s: %s leads to %s", strings.Join(r.to[1:], " or "), kind, action)
	}
	return &riskd.FieldError{Path: r.to[0], Detail: detail}
}

func reason(e *riskd.IdentityEvent) string {
	if e.Reason == "" {
		return e.Type
	}
	return e.Type + ": " + e.Reason
}

// validate reports what is wrong with an event, whatever follows from it. It
// quotes nothing of it: anything may stand in the place of anything.
func validate(e *riskd.IdentityEvent) error {
	var faults []error
	add := func(path, detail string) { faults = append(faults, &riskd.FieldError{Path: path, Detail: detail}) }
	if e.ID == "" {
		add("id", "is required: an event that is told twice is known by it")
	}
	if types := riskd.IdentityTypes(); !slices.Contains(types, e.Type) {
		cure := "known are " + strings.Join(types, ", ")
		if n := riskd.Nearest(e.Type, types); n != "" {
			cure = "did you mean " + n + "?"
		}
		add("type", "is not a known type of identity event; "+cure)
	}
	for _, f := range []struct{ path, value string }{
		{"id", e.ID}, {"tenant", e.Tenant}, {"user", e.User}, {"device", e.Device}, {"reason", e.Reason}, {"actor", e.Actor},
	} {
		if n := len(f.value); n > riskd.MaxID {
			add(f.path, fmt.Sprintf("is %d bytes long; the limit is %d", n, riskd.MaxID))
		}
	}
	return errors.Join(faults...)
}

package signals

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "recent_identity_event",
		Doc:   "How long ago the identity provider told something of the user that makes others likelier to be in his account: a password or a factor changed, reset or removed, a recovery, another role, a suspicious login. Evidence on logins and on requests of class sensitive or admin, fading by half in two hours, at most 2 nats a session; none once the user has passed a step-up since. And the other way round: how long ago the session came from another place or machine, which who changes credentials right afterwards may have stolen it from.",
		Value: "seconds since the last such event; -1 without one in the last 24 hours",
		Details: []riskd.Detail{
			{Name: "type", Kind: riskd.Text, Doc: "type of the event that says most now; none without one"},
			{Name: "proved", Doc: "1 when the user has passed a step-up in this session since that event, else 0"},
			{Name: "moved_s", Doc: "seconds since the session came from another prefix or machine, 0 when this request does; -1 when it hasn't, when the user has passed a step-up since, and when he is on his own machine in a prefix of his own"},
		},
		Memory: true,
	}, measureRecentIdentityEvent)
}

// toldNats are what events say at once. Who takes an account over resets what he
// can't know and adds what is his: all assumed, as are how long it says anything
// and the bound (docs/detection.md).
var toldNats = map[string]float64{
	"password_reset": 1.5, "mfa_reset": 2, "account_recovery": 2, "credential_compromise": 2, "suspicious_login": 1.5,
	"password_change": 1, "mfa_removed": 1.5, "mfa_added": 1, "role_change": 0.5, "device_compromised": 1,
}

const (
	toldHalfLife = 2 * time.Hour
	toldFor      = 24 * time.Hour
	toldMost     = 2 // nats a session
)

// toldTypes are the types with what they say, by Telling.Type.
var toldTypes = func() (types []toldType) {
	types = append(types, toldType{})
	for _, name := range riskd.IdentityTypes() {
		types = append(types, toldType{name, toldNats[name]})
	}
	return types
}()

type toldType struct {
	name string
	nats float64
}

// What recent_identity_event keeps in its cell.
const (
	toldSpent      = iota // nats
	machineMovedAt        // Unix seconds of the last change of machine
)

func measureRecentIdentityEvent(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	if !in.login() && otherMachine(in) {
		cell[machineMovedAt] = unixSeconds(in.Now)
	}
	moved := movedAgo(in, &cell)
	last, kind, nats := toldLately(in)
	proved := last.After(time.Time{}) && in.Session.ProvedAt.After(last)
	class := in.Event.Request.Class
	weighs := in.login() || class == riskd.ClassSensitive || class == riskd.ClassAdmin
	if !weighs || proved {
		nats = 0
	}
	nats = max(0, min(nats, toldMost-cell[toldSpent]))
	cell[toldSpent] += nats
	age := -1.0
	if !last.IsZero() {
		age = max(0, in.Now.Sub(last).Seconds())
	}
	return measured(age, nats, details{text(kind), flag(proved), number(moved)}), cell
}

// toldLately finds the last event that says anything, and the one that says most.
func toldLately(in *Input) (last time.Time, kind string, most float64) {
	kind = "none"
	for i := range in.Profile.Told {
		t := &in.Profile.Told[i]
		if int(t.Type) >= len(toldTypes) || toldTypes[t.Type].nats == 0 {
			continue
		}
		at := time.Unix(t.At, 0)
		age := max(0, in.Now.Sub(at))
		if age > toldFor {
			continue
		}
		if at.After(last) {
			last = at
		}
		if nats := toldTypes[t.Type].nats * math.Exp2(-float64(age)/float64(toldHalfLife)); nats > most {
			kind, most = toldTypes[t.Type].name, nats
		}
	}
	return last, kind, most
}

// movedAgo is how many seconds ago the session moved to where it is, -1 if it hasn't
// or nothing is odd about it.
func movedAgo(in *Input, cell *riskd.Cell) float64 {
	s := in.Session
	prefix, _ := ownPlace(in)
	if in.login() || ownMachine(in) && prefix {
		return -1
	}
	at := max(cell[machineMovedAt], 0)
	if !s.MovedAt.IsZero() && s.Before != (riskd.Context{}) {
		at = max(at, unixSeconds(s.MovedAt))
	}
	if in.otherPrefix() {
		at = unixSeconds(in.Now)
	}
	if at == 0 || !s.ProvedAt.IsZero() && unixSeconds(s.ProvedAt) >= at {
		return -1
	}
	return max(0, unixSeconds(in.Now)-at)
}

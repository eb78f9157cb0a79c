package riskd

import "time"

// IdentityEvent is what an identity provider or an operator tells of a user, a
// device or a session. What follows from it stands in the pack: Tuning.Identity.
type IdentityEvent struct {
	// ID makes telling the same event twice the same as telling it once.
	ID   string
	Type string // one of IdentityTypes
	// Time is when it happened: sessions that began later aren't meant.
	Time    time.Time
	Tenant  string
	User    string
	Device  string
	Session SessionID
	Reason  string
	Actor   string
}

// IdentityTypes are the identity events that riskd knows.
func IdentityTypes() []string {
	return []string{
		"password_reset", "password_change", "mfa_added", "mfa_removed", "mfa_reset", "account_recovery",
		"role_change", "user_disabled", "user_enabled", "device_compromised", "device_noncompliant",
		"device_compliant", "suspicious_login", "credential_compromise", "logout", "global_logout",
	}
}

// Action is what an identity event leads to.
type Action uint8

// The actions. Each is an order over one target of the event: the session,
// device or user that it names.
const (
	ActionRevokeSession Action = iota
	ActionRevokeDevice
	ActionRevokeUser
	ActionStepUp  // user, or device if no user is named
	ActionSuspend // user, or device if no user is named
	ActionResume  // lifts suspensions of user and device
	ActionDropTrust
	ActionResetProfile
)

var actionNames = []string{
	"revoke_session", "revoke_device", "revoke_user", "step_up", "suspend", "resume", "drop_trust", "reset_profile",
}

func (a Action) String() string { return nameOf(actionNames, uint8(a)) }

// ParseAction reads the name of an action.
func ParseAction(s string) (Action, error) {
	i, err := parseName(actionNames, s)
	return Action(i), err
}

// ActionNames are the names of all actions.
func ActionNames() []string { return append([]string(nil), actionNames...) }

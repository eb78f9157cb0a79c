package riskd

import "slices"

// Role is what a caller of riskd may do. The zero Role may do nothing.
type Role uint8

// The roles of callers.
const (
	NoRole       Role = iota
	RoleGateway       // asks for decisions, holds leases, follows revocations
	RoleIngest        // tells of telemetry and of identity events
	RoleAnalyst       // reads sessions, decisions, policies
	RoleOperator      // what analysts may, and orders, step-ups, trials
	RoleAdmin         // everything
)

var roleNames = []string{"", "gateway", "ingest", "analyst", "operator", "admin"}

func (r Role) String() string { return nameOf(roleNames, uint8(r)) }

// ParseRole reads the name of a role.
func ParseRole(s string) (Role, error) {
	i, err := parseName(roleNames, s)
	return Role(i), err
}

// May reports whether a role is one of those that may do something, or stands
// for them.
func (r Role) May(allowed ...Role) bool {
	return r == RoleAdmin || slices.Contains(allowed, r) || r == RoleOperator && slices.Contains(allowed, RoleAnalyst)
}

// Caller is who asks riskd: a gateway, a service, an operator.
type Caller struct {
	Name string // as configured; fit for logs and the audit trail
	Role Role
	// Bound says that the caller may only speak of Tenant, whatever it sends.
	Bound  bool
	Tenant string
}

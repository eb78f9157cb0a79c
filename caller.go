package riskd

import (
	"errors"
	"slices"
	"time"
)

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
	// Bound says that the caller may only speak of Tenant, which has a name then,
	// whatever it sends.
	Bound  bool
	Tenant string
}

// Means gives the tenant that a caller means by a name: a bound one that names
// none means its own. It is false if the caller may not speak of that tenant.
func (c *Caller) Means(tenant string) (string, bool) {
	if !c.Bound {
		return tenant, true
	}
	return c.Tenant, tenant == "" || tenant == c.Tenant
}

// Sees reports whether what belongs to a tenant is there for a caller. What isn't
// has to be answered as if it didn't exist.
func (c *Caller) Sees(tenant string) bool { return !c.Bound || tenant == c.Tenant }

// Credentials are what a caller has shown of itself. The zero Credentials show
// nothing.
type Credentials struct {
	// UID is the user at the other end of a unix socket, as the kernel has it; nil
	// where there is none.
	UID *uint32
	// Names are the URIs and DNS names of a client certificate, whose chain has been
	// verified; CertificateEnds is when it is over.
	Names           []string
	CertificateEnds time.Time
	// Authorization is what was said in headers, or in metadata, of that name: a
	// scheme and a token each.
	Authorization []string
}

// ErrUnknownCaller says that credentials name no caller, or more than one. It
// doesn't say why.
var ErrUnknownCaller = errors.New("the caller is not known")

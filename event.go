package riskd

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Event is what a gateway saw of one request: the only input of the engine.
type Event struct {
	// ID is the caller's id of the event, at most 64 bytes. Optional.
	ID string
	// Time is when the request reached the gateway. The zero time means "now".
	Time time.Time
	// Tenant separates customers of one installation; "" is the only tenant.
	Tenant      string
	Session     EventSession
	User        User
	Device      Device
	Client      Client
	Request     Request
	Privilege   Privilege
	Environment string
	// Attributes are facts of the caller's own, for rules of its own: riskd gives them no
	// meaning.
	Attributes map[string]string
	// Place is where Client.IP is; geo fills it.
	Place Place
	// Degraded are codes of what the border couldn't take as it came, such as a
	// time in the future. They are the first of the decision's own.
	Degraded []string
}

// EventSession is what the gateway knows of the session that carries a request.
type EventSession struct {
	ID SessionID
	// PreviousID is the id before a rotation; the session goes on under ID.
	PreviousID SessionID
	// Implied says that the caller named no session: ID stands for all that its
	// subject does (see SessionKey.Subject), which no timeout ends.
	Implied bool
	// StartedAt is when the session began. Without it riskd counts from the
	// first event that it saw, and a session that it never saw counts as older
	// than any revocation.
	StartedAt time.Time
	// AuthTime is the last active authentication (OIDC auth_time).
	AuthTime time.Time
	// ACR and AMR say how it was done (OIDC acr, RFC 8176 amr).
	ACR     string
	AMR     []string
	Binding Binding
}

// Binding says whether the request proved possession of the key that the
// session is bound to (DPoP, mTLS, DBSC). The gateway checks; riskd compares.
type Binding struct {
	Type       string // "", "dpop", "mtls" or "dbsc"
	Thumbprint string
	Verified   bool
}

// User is the subject of the session; the zero User is not signed in.
type User struct {
	ID    string
	Type  string
	Roles []string
}

// Device is what the gateway or the page learned of the user's machine.
type Device struct {
	// ID is a first-party device cookie or a managed device's id.
	ID string
	// Fingerprint is a hash over Attributes or whatever the page collected.
	Fingerprint string
	Attributes  map[string]string
	// Compliant is nil when no device management reports.
	Compliant *bool
}

// Client is the far end of the connection, as the trusted edge saw it.
type Client struct {
	// IP is the address, or the unspecified one, :: or 0.0.0.0, which is what a caller
	// says that can't see it (RFC 4291 §2.5.2: it indicates the absence of an address).
	// An unknown address is no place: nothing is learned from it, and no move made.
	IP        netip.Addr
	UserAgent string
	JA4       string
	Language  string
}

// Known reports whether the address is known.
func (c *Client) Known() bool { return c.IP.IsValid() && !c.IP.IsUnspecified() }

// Request is what was asked for. Route is a template such as /orders/{id},
// never the raw path, which may carry secrets.
type Request struct {
	Method   string
	Route    string
	Class    Class
	Activity Activity
	// Object marks what the route's placeholders stand for, so that how many different
	// ones are asked for can be told; 0 when the caller doesn't say.
	Object uint64
	// Status and Bytes are known only where the event is reported afterwards.
	Status int
	Bytes  int64
}

// Privilege is the power that a request uses.
type Privilege struct {
	// Level is 0 (none) to 10 (everything); what a role may use without notice
	// is data of the pack.
	Level  int
	Action string
}

// Class is how much harm a request can do; it chooses what riskd answers when
// it can't evaluate.
type Class uint8

// The route classes, from harmless to dangerous. The zero Class is ClassStandard.
const (
	ClassStandard  Class = iota // ordinary pages and calls
	ClassOpen                   // assets, public pages
	ClassSensitive              // payments, exports, changes of credentials
	ClassAdmin                  // administration
)

var classNames = []string{"standard", "open", "sensitive", "admin"}

func (c Class) String() string { return nameOf(classNames, uint8(c)) }

// ParseClass reads a route class; "" is standard.
func ParseClass(s string) (Class, error) {
	if s == "" {
		return ClassStandard, nil
	}
	i, err := parseName(classNames, s)
	return Class(i), err
}

// Activity tells a person's doing from a page that polls by itself.
type Activity uint8

// The kinds of activity. Only interactive requests slide an idle clock.
const (
	Interactive Activity = iota
	Background
)

var activityNames = []string{"interactive", "background"}

func (a Activity) String() string { return nameOf(activityNames, uint8(a)) }

// ParseActivity reads an activity; "" is interactive.
func ParseActivity(s string) (Activity, error) {
	if s == "" {
		return Interactive, nil
	}
	i, err := parseName(activityNames, s)
	return Activity(i), err
}

// FieldError says which field of a document is wrong and how to put it right.
type FieldError struct {
	Path   string // dotted, as on the wire: client.ip
	Detail string
}

func (e *FieldError) Error() string { return e.Path + ": " + e.Detail }

// Limits of an event's strings, in bytes. They bound what any rule can be fed.
const (
	MaxID         = 256  // ids of users, devices, tenants; actions, routes
	MaxText       = 2048 // user agents
	MaxList       = 64   // entries of roles, amr, attributes
	MaxPrivilege  = 10
	MaxToken      = 64 // names of attributes; methods, environments
	maxEventID    = 64
	maxShortToken = MaxToken
)

// Validate reports everything that is wrong with an event, as [*FieldError]s
// joined. The engine takes only valid events.
func (e *Event) Validate() error {
	var faults []error
	add := func(path, detail string) { faults = append(faults, &FieldError{path, detail}) }
	length := func(path, s string, limit int) {
		if len(s) > limit {
			add(path, fmt.Sprintf("is %d bytes long; the limit is %d", len(s), limit))
		}
	}
	if e.Session.ID.IsZero() {
		add("session.id", "is required")
	}
	if !e.Client.IP.IsValid() {
		add("client.ip", "is required: an IPv4 or IPv6 address")
	}
	length("id", e.ID, maxEventID)
	length("tenant", e.Tenant, MaxID)
	length("user.id", e.User.ID, MaxID)
	length("user.type", e.User.Type, maxShortToken)
	length("device.id", e.Device.ID, MaxID)
	length("device.fingerprint", e.Device.Fingerprint, MaxID)
	length("client.user_agent", e.Client.UserAgent, MaxText)
	length("client.ja4", e.Client.JA4, MaxID)
	length("client.language", e.Client.Language, MaxID)
	length("request.method", e.Request.Method, maxShortToken)
	length("request.route", e.Request.Route, MaxText)
	length("privilege.action", e.Privilege.Action, MaxID)
	length("environment", e.Environment, maxShortToken)
	length("session.acr", e.Session.ACR, MaxID)
	length("session.binding.thumbprint", e.Session.Binding.Thumbprint, MaxID)
	list(&faults, "user.roles", e.User.Roles)
	list(&faults, "session.amr", e.Session.AMR)
	table(&faults, "device.attributes", e.Device.Attributes)
	table(&faults, "attributes", e.Attributes)
	if l := e.Privilege.Level; l < 0 || l > MaxPrivilege {
		add("privilege.level", fmt.Sprintf("is %d; it must be 0 to %d", l, MaxPrivilege))
	}
	if s := e.Request.Status; s != 0 && (s < 100 || s > 599) {
		add("request.status", fmt.Sprintf("is %d; it must be an HTTP status code, 100 to 599", s))
	}
	if e.Request.Bytes < 0 {
		add("request.bytes", "must not be negative")
	}
	switch e.Session.Binding.Type {
	case "", "dpop", "mtls", "dbsc":
	default:
		add("session.binding.type", `must be one of "dpop", "mtls", "dbsc"`)
	}
	return errors.Join(faults...)
}

func list(faults *[]error, path string, values []string) {
	if len(values) > MaxList {
		*faults = append(*faults, &FieldError{path, fmt.Sprintf("has %d entries; the limit is %d", len(values), MaxList)})
		return
	}
	for i, v := range values {
		if v == "" || len(v) > maxShortToken {
			*faults = append(*faults, &FieldError{fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("must be 1 to %d bytes long", maxShortToken)})
		}
	}
}

func table(faults *[]error, path string, members map[string]string) {
	if n := len(members); n > MaxList {
		*faults = append(*faults, &FieldError{path, fmt.Sprintf("has %d members; the limit is %d", n, MaxList)})
	}
	for k, v := range members {
		if len(k) > maxShortToken || len(v) > MaxID {
			*faults = append(*faults, &FieldError{path, fmt.Sprintf("has a name over %d or a value over %d bytes", maxShortToken, MaxID)})
			return
		}
	}
}

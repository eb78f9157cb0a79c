package client

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Event is what a gateway tells of one request, as POST /v1/decisions takes it.
// Session.ID and Client.IP are required, everything else is worth knowing. What it
// refers to mustn't be changed after it was given to [Client.Decide].
type Event struct {
	// ID is yours, at most 64 bytes; the answer has it too.
	ID string `json:"id,omitzero"`
	// Time is when the request came. The zero time is now.
	Time time.Time `json:"time,omitzero"`
	// Tenant separates customers of one installation.
	Tenant    string    `json:"tenant,omitzero"`
	Session   Session   `json:"session"`
	User      User      `json:"user,omitzero"`
	Device    Device    `json:"device,omitzero"`
	Peer      Peer      `json:"client,omitzero"`
	Request   Request   `json:"request,omitzero"`
	Privilege Privilege `json:"privilege,omitzero"`
	// Environment is where the application runs, such as "production" or "kiosk".
	Environment string `json:"environment,omitzero"`
}

// Session is the session that carries the request.
type Session struct {
	// ID is the session's id as it is, such as the cookie's value. riskd hashes it
	// before it does anything else.
	ID string `json:"id"`
	// PreviousID is the id that this one has replaced, on the first request after.
	PreviousID string    `json:"previous_id,omitzero"`
	StartedAt  time.Time `json:"started_at,omitzero"`
	// AuthTime is the last active authentication, ACR and AMR say how it was done
	// (OIDC). Without AuthTime no step-up can be passed by what the events say.
	AuthTime time.Time `json:"auth_time,omitzero"`
	ACR      string    `json:"acr,omitzero"`
	AMR      []string  `json:"amr,omitempty"`
	Binding  Binding   `json:"binding,omitzero"`
}

// Binding is a key that the session is bound to, and whether the request has
// proved to have it. Type is "dpop", "mtls" or "dbsc".
type Binding struct {
	Type       string `json:"type,omitzero"`
	Thumbprint string `json:"thumbprint,omitzero"`
	Verified   bool   `json:"verified,omitzero"`
}

// User is whose session it is; the zero User is not signed in.
type User struct {
	ID    string   `json:"id,omitzero"`
	Type  string   `json:"type,omitzero"`
	Roles []string `json:"roles,omitempty"`
}

// Device is the user's machine.
type Device struct {
	ID          string            `json:"id,omitzero"`
	Fingerprint string            `json:"fingerprint,omitzero"`
	Attributes  map[string]string `json:"attributes,omitempty"`
	Compliant   *bool             `json:"compliant,omitzero"`
}

// Peer is the far end of the connection. IP is without port.
type Peer struct {
	IP        string `json:"ip,omitzero"`
	UserAgent string `json:"user_agent,omitzero"`
	JA4       string `json:"ja4,omitzero"`
	Language  string `json:"language,omitzero"`
}

// Request is what is asked for. Route is a template such as /orders/{id}, never
// the raw path; Object is what its placeholders stand for, of which riskd keeps a
// keyed hash.
type Request struct {
	Method   string
	Route    string
	Class    riskd.Class
	Activity riskd.Activity
	Object   string
	Status   int
	Bytes    int64
}

// MarshalJSON writes the class and the activity by their names.
func (r Request) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Method   string `json:"method,omitzero"`
		Route    string `json:"route,omitzero"`
		Class    string `json:"class"`
		Activity string `json:"activity"`
		Object   string `json:"object,omitzero"`
		Status   int    `json:"status,omitzero"`
		Bytes    int64  `json:"bytes,omitzero"`
	}{r.Method, r.Route, r.Class.String(), r.Activity.String(), r.Object, r.Status, r.Bytes})
}

// Privilege is the power that the request uses: Level is 0 to 10.
type Privilege struct {
	Level  int    `json:"level,omitzero"`
	Action string `json:"action,omitzero"`
}

// sameContext reports whether two events are of the same session and class and
// differ in nothing but what one request differs from the next in: id, time,
// method, route, activity, object, status and size. Whoever has copied a session
// comes with another address, browser, device or key, and isn't the same.
func sameContext(a, b *Event) bool {
	return a.Tenant == b.Tenant && a.Environment == b.Environment && a.Privilege == b.Privilege &&
		a.Request.Class == b.Request.Class && a.Peer == b.Peer && sameSession(&a.Session, &b.Session) &&
		a.User.ID == b.User.ID && a.User.Type == b.User.Type && slices.Equal(a.User.Roles, b.User.Roles) &&
		sameDevice(&a.Device, &b.Device)
}

func sameSession(a, b *Session) bool {
	return a.ID == b.ID && a.PreviousID == b.PreviousID && a.StartedAt.Equal(b.StartedAt) && a.AuthTime.Equal(b.AuthTime) &&
		a.ACR == b.ACR && slices.Equal(a.AMR, b.AMR) && a.Binding == b.Binding
}

func sameDevice(a, b *Device) bool {
	if (a.Compliant == nil) != (b.Compliant == nil) || a.Compliant != nil && *a.Compliant != *b.Compliant {
		return false
	}
	return a.ID == b.ID && a.Fingerprint == b.Fingerprint && maps.Equal(a.Attributes, b.Attributes)
}

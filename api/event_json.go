package api

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/riskd/riskd"
)

// wireEvent is an event as gateways send it. A member that is null counts as
// absent.
type wireEvent struct {
	ID          string        `json:"id,omitzero"`
	Time        time.Time     `json:"time,omitzero"`
	Tenant      string        `json:"tenant,omitzero"`
	Session     wireSession   `json:"session,omitzero"`
	User        wireUser      `json:"user,omitzero"`
	Device      wireDevice    `json:"device,omitzero"`
	Client      wireClient    `json:"client,omitzero"`
	Request     wireRequest   `json:"request,omitzero"`
	Privilege   wirePrivilege `json:"privilege,omitzero"`
	Environment string        `json:"environment,omitzero"`

	Attributes map[string]string `json:"attributes,omitzero"`
}

type wireSession struct {
	ID         string      `json:"id,omitzero"`
	PreviousID string      `json:"previous_id,omitzero"`
	StartedAt  time.Time   `json:"started_at,omitzero"`
	AuthTime   time.Time   `json:"auth_time,omitzero"`
	ACR        string      `json:"acr,omitzero"`
	AMR        []string    `json:"amr,omitzero"`
	Binding    wireBinding `json:"binding,omitzero"`
}

type wireBinding struct {
	Type       string `json:"type,omitzero"`
	Thumbprint string `json:"thumbprint,omitzero"`
	Verified   bool   `json:"verified,omitzero"`
}

type wireUser struct {
	ID    string   `json:"id,omitzero"`
	Type  string   `json:"type,omitzero"`
	Roles []string `json:"roles,omitzero"`
}

type wireDevice struct {
	ID          string            `json:"id,omitzero"`
	Fingerprint string            `json:"fingerprint,omitzero"`
	Attributes  map[string]string `json:"attributes,omitzero"`
	Compliant   *bool             `json:"compliant,omitzero"`
}

type wireClient struct {
	IP        string `json:"ip,omitzero"`
	UserAgent string `json:"user_agent,omitzero"`
	JA4       string `json:"ja4,omitzero"`
	Language  string `json:"language,omitzero"`
}

type wireRequest struct {
	Method   string `json:"method,omitzero"`
	Route    string `json:"route,omitzero"`
	Class    string `json:"class,omitzero"`
	Activity string `json:"activity,omitzero"`
	Object   string `json:"object,omitzero"`
	Status   int    `json:"status,omitzero"`
	Bytes    int64  `json:"bytes,omitzero"`
}

type wirePrivilege struct {
	Level  int    `json:"level,omitzero"`
	Action string `json:"action,omitzero"`
}

// wireTraceEvent is an event of a trace, which may bring its place along.
type wireTraceEvent struct {
	wireEvent
	Place wirePlace `json:"place,omitzero"`
}

type wirePlace struct {
	Country  string   `json:"country,omitzero"`
	City     string   `json:"city,omitzero"`
	Lat      *float64 `json:"lat,omitzero"`
	Lon      *float64 `json:"lon,omitzero"`
	RadiusKM float64  `json:"radius_km,omitzero"`
	ASN      uint32   `json:"asn,omitzero"`
	Org      string   `json:"org,omitzero"`
	Network  string   `json:"network,omitzero"`
}

// maxFaults is how many faults of one event are told.
const maxFaults = 16

// DecodeEvent reads one event as gateways send it. It is strict: one JSON
// document in valid UTF-8, members in exactly the case they are documented in
// and none that isn't, none twice. The session ids are hashed by key and kept
// nowhere. The error is [*riskd.FieldError]s joined, and holds no session id.
func DecodeEvent(body []byte, key *riskd.SessionKey) (*riskd.Event, error) {
	var w wireEvent
	if f := decode(body, &w); f != nil {
		return nil, f
	}
	return w.event(key, nil)
}

// DecodeTraceEvent is DecodeEvent for traces that are replayed: their events may
// bring their place along.
func DecodeTraceEvent(body []byte, key *riskd.SessionKey) (*riskd.Event, error) {
	var w wireTraceEvent
	if f := decode(body, &w); f != nil {
		return nil, f
	}
	return w.event(key, &w.Place)
}

// decode reads a whole document into a wire struct.
func decode(body []byte, into any) error {
	if len(body) > MaxEvent {
		return &riskd.FieldError{Path: documentPath, Detail: fmt.Sprintf("is %d bytes long; the limit is %d", len(body), MaxEvent)}
	}
	if err := json.Unmarshal(body, into, strict); err != nil {
		return documentFault(err, body, reflect.TypeOf(into).Elem(), MaxDepth)
	}
	return nil
}

var strict = json.RejectUnknownMembers(true)

// event turns the wire's words into the vocabulary's and checks all of them.
func (w *wireEvent) event(key *riskd.SessionKey, place *wirePlace) (*riskd.Event, error) {
	var faults faultList
	e := &riskd.Event{
		ID: w.ID, Time: w.Time, Tenant: w.Tenant,
		Session: riskd.EventSession{
			ID: key.ID(w.Tenant, w.Session.ID), PreviousID: key.ID(w.Tenant, w.Session.PreviousID),
			StartedAt: w.Session.StartedAt, AuthTime: w.Session.AuthTime,
			ACR: w.Session.ACR, AMR: w.Session.AMR, Binding: riskd.Binding(w.Session.Binding),
		},
		User:   riskd.User(w.User),
		Device: riskd.Device(w.Device),
		Client: riskd.Client{UserAgent: w.Client.UserAgent, JA4: w.Client.JA4, Language: w.Client.Language},
		Request: riskd.Request{
			Method: w.Request.Method, Route: w.Request.Route,
			Class:    word(&faults, "request.class", w.Request.Class, riskd.ParseClass),
			Activity: word(&faults, "request.activity", w.Request.Activity, riskd.ParseActivity),
			Object:   key.Mark("object", w.Tenant, w.Request.Object),
			Status:   w.Request.Status, Bytes: w.Request.Bytes,
		},
		Privilege:   riskd.Privilege(w.Privilege),
		Environment: w.Environment,
		Attributes:  w.Attributes,
	}
	if len(w.Request.Object) > riskd.MaxText {
		faults.add("request.object", fmt.Sprintf("is %d bytes long; the limit is %d", len(w.Request.Object), riskd.MaxText))
	}
	e.Client.IP = faults.address("client.ip", w.Client.IP)
	if place != nil {
		e.Place = place.place(&faults)
	}
	if err := e.Validate(); err != nil {
		for _, f := range faultsOf(err) {
			faults.add(f.Path, f.Detail)
		}
	}
	if len(faults) > 0 {
		return nil, faults.err()
	}
	return e, nil
}

func (w *wirePlace) place(faults *faultList) riskd.Place {
	p := riskd.Place{Country: w.Country, City: w.City, RadiusKM: w.RadiusKM, ASN: w.ASN, Org: w.Org}
	faults.country("place.country", w.Country)
	if len(w.City) > riskd.MaxID {
		faults.add("place.city", fmt.Sprintf("is longer than %d bytes", riskd.MaxID))
	}
	if len(w.Org) > riskd.MaxID {
		faults.add("place.org", fmt.Sprintf("is longer than %d bytes", riskd.MaxID))
	}
	if w.Network != "" {
		p.Network = word(faults, "place.network", w.Network, riskd.ParseNetworkKind)
	}
	if w.RadiusKM < 0 {
		faults.add("place.radius_km", "must not be negative")
	}
	if (w.Lat == nil) != (w.Lon == nil) {
		faults.add("place", "must have lat and lon, or neither")
	} else if w.Lat != nil {
		p.Located, p.Lat, p.Lon = true, *w.Lat, *w.Lon
		if p.Lat < -90 || p.Lat > 90 {
			faults.add("place.lat", "must be -90 to 90 degrees")
		}
		if p.Lon < -180 || p.Lon > 180 {
			faults.add("place.lon", "must be -180 to 180 degrees")
		}
	}
	return p
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

// faultList collects what is wrong with a document, once per field.
type faultList []*riskd.FieldError

func (l *faultList) add(path, detail string) {
	if len(*l) == maxFaults {
		return
	}
	for _, f := range *l {
		if f.Path == path {
			return
		}
	}
	*l = append(*l, &riskd.FieldError{Path: path, Detail: detail})
}

func (l faultList) err() error {
	errs := make([]error, len(l))
	for i, f := range l {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// address reads an IP address without port. A zone says nothing about the far
// end, and an IPv4 address in IPv6 clothes is that IPv4 address.
func (l *faultList) address(path, s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		l.add(path, `must be an IPv4 or IPv6 address without port, such as "203.0.113.7"`)
	}
	return a.Unmap().WithZone("")
}

// word reads a member of an enumeration.
func word[T ~uint8](l *faultList, path, s string, parse func(string) (T, error)) T {
	const longest = 32 // no word is longer
	v, err := parse(s[:min(len(s), longest)])
	if err != nil {
		l.add(path, oneOf(err))
	}
	return v
}

// oneOf says what a word has to be, without the wrong one that the error quotes:
// any secret may have got into its place.
func oneOf(err error) string {
	const before = " is not one of "
	text := err.Error()
	return "must be one of " + text[strings.LastIndex(text, before)+len(before):]
}

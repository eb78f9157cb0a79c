package api

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/riskd/riskd"
)

// wireTarget has exactly one of its members. They are pointers because "" is a
// tenant.
type wireTarget struct {
	Session   *string        `json:"session,omitzero"`
	SessionID *string        `json:"session_id,omitzero"` // raw; never in an answer
	Device    *string        `json:"device,omitzero"`
	User      *string        `json:"user,omitzero"`
	Tenant    *string        `json:"tenant,omitzero"`
	Predicate *wirePredicate `json:"predicate,omitzero"`
}

// wirePredicate describes sessions by what was seen of them.
type wirePredicate struct {
	ASN         uint32    `json:"asn,omitzero"`
	Country     string    `json:"country,omitzero"`
	Network     string    `json:"network,omitzero"`
	Role        string    `json:"role,omitzero"`
	UserType    string    `json:"user_type,omitzero"`
	Environment string    `json:"environment,omitzero"`
	Agent       string    `json:"agent,omitzero"`
	From        time.Time `json:"from,omitzero"`
	To          time.Time `json:"to,omitzero"`
}

func newWireTarget(t *riskd.Target) wireTarget {
	ref := t.Session.String()
	switch t.Kind {
	case riskd.TargetSession:
		return wireTarget{Session: &ref}
	case riskd.TargetDevice:
		return wireTarget{Device: &t.ID}
	case riskd.TargetUser:
		return wireTarget{User: &t.ID}
	case riskd.TargetTenant:
		return wireTarget{Tenant: &t.Tenant}
	case riskd.TargetPredicate:
		return wireTarget{Predicate: newWirePredicate(t.Predicate)}
	}
	return wireTarget{}
}

func newWirePredicate(p *riskd.Predicate) *wirePredicate {
	w := &wirePredicate{
		ASN: p.ASN, Country: p.Country.String(), Role: p.Role, UserType: p.UserType,
		Environment: p.Environment, Agent: p.Agent, From: p.From, To: p.To,
	}
	if p.Network.IsValid() {
		w.Network = p.Network.String()
	}
	return w
}

// target reads what an order is over. Whether it holds together is for
// [riskd.Epoch.Validate] to say.
func (w *wireTarget) target(tenant string, key *riskd.SessionKey, faults *faultList) riskd.Target {
	t := riskd.Target{Tenant: tenant}
	given := 0
	name := func(kind riskd.TargetKind, there bool) {
		if there {
			t.Kind = kind
			given++
		}
	}
	name(riskd.TargetSession, w.Session != nil)
	name(riskd.TargetSession, w.SessionID != nil)
	name(riskd.TargetDevice, w.Device != nil)
	name(riskd.TargetUser, w.User != nil)
	name(riskd.TargetTenant, w.Tenant != nil)
	name(riskd.TargetPredicate, w.Predicate != nil)
	if given != 1 {
		faults.add("target", "must have exactly one of session, session_id, device, user, tenant, predicate")
		return t
	}
	switch {
	case w.Session != nil:
		t.Session = faults.session("target.session", *w.Session)
	case w.SessionID != nil:
		if t.Session = key.ID(tenant, *w.SessionID); t.Session.IsZero() {
			faults.add("target.session_id", "must not be empty")
		}
	case w.Device != nil:
		t.ID = *w.Device
	case w.User != nil:
		t.ID = *w.User
	case w.Predicate != nil:
		t.Predicate = w.Predicate.predicate(faults)
	case tenant != "" && tenant != *w.Tenant:
		faults.add("tenant", "is another one than target.tenant: leave it out")
	default:
		t.Tenant = *w.Tenant
	}
	faults.length("target."+t.Kind.String(), t.ID)
	faults.length("tenant", t.Tenant)
	return t
}

// session reads a session's reference.
func (l *faultList) session(path, s string) riskd.SessionID {
	id, err := riskd.ParseSessionRef(s)
	if err != nil {
		l.add(path, "must be a session's reference, s_ and 26 characters; the id that the gateway uses goes into session_id")
	}
	return id
}

// length refuses a string that is longer than an id may be.
func (l *faultList) length(path, s string) {
	if len(s) > riskd.MaxID {
		l.add(path, fmt.Sprintf("is %d bytes long; the limit is %d", len(s), riskd.MaxID))
	}
}

func (w *wirePredicate) predicate(faults *faultList) *riskd.Predicate {
	p := &riskd.Predicate{
		ASN: w.ASN, Country: riskd.CountryOf(w.Country), Role: w.Role, UserType: w.UserType,
		Environment: w.Environment, Agent: w.Agent, From: w.From, To: w.To,
	}
	const at = "target.predicate."
	faults.country(at+"country", w.Country)
	if w.Network != "" {
		var err error
		if p.Network, err = netip.ParsePrefix(w.Network); err != nil {
			faults.add(at+"network", `must be a network such as "203.0.113.0/24"`)
		}
	}
	faults.length(at+"role", w.Role)
	faults.length(at+"user_type", w.UserType)
	faults.length(at+"environment", w.Environment)
	faults.length(at+"agent", w.Agent)
	return p
}

func (l *faultList) country(path, s string) {
	if s != "" && (len(s) != 2 || !upper(s[0]) || !upper(s[1])) {
		l.add(path, `must be two capital letters (ISO 3166-1 alpha-2) such as "FR"`)
	}
}

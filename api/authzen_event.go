package api

import (
	"slices"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// The kinds of subject that AuthZEN's gateways send: the session that carries a
// request, or whom its token names. All others are kinds of user.
const (
	subjectSession  = "session"
	subjectUser     = "user"
	subjectIdentity = "identity"
	resourceRoute   = "route"
)

// timeUnusable marks an event whose time can't be gone by.
const timeUnusable = "event_time_unusable"

// asked is a question as the engine takes it, and what its answer depends on.
type asked struct {
	event     *riskd.Event
	supported []string // obligations, nil if the caller doesn't say
}

// defaulted gives a question with what it leaves out taken from another, each part as
// a whole.
func (q evaluation) defaulted(from *evaluation) evaluation {
	for _, part := range []struct{ own, other **entity }{
		{&q.subject, &from.subject}, {&q.action, &from.action}, {&q.resource, &from.resource}, {&q.context, &from.context},
	} {
		if *part.own == nil {
			*part.own = *part.other
		}
	}
	return q
}

// check reports what is missing from a question, or can't be used.
func (q *evaluation) check() (faults faultList) {
	if len(q.faults) > 0 {
		return slices.Clone(q.faults)
	}
	for _, part := range []struct {
		name string
		*entity
	}{{"subject", q.subject}, {"action", q.action}, {"resource", q.resource}} {
		if part.entity == nil {
			faults.add(part.name, "is required")
			continue
		}
		faults = append(faults, part.faults...)
	}
	if q.context != nil {
		faults = append(faults, q.context.faults...)
	}
	return faults
}

// event turns a question into an event of the time now.
func (q *evaluation) event(key *riskd.SessionKey, c *riskd.Caller, now time.Time) (*asked, error) {
	faults := q.check()
	if len(faults) > 0 {
		return nil, faults.err()
	}
	t := &toldFacts{faults: &faults}
	out := &asked{}
	attributes := map[string]string{"subject.type": q.subject.kind, "action.name": q.action.id, "resource.type": q.resource.kind}
	if len(q.resource.id) <= riskd.MaxID {
		attributes["resource.id"] = q.resource.id
	}
	t.identify(q)
	for _, part := range []struct {
		section, at string
		of          *entity
	}{
		{"subject", "subject.properties", q.subject},
		{"action", "action.properties", q.action},
		{"resource", "resource.properties", q.resource},
		{"context", "context", q.context},
	} {
		if part.of == nil {
			continue
		}
		for i := range part.of.properties {
			p := &part.of.properties[i]
			if part.of == q.context && p.name == "supported_obligations" && p.kind == '[' {
				out.supported = append([]string{}, p.list...)
			} else if !t.fact(part.at, p) {
				t.attribute(attributes, part.at, part.section+"."+p.name, p)
			}
		}
	}
	tenant, err := ownTenant(c, t.text(factTenant))
	if err != nil {
		return nil, err
	}
	out.event = t.event(key, tenant, q, now)
	out.event.Attributes = attributes
	t.validate(out.event)
	if len(faults) > 0 {
		return nil, faults.err()
	}
	return out, nil
}

// identify takes what types and ids say.
func (t *toldFacts) identify(q *evaluation) {
	word := func(s string) *property { return &property{kind: '"', text: s} }
	switch q.subject.kind {
	case subjectSession:
		t.take(factSession, "subject.id", word(q.subject.id))
	case subjectUser, subjectIdentity:
		t.take(factUser, "subject.id", word(q.subject.id))
	default:
		t.take(factUser, "subject.id", word(q.subject.id))
		t.take(factUserType, "subject.type", word(q.subject.kind))
	}
	t.take(factMethod, "action.name", word(q.action.id))
	if q.resource.kind == resourceRoute {
		t.take(factRoute, "resource.id", word(q.resource.id))
	} else {
		t.take(factRoute, "resource.type", word(q.resource.kind))
		t.take(factObject, "resource.id", word(q.resource.id))
	}
}

// fact takes a property for what riskd knows by its name, if it knows that.
func (t *toldFacts) fact(at string, p *property) bool {
	known, ok := places[[2]string{at, p.name}]
	fact := known.fact
	if !ok || facts[fact].lax && !usable(fact, p) {
		return false
	}
	if fact == factAction && p.kind == '0' {
		fact = factLevel
	}
	t.take(fact, known.path, p)
	return true
}

// usable reports whether a property whose name others use, too, is what riskd means
// by it.
func usable(fact int, p *property) bool {
	if fact == factEnvironment {
		return p.kind == '"' && len(p.text) <= riskd.MaxToken
	}
	return true
}

func (t *toldFacts) event(key *riskd.SessionKey, tenant string, q *evaluation, now time.Time) *riskd.Event {
	e := &riskd.Event{
		Tenant: tenant, Environment: t.text(factEnvironment),
		Session: riskd.EventSession{
			StartedAt: t.moment(factStarted), AuthTime: t.moment(factAuthTime), ACR: t.text(factACR), AMR: t.words(factAMR, true),
		},
		User:   riskd.User{ID: t.text(factUser), Type: t.text(factUserType), Roles: t.words(factRoles, false)},
		Device: riskd.Device{ID: t.text(factDevice), Fingerprint: t.text(factFingerprint), Compliant: t.flag(factCompliant)},
		Client: riskd.Client{IP: t.address(), UserAgent: t.text(factAgent), JA4: t.text(factJA4), Language: t.text(factLanguage)},
		Request: riskd.Request{
			Method: t.text(factMethod), Route: t.text(factRoute), Class: classOf(t.values[factClass]), Activity: t.activity(),
		},
		Privilege: riskd.Privilege{Level: t.level(), Action: t.text(factAction)},
	}
	if object := t.text(factObject); len(object) <= riskd.MaxText {
		e.Request.Object = key.Mark("object", e.Tenant, object)
	} else {
		t.faults.add(t.at[factObject], "is too long")
	}
	e.Session.ID, e.Session.PreviousID = key.ID(e.Tenant, t.text(factSession)), key.ID(e.Tenant, t.text(factPrevious))
	if e.Session.ID.IsZero() {
		e.Session.ID, e.Session.Implied = key.Subject(e.Tenant, q.subject.kind, q.subject.id, e.Session.StartedAt), true
	}
	if p := t.values[factTime]; p != nil {
		at, ok := momentOf(p)
		if e.Time = at; !ok || now.Sub(at) > MaxLate {
			e.Time, e.Degraded = time.Time{}, append(e.Degraded, timeUnusable)
		}
	}
	return e
}

// validate has the event checked as any other, and tells faults by the names under
// which the caller knows them.
func (t *toldFacts) validate(e *riskd.Event) {
	err := e.Validate()
	if err == nil {
		return
	}
	for _, f := range faultsOf(err) {
		path, _, _ := strings.Cut(f.Path, "[")
		i := slices.IndexFunc(facts[:], func(known fact) bool { return known.to == path })
		if i >= 0 && t.at[i] != "" {
			path = t.at[i]
		}
		t.faults.add(path, f.Detail)
	}
}

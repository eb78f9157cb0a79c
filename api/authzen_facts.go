package api

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// fact is a member of riskd's events that an AuthZEN question may tell.
type fact struct {
	to   string   // as in /v1/decisions
	from []string // where it is told; if in several places, then the same in all
	as   string   // what has to be there
	// lax says that a value of another kind is no mistake, but one of the caller's own
	// attributes: AuthZEN's own examples use the name, too.
	lax bool
}

// The facts that need to be known by name.
const (
	factTenant = iota
	factTime
	factSession
	factPrevious
	factStarted
	factAuthTime
	factACR
	factAMR
	factUser
	factUserType
	factRoles
	factDevice
	factFingerprint
	factCompliant
	factIP
	factAgent
	factJA4
	factLanguage
	factMethod
	factRoute
	factClass
	factActivity
	factObject
	factAction
	factLevel
	factEnvironment
	factCount
)

// facts is the one table of what is read of a question: what isn't here, and is a
// scalar, is an attribute of the event. docs/authzen.md shows it.
var facts = [factCount]fact{
	factTenant:      {to: "tenant", from: []string{"context.tenant", "subject.properties.tenant"}, as: "string"},
	factTime:        {to: "time", from: []string{"context.time"}, as: "RFC 3339 or Unix seconds; anything else, and what is over 24 h old, counts as now"},
	factSession:     {to: "session.id", from: []string{"subject.id where subject.type is session", "context.session_id", "subject.properties.session_id", "subject.properties.sid"}, as: "string"},
	factPrevious:    {to: "session.previous_id", from: []string{"context.previous_session_id", "subject.properties.previous_session_id"}, as: "string"},
	factStarted:     {to: "session.started_at", from: []string{"context.session_started_at", "subject.properties.session_started_at"}, as: "RFC 3339 or Unix seconds"},
	factAuthTime:    {to: "session.auth_time", from: []string{"context.auth_time", "subject.properties.auth_time"}, as: "RFC 3339 or Unix seconds"},
	factACR:         {to: "session.acr", from: []string{"context.acr", "subject.properties.acr"}, as: "string"},
	factAMR:         {to: "session.amr", from: []string{"context.amr", "subject.properties.amr"}, as: "array of strings, or a string of words"},
	factUser:        {to: "user.id", from: []string{"subject.id where subject.type is not session", "subject.properties.user"}, as: "string"},
	factUserType:    {to: "user.type", from: []string{"subject.type where it is not session, user or identity", "subject.properties.user_type"}, as: "string"},
	factRoles:       {to: "user.roles", from: []string{"subject.properties.roles"}, as: "array of strings, or a string: one role"},
	factDevice:      {to: "device.id", from: []string{"context.device_id", "subject.properties.device_id"}, as: "string"},
	factFingerprint: {to: "device.fingerprint", from: []string{"context.device_fingerprint", "subject.properties.device_fingerprint"}, as: "string"},
	factCompliant:   {to: "device.compliant", from: []string{"context.device_compliant", "subject.properties.device_compliant"}, as: "boolean"},
	factIP:          {to: "client.ip", from: []string{"context.ip"}, as: "IPv4 or IPv6 address without port; left out it is unknown"},
	factAgent:       {to: "client.user_agent", from: []string{"context.user_agent"}, as: "string"},
	factJA4:         {to: "client.ja4", from: []string{"context.ja4"}, as: "string"},
	factLanguage:    {to: "client.language", from: []string{"context.language"}, as: "string"},
	factMethod:      {to: "request.method", from: []string{"action.name"}, as: "string"},
	factRoute:       {to: "request.route", from: []string{"resource.id where resource.type is route", "resource.type where it is another"}, as: "string"},
	factClass:       {to: "request.class", from: []string{"resource.properties.class", "resource.properties.sensitivity"}, as: "open, public → open; standard, normal, low, medium → standard; sensitive, high → sensitive; admin, critical → admin; any other → sensitive"},
	factActivity:    {to: "request.activity", from: []string{"context.activity", "action.properties.activity"}, as: "interactive or background"},
	factObject:      {to: "request.object", from: []string{"resource.id where resource.type is not route", "resource.properties.object"}, as: "string"},
	factAction:      {to: "privilege.action", from: []string{"action.properties.privilege"}, as: "string"},
	factLevel:       {to: "privilege.level", from: []string{"action.properties.privilege_level", "action.properties.privilege where it is a number"}, as: "number, 0 to 10"},
	factEnvironment: {to: "environment", from: []string{"context.environment"}, as: "string", lax: true},
}

// place is where a fact may be told.
type place struct {
	fact int
	path string
}

// places finds a property's fact by the path of the object that it is in and its own
// name.
var places = func() map[[2]string]place {
	all := map[[2]string]place{}
	for i := range facts {
		for _, from := range facts[i].from {
			if end := strings.LastIndexByte(from, '.'); !strings.Contains(from, " ") {
				all[[2]string{from[:end], from[end+1:]}] = place{i, from}
			}
		}
	}
	return all
}()

// toldFacts is what a question tells of each fact, and where.
type toldFacts struct {
	values [factCount]*property
	at     [factCount]string
	faults *faultList
}

// take takes a fact that is told in a place. One that is told twice has to be told
// the same: of two callers that see one of them each, neither may be fooled.
func (t *toldFacts) take(fact int, at string, p *property) {
	switch {
	case t.values[fact] == nil:
		t.values[fact], t.at[fact] = p, at
	case fact == factClass && classOf(p) == classOf(t.values[fact]):
	case !t.values[fact].equal(p):
		t.faults.add(at, "says something else than "+t.at[fact])
	}
}

func (t *toldFacts) fault(fact int) {
	t.faults.add(t.at[fact], "must be of this kind: "+facts[fact].as)
}

func (t *toldFacts) text(fact int) string {
	p := t.values[fact]
	switch {
	case p == nil:
		return ""
	case p.kind != '"':
		t.fault(fact)
	}
	return p.text
}

// words reads a list; a plain string is one if it is split, else its only entry.
func (t *toldFacts) words(fact int, split bool) []string {
	p := t.values[fact]
	switch {
	case p == nil:
		return nil
	case p.kind == '[':
		return p.list
	case p.kind != '"':
		t.fault(fact)
	case split:
		return strings.Fields(p.text)
	case p.text != "":
		return []string{p.text}
	}
	return nil
}

func (t *toldFacts) moment(fact int) time.Time {
	p := t.values[fact]
	if p == nil {
		return time.Time{}
	}
	at, ok := momentOf(p)
	if !ok {
		t.fault(fact)
	}
	return at
}

// momentOf reads RFC 3339, or Unix seconds as OpenID Connect has them.
func momentOf(p *property) (time.Time, bool) {
	const last = 253402300799 // of the year 9999
	switch p.kind {
	case '"':
		at, err := time.Parse(time.RFC3339, p.text)
		return at, err == nil
	case '0':
		s, err := strconv.ParseFloat(p.text, 64)
		if err != nil || s < 0 || s > last {
			return time.Time{}, false
		}
		whole, part := math.Modf(s)
		return time.Unix(int64(whole), int64(part*1e9)).UTC(), true
	}
	return time.Time{}, false
}

func (t *toldFacts) flag(fact int) *bool {
	p := t.values[fact]
	if p == nil {
		return nil
	}
	yes := p.kind == 't'
	if !yes && p.kind != 'f' {
		t.fault(fact)
	}
	return &yes
}

func (t *toldFacts) level() int {
	p := t.values[factLevel]
	if p == nil {
		return 0
	}
	x, err := strconv.ParseFloat(p.text, 64)
	if p.kind != '0' || err != nil || x != math.Trunc(x) || x < 0 || x > riskd.MaxPrivilege {
		t.fault(factLevel)
		return 0
	}
	return int(x)
}

// address is the unspecified one where nothing is told: unknown.
func (t *toldFacts) address() netip.Addr {
	s := t.text(factIP)
	if s == "" {
		return netip.IPv6Unspecified()
	}
	return t.faults.address(t.at[factIP], s)
}

func (t *toldFacts) activity() riskd.Activity {
	a, err := riskd.ParseActivity(t.text(factActivity))
	if err != nil {
		t.fault(factActivity)
	}
	return a
}

// classWords are what resources are called by how much harm can be done to them.
var classWords = map[string]riskd.Class{
	"": riskd.ClassStandard, "open": riskd.ClassOpen, "public": riskd.ClassOpen,
	"standard": riskd.ClassStandard, "normal": riskd.ClassStandard, "low": riskd.ClassStandard, "medium": riskd.ClassStandard,
	"sensitive": riskd.ClassSensitive, "high": riskd.ClassSensitive,
	"admin": riskd.ClassAdmin, "critical": riskd.ClassAdmin,
}

// classOf reads how sensitive a resource is. Somebody who says anything of that in
// words of his own has something to protect.
func classOf(p *property) riskd.Class {
	if p == nil {
		return riskd.ClassStandard
	}
	if class, ok := classWords[strings.ToLower(p.text)]; ok && p.kind == '"' {
		return class
	}
	return riskd.ClassSensitive
}

// attribute keeps a scalar that is no fact for the rules of those who sent it.
func (t *toldFacts) attribute(all map[string]string, at, name string, p *property) {
	value := p.text
	switch p.kind {
	case '"', '0':
	case 't', 'f':
		value = strconv.FormatBool(p.kind == 't')
	default:
		return
	}
	shown := at + "." + p.name
	if !plain(p.name) {
		shown = at
	}
	switch {
	case len(name) > riskd.MaxToken:
		t.faults.add(shown, fmt.Sprintf("has a name that is too long: attributes have %d bytes at most, and %s before them", riskd.MaxToken, name[:strings.IndexByte(name, '.')+1]))
	case len(value) > riskd.MaxID:
		t.faults.add(shown, fmt.Sprintf("has a value of %d bytes; the limit is %d", len(value), riskd.MaxID))
	case len(all) == riskd.MaxList:
		t.faults.add(at, fmt.Sprintf("has too many members: those that are no facts of riskd's become attributes, of which a request may have %d", riskd.MaxList))
	default:
		all[name] = value
	}
}

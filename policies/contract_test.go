package policies

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/riskd/riskd"
)

var contractSignals = []riskd.Signal{
	{Name: "country", Doc: "whether the country is new", Value: "0 or 1", Details: []riskd.Detail{
		{Name: "from", Kind: riskd.Text, Doc: "the country before"}, {Name: "gap_s", Doc: "seconds since then"},
	}},
	{Name: "speed", Doc: "how fast the session travels", Value: "km/h"},
}

// fullCase has something in every member of the input.
func fullCase() *riskd.Case {
	now := time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
	yes := true
	return &riskd.Case{
		Now: now,
		Event: &riskd.Event{
			ID: "e1", Time: now, Tenant: "acme", Environment: "test", Attributes: map[string]string{"resource.status": "archived"},
			Session: riskd.EventSession{
				AuthTime: now.Add(-time.Minute), ACR: "aal2", AMR: []string{"mfa"},
				Binding: riskd.Binding{Type: "dpop", Thumbprint: "t", Verified: true},
			},
			User:   riskd.User{ID: "u1", Type: "staff", Roles: []string{"admin"}},
			Device: riskd.Device{ID: "d1", Fingerprint: "f1", Attributes: map[string]string{"os": "x"}, Compliant: &yes},
			Client: riskd.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "agent", JA4: "j", Language: "en"},
			Request: riskd.Request{
				Method: "GET", Route: "/", Class: riskd.ClassAdmin, Activity: riskd.Background, Status: 200, Bytes: 5,
			},
			Privilege: riskd.Privilege{Level: 3, Action: "export"},
			Place:     riskd.Place{Country: "FR", City: "Lille", ASN: 64500, Org: "Example", Network: riskd.NetworkMobile},
		},
		Session:    &riskd.Session{Start: now.Add(-time.Hour), Requests: 12, StepUp: &riskd.StepUp{}},
		Profile:    &riskd.Profile{Sessions: 5, Trust: trustIn("d1", now.Add(time.Hour))},
		Readings:   []riskd.Reading{{State: riskd.Measured, Value: 1, Nats: 6.1, Details: [8]riskd.DetailValue{{Text: "DE"}, {Number: 60}}}, riskd.NotEvaluableFor("place")},
		Score:      63.5,
		Reasons:    []riskd.Reason{{Code: "b"}, {Code: "a"}, {Code: "b"}},
		Invariants: []string{"z", "y", "z"},
	}
}

func trustIn(device string, until time.Time) (trust [4]riskd.DeviceTrust) {
	trust[1] = riskd.DeviceTrust{Device: riskd.MarkOf(&riskd.Device{ID: device}).ID, Until: until}
	return trust
}

func wholeInput(c *riskd.Case) ast.Value {
	return newShape(fieldsFor(contractSignals), [][]string{{}}).input(c)
}

// Everything in an input is in the schema with its type, and everything in the
// schema is in some input: there's one contract.
func TestSchemaIsTheInput(t *testing.T) {
	t.Parallel()
	_, schema := Schema(contractSignals)
	other := fullCase() // what can't be in the first together with the rest
	other.Readings[0], other.Readings[1] = other.Readings[1], other.Readings[0]
	described, given := map[string]string{}, map[string]string{}
	leavesOfSchema(schema, "", described)
	for _, c := range []*riskd.Case{fullCase(), other} {
		leavesOfInput(wholeInput(c), "", given)
	}
	// An object of strings has no fixed members.
	delete(given, ".device.attributes.os")
	given[".device.attributes"] = "object"
	delete(given, ".event.attributes.resource.status")
	given[".event.attributes"] = "object"
	for _, path := range slices.Sorted(maps.Keys(described)) {
		if given[path] != described[path] {
			t.Errorf("%s is %s in the schema and %s in the input", path, described[path], given[path])
		}
	}
	for path := range given {
		if described[path] == "" {
			t.Errorf("%s is in the input and not in the schema", path)
		}
	}
}

func leavesOfSchema(s map[string]any, path string, leaves map[string]string) {
	properties, ok := s["properties"].(map[string]any)
	if !ok {
		leaves[path] = s["type"].(string)
		if s["description"] == "" || s["description"] == nil {
			leaves[path] += " without a description"
		}
		return
	}
	if s["additionalProperties"] != false {
		leaves[path] = "open to other members"
	}
	for name, member := range properties {
		leavesOfSchema(member.(map[string]any), path+"."+name, leaves)
	}
}

func leavesOfInput(v ast.Value, path string, leaves map[string]string) {
	if o, ok := v.(ast.Object); ok {
		o.Foreach(func(k, v *ast.Term) {
			name, _ := text(k.Value)
			leavesOfInput(v.Value, path+"."+name, leaves)
		})
		return
	}
	leaves[path] = ast.ValueName(v)
}

// The rules know nothing of what is summed up from them.
func TestRulesSchemaHasNoJudgement(t *testing.T) {
	t.Parallel()
	rules, judgement := Schema(contractSignals)
	for _, name := range []string{"score", "nats", "reasons", "invariants"} {
		if rules["properties"].(map[string]any)[name] != nil || judgement["properties"].(map[string]any)[name] == nil {
			t.Errorf("%s is in the rules' schema, or not in the judgement's", name)
		}
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	empty := &riskd.Case{Event: &riskd.Event{}, Session: &riskd.Session{}}
	bound := fullCase()
	bound.Event.Session = riskd.EventSession{}
	bound.Session.ACR, bound.Session.AMR, bound.Session.AuthTime = "aal1", []string{"pwd"}, bound.Now.Add(time.Hour)
	ended, fingerprint := fullCase(), fullCase()
	ended.Profile.Trust = trustIn("d1", ended.Now)
	fingerprint.Event.Device.ID = ""
	held := fullCase()
	held.Session.Status, held.Session.Failures = riskd.StatusSuspended, 2
	for name, test := range map[string]struct {
		c    *riskd.Case
		want string // a Rego expression over input
	}{
		"values":             {fullCase(), `i.session.age_s == 3600; i.session.auth_age_s == 60; i.event.time == "2026-03-29T00:59:00Z"; i.client.prefix == "192.0.2.0/24"`},
		"reading":            {fullCase(), `i.readings == {"country": {"value": 1, "nats": 6.1, "from": "DE", "gap_s": 60}, "speed": {"missing": "place"}}`},
		"judgement":          {fullCase(), `i.score == 63.5; i.reasons == ["a", "b"]; i.invariants == ["y", "z"]; i.nats.request == 0`},
		"booleans":           {fullCase(), `i.session.step_up_pending == true; i.device.compliant == true; i.user.young == false; i.session.binding == {"type": "dpop", "verified": true}`},
		"nothing is known":   {empty, `i.place == {}; i.readings == {}; i.user == {"roles": [], "profile_sessions": 0, "young": true}; i.session.binding == {"verified": false}`},
		"unknown is absent":  {empty, `not i.event.id; not i.session.age_s; not i.session.acr; not i.place.asn; not i.device.compliant; not i.request.status`},
		"session remembers":  {bound, `i.session.acr == "aal1"; i.session.amr == ["pwd"]`},
		"no time runs back":  {bound, `i.session.auth_age_s == 0`},
		"trusted device":     {fullCase(), `i.device.trusted == true`},
		"trust has ended":    {ended, `i.device.trusted == false`},
		"fingerprint alone":  {fingerprint, `i.device.trusted == false`},
		"held up":            {held, `i.session.status == "suspended"; i.session.failures == 2`},
		"counters are there": {empty, `i.session.requests == 0; i.request.bytes == 0; i.privilege.level == 0; i.device.known == false`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			holds(t, wholeInput(test.c), test.want)
		})
	}
}

// An input holds what its query reads, and nothing else has to be built.
func TestInputHoldsWhatIsRead(t *testing.T) {
	t.Parallel()
	reads := [][]string{{"score"}, {"user", "roles", "0"}, {"readings", "country"}, {"device", "attributes", "os"}}
	got := newShape(fieldsFor(contractSignals), reads).input(fullCase())
	holds(t, got, `i == {"score": 63.5, "user": {"roles": ["admin"]}, "device": {"attributes": {"os": "x"}}, "readings": {"country": {"value": 1, "nats": 6.1, "from": "DE", "gap_s": 60}}}`)
}

func TestNumberTerm(t *testing.T) {
	t.Parallel()
	zero := 0.0
	for v, want := range map[float64]string{0: "0", -3: "-3", 0.1: "0.1", 1e20: "1e+20", 1 << 53: "9.007199254740992e+15", 1 / zero: "none", -1 / zero: "none"} {
		got := "none"
		if term := numberTerm(v); term != nil {
			got = term.String()
		}
		if got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}

// holds asks OPA whether every part of an expression holds for i.
func holds(t *testing.T, i ast.Value, expression string) {
	t.Helper()
	m := ast.MustParseModule(fmt.Sprintf("package test\n\np if {\n\ti := input\n\t%s\n}", expression))
	c := ast.NewCompiler()
	if c.Compile(map[string]*ast.Module{"test": m}); c.Failed() {
		t.Fatal(c.Errors)
	}
	u, err := prepare("data.test.p", c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := newBulkhead(1, nil).question()
	q.input = i
	if answer, err := u.ask(q); err != nil || answer == nil {
		t.Errorf("%s doesn't hold (%v) for\n%v", expression, err, i)
	}
}

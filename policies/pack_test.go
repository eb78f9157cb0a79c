package policies_test

import (
	"fmt"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/rego"
)

// The catalogue and the library that most tests here use: small enough to be
// seen at a glance, with one rule of every shape.
var testSignals = []riskd.Signal{
	{Name: "country", Doc: "whether the country is new", Value: "0 or 1", Details: []riskd.Detail{
		{Name: "from", Kind: riskd.Text, Doc: "the country before"},
		{Name: "gap_s", Doc: "seconds since then"},
	}},
	{Name: "speed", Doc: "how fast the session travels", Value: "km/h"},
	{Name: "unused", Doc: "what no rule looks at", Value: "0"},
}

const (
	country = iota
	speed
)

func metadata(code, group string) string {
	return fmt.Sprintf(`
# METADATA
# title: The title of %[1]s
# labels:
#   rule: %[1]s
#   severity: high
#   group: %[2]s
#   channel: identity
# custom:
#   user: Something is new.
#   admin: "%[1]s happened"
`, code, group)
}

var testRules = `package riskd.rules

import data.riskd.lib
` + strings.Replace(metadata("country", "network"), `"country happened"`, `"from {from} after {gap_s} s, {nats} nats"`, 1) +
	`reasons contains {"code": "country", "weight": t.weight, "min": t.min, "max": t.max, "clears_with": ["mfa"]} if {
	input.readings.country.value == 1
	t := lib.tuned("country", {"weight": 1, "min": 0, "max": 7})
}
` + metadata("speed", "network") +
	`reasons contains {"code": "speed", "nats": t.nats} if {
	t := lib.tuned("speed", {"nats": 2.5, "above": 900})
	input.readings.speed.value > t.above
}
` + metadata("stolen", "token") +
	`reasons contains {"code": "stolen", "invariant": true} if input.session.before_login
`

func libraryOf(t testing.TB, rules string) fstest.MapFS {
	t.Helper()
	lib, err := fs.ReadFile(rego.FS, "lib/lib.rego")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{"rules.rego": {Data: []byte(rules)}, "lib/lib.rego": {Data: lib}}
}

// packOf is the default pack with another policy.rego; "" keeps it.
func packOf(t testing.TB, policy string) fstest.MapFS {
	t.Helper()
	pack := fstest.MapFS{}
	for _, name := range []string{"policy.rego", "tuning.json"} {
		data, err := fs.ReadFile(policies.Default(), name)
		if err != nil {
			t.Fatal(err)
		}
		pack[name] = &fstest.MapFile{Data: data}
	}
	if policy != "" {
		pack["policy.rego"] = &fstest.MapFile{Data: []byte("package riskd.decision\n\n" + policy)}
	}
	return pack
}

func compile(t testing.TB, policy, rules string, overlay ...string) *policies.Pack {
	t.Helper()
	p, err := tryCompile(t, policy, rules, overlay...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryCompile(t testing.TB, policy, rules string, overlay ...string) (*policies.Pack, error) {
	t.Helper()
	if rules == "" {
		rules = testRules
	}
	return policies.Compile("test", packOf(t, policy), policies.Options{
		Signals: testSignals, Library: libraryOf(t, rules), Overlay: []byte(strings.Join(overlay, "")),
	})
}

func quietCase() *riskd.Case {
	now := time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
	return &riskd.Case{
		Event: &riskd.Event{
			ID: "e1", Time: now, Client: riskd.Client{IP: netip.MustParseAddr("192.0.2.7"), UserAgent: "agent"},
			User: riskd.User{ID: "u1", Roles: []string{"user"}}, Request: riskd.Request{Method: "GET", Route: "/orders/{id}"},
			Place: riskd.Place{Country: "FR", ASN: 64500},
		},
		Session:  &riskd.Session{Start: now.Add(-time.Hour), Requests: 12},
		Profile:  &riskd.Profile{Sessions: 5},
		Readings: []riskd.Reading{{State: riskd.Measured}, {State: riskd.Measured, Value: 4}, {}},
		Now:      now,
	}
}

func riskyCase() *riskd.Case {
	c := quietCase()
	c.Readings[country] = riskd.Reading{State: riskd.Measured, Value: 1, Nats: 6.1}
	c.Readings[speed] = riskd.Reading{State: riskd.Measured, Value: 2400}
	c.Session.BeforeLogin = true
	return c
}

package riskd_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestPrefixOf(t *testing.T) {
	tests := map[string]string{
		"203.0.113.7":            "203.0.113.0/24",
		"::ffff:203.0.113.9":     "203.0.113.0/24",
		"0.0.0.1":                "0.0.0.0/24",
		"255.255.255.255":        "255.255.255.0/24",
		"2001:db8:1234:5678::9":  "2001:db8:1234::/48",
		"2001:db8:1234::1%eth0":  "2001:db8:1234::/48",
		"::1":                    "::/48",
		"ffff:ffff:ffff:ffff::1": "ffff:ffff:ffff::/48",
	}
	seen := map[riskd.Prefix]string{}
	for address, want := range tests {
		p := riskd.PrefixOf(netip.MustParseAddr(address))
		if p.String() != want {
			t.Errorf("%s has the prefix %s, want %s", address, p, want)
		}
		if other, ok := seen[p]; ok && other != want {
			t.Errorf("%s and %s share a prefix value", other, want)
		}
		seen[p] = want
	}
	if p := riskd.PrefixOf(netip.Addr{}); p != 0 || p.String() != "" {
		t.Errorf("no address has the prefix %s", p)
	}
}

func TestContextsForgetTheOldest(t *testing.T) {
	var c riskd.Contexts
	at := time.Unix(1000, 0)
	context := func(i int) riskd.Context { return riskd.Context{Prefix: riskd.Prefix(i + 1), ASN: uint32(i + 1)} }
	for i := range len(c) {
		c.See(context(i), at.Add(time.Duration(i)*time.Second))
	}
	c.See(context(0), at.Add(time.Hour)) // the first is fresh again, the second is now the oldest
	c.See(context(100), at.Add(2*time.Hour))
	for i, known := range map[int]bool{0: true, 1: false, 2: true, 100: true} {
		if got := c.Familiar(context(i)).Prefix; got != known {
			t.Errorf("context %d known: %t, want %t", i, got, known)
		}
	}
}

func TestFamiliarByLevel(t *testing.T) {
	var c riskd.Contexts
	fr := riskd.CountryOf("FR")
	c.See(riskd.Context{Prefix: 1, ASN: 64496, Country: fr}, time.Unix(1, 0))
	c.See(riskd.Context{Prefix: 9}, time.Unix(2, 0)) // a place that isn't known
	tests := map[string]struct {
		context riskd.Context
		want    riskd.Familiarity
	}{
		"same":            {riskd.Context{Prefix: 1, ASN: 64496, Country: fr}, riskd.Familiarity{Prefix: true, ASN: true, Country: true}},
		"another prefix":  {riskd.Context{Prefix: 2, ASN: 64496, Country: fr}, riskd.Familiarity{ASN: true, Country: true}},
		"another network": {riskd.Context{Prefix: 2, ASN: 64497, Country: fr}, riskd.Familiarity{Country: true}},
		"elsewhere":       {riskd.Context{Prefix: 2, ASN: 64497, Country: riskd.CountryOf("US")}, riskd.Familiarity{}},
		"nowhere":         {riskd.Context{Prefix: 2}, riskd.Familiarity{}},
	}
	for name, test := range tests {
		if got := c.Familiar(test.context); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestProfileLearns(t *testing.T) {
	var p riskd.Profile
	e := validEvent()
	e.User.ID = "ada"
	e.Device = riskd.Device{ID: "d1", Fingerprint: "f1"}
	agent := riskd.Agent{Family: "Firefox", OS: "Linux"}
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	if !p.Young() {
		t.Error("an empty profile isn't young")
	}
	for i := range riskd.YoungProfile {
		p.Learn(&riskd.Lesson{}, &e, agent, at.Add(time.Duration(i)*time.Hour), true)
		p.Learn(&riskd.Lesson{}, &e, agent, at.Add(time.Duration(i)*time.Hour), false)
	}
	if p.Young() || p.Sessions != riskd.YoungProfile || p.Requests != 2*riskd.YoungProfile {
		t.Errorf("learned %d sessions, %d requests", p.Sessions, p.Requests)
	}
	if id, fp, known := p.HasDevice(riskd.MarkOf(&e.Device), agent, at); !id || !fp || !known {
		t.Errorf("its own device is known by id %t, fingerprint %t, agent %t", id, fp, known)
	}
	other := riskd.MarkOf(&riskd.Device{ID: "d2"})
	if id, fp, known := p.HasDevice(other, riskd.Agent{Family: "Safari"}, at); id || fp || known {
		t.Errorf("a strange device is known by id %t, fingerprint %t, agent %t", id, fp, known)
	}
}

func TestStepUpMetBy(t *testing.T) {
	issued := time.Date(2026, 3, 1, 12, 0, 0, 500e6, time.UTC)
	login, now := issued.Add(-time.Hour), issued.Add(2*time.Minute)
	challenge := riskd.StepUp{IssuedAt: issued, AuthTime: login, Demand: riskd.Demand{ACR: []string{"aal2"}, AMR: []string{"otp"}, MaxAge: 5 * time.Minute}}
	tests := map[string]struct {
		auth time.Time
		acr  string
		amr  []string
		want bool
	}{
		"proved by acr":                 {issued.Add(time.Minute), "aal2", nil, true},
		"proved by amr":                 {issued.Add(time.Minute), "aal1", []string{"pwd", "otp"}, true},
		"cut to whole seconds":          {issued.Truncate(time.Second), "aal2", nil, true},
		"provider's clock behind":       {issued.Add(-30 * time.Second), "aal2", nil, true},
		"authenticated, but too weakly": {issued.Add(time.Minute), "aal1", []string{"pwd"}, false},
		"the login that was known":      {login, "aal2", nil, false},
		"no time at all":                {time.Time{}, "aal2", nil, false},
		"a proof from before":           {issued.Add(-10 * time.Minute), "aal2", nil, false},
	}
	for name, test := range tests {
		e := riskd.Event{Session: riskd.EventSession{AuthTime: test.auth, ACR: test.acr, AMR: test.amr}}
		if got := challenge.MetBy(&e, now); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
	proof := riskd.Event{Session: riskd.EventSession{AuthTime: issued.Add(time.Minute), ACR: "aal2"}}
	for age, want := range map[time.Duration]bool{6 * time.Minute: true, 6*time.Minute + 1: false} {
		if got := challenge.MetBy(&proof, proof.Session.AuthTime.Add(age)); got != want {
			t.Errorf("a proof that is %s old, of five minutes and the skew: %t", age, got)
		}
	}
	atLogin := riskd.StepUp{IssuedAt: issued, AuthTime: issued.Truncate(time.Second)}
	again := riskd.Event{Session: riskd.EventSession{AuthTime: issued.Truncate(time.Second)}}
	if atLogin.MetBy(&again, issued.Add(24*time.Hour)) {
		t.Error("the login that raised the challenge meets it")
	}
}

func TestCountries(t *testing.T) {
	for _, code := range []string{"AA", "FR", "ZZ", "", "fr", "é"} {
		if got := riskd.CountryOf(code).String(); got != code {
			t.Errorf("%q reads back as %q", code, got)
		}
	}
	if got := riskd.CountryOf("FRA").String(); got != "" {
		t.Errorf("three letters are %q", got)
	}
	if n := testing.AllocsPerRun(100, func() { _ = riskd.CountryOf("FR").String() }); n > 0 {
		t.Errorf("a code costs %g allocations", n)
	}
}

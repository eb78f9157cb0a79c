package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func (w *walk) authenticated(at time.Time, acr string, amr ...string) *walk {
	s := &w.Event.Session
	s.AuthTime, s.ACR, s.AMR = at, acr, amr
	return w
}

func TestAuthStrengthLevels(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acr   string
		amr   []string
		level float64
	}{
		"password":                  {"", []string{"pwd"}, 1},
		"password, level":           {"aal1", nil, 1},
		"two of a kind":             {"", []string{"pwd", "pin"}, 1},
		"a code alone":              {"", []string{"otp"}, 1},
		"password and code":         {"", []string{"pwd", "otp"}, 2},
		"finger and key":            {"", []string{"fpt", "swk"}, 2},
		"says so":                   {"", []string{"mfa"}, 2},
		"key in hardware":           {"", []string{"hwk"}, 3},
		"smart card and pin":        {"", []string{"sc", "pin"}, 3},
		"passkey":                   {"phr", []string{"swk", "user"}, 3},
		"hardware passkey":          {"phrh", nil, 3},
		"NIST":                      {"nist-aal2", nil, 2},
		"in capitals":               {"AAL3", nil, 3},
		"REFEDS":                    {"https://refeds.org/profile/mfa", nil, 2},
		"login.gov":                 {"http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true", nil, 3},
		"PAPE":                      {"http://schemas.openid.net/pape/policies/2007/06/phishing-resistant", nil, 3},
		"the stronger word":         {"aal1", []string{"pwd", "otp"}, 2},
		"the stronger level":        {"aal2", []string{"pwd"}, 2},
		"a cookie of long ago":      {"0", nil, 0},
		"no factor":                 {"", []string{"rba", "geo", "user"}, 0},
		"a word of its own, method": {"gold", []string{"pwd"}, 1},
	} {
		w := newWalk(t).authenticated(noon, c.acr, c.amr...)
		if f := w.read("auth_strength"); f.State != riskd.Measured || f.Value != c.level || f.texts["acr"] != c.acr {
			t.Errorf("%s: state %d, level %v, want %v", name, f.State, f.Value, c.level)
		}
	}
	for name, c := range map[string]struct {
		acr string
		amr []string
	}{"nothing": {}, "a word of its own": {"gold", nil}, "methods of its own": {"", []string{"palm"}}} {
		if f := newWalk(t).authenticated(noon, c.acr, c.amr...).read("auth_strength"); f.Missing != "authentication" {
			t.Errorf("%s: %+v", name, f.Reading)
		}
	}
}

// An authentication is short of what is asked once, however often it is used.
func TestAuthStrengthShort(t *testing.T) {
	t.Parallel()
	type step struct {
		acr   string
		class riskd.Class
		nats  float64
	}
	for name, steps := range map[string][]step{
		"password":          {{"aal1", riskd.ClassStandard, 0}, {"aal1", riskd.ClassSensitive, 0.4}, {"aal1", riskd.ClassSensitive, 0}, {"aal1", riskd.ClassAdmin, 0.4}, {"aal1", riskd.ClassAdmin, 0}},
		"nothing at all":    {{"0", riskd.ClassAdmin, 1.2}, {"0", riskd.ClassSensitive, 0}},
		"two factors":       {{"aal2", riskd.ClassSensitive, 0}, {"aal2", riskd.ClassAdmin, 0.4}},
		"key":               {{"phr", riskd.ClassAdmin, 0}, {"phr", riskd.ClassSensitive, 0}},
		"assets":            {{"0", riskd.ClassOpen, 0}},
		"ordinary, all day": {{"aal1", riskd.ClassStandard, 0}, {"aal1", riskd.ClassOpen, 0}, {"aal1", riskd.ClassStandard, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			w.authenticated(noon, steps[0].acr).read("auth_strength") // what a key says, it says here
			for i, s := range steps {
				w.goOn(time.Minute)
				w.authenticated(noon, s.acr).Event.Request.Class = s.class
				if f := w.read("auth_strength"); !near(f.Nats, s.nats) {
					t.Errorf("step %d: %v nats, want %v", i, f.Nats, s.nats)
				}
			}
		})
	}
}

func TestAuthStrengthAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		class riskd.Class
		level int
		asked float64
	}{
		"a page":              {riskd.ClassStandard, 0, 0},
		"everybody's power":   {riskd.ClassStandard, 2, 0},
		"an export":           {riskd.ClassStandard, 3, 2},
		"a payment":           {riskd.ClassSensitive, 0, 2},
		"an administrator's":  {riskd.ClassStandard, 7, 3},
		"administration":      {riskd.ClassAdmin, 0, 3},
		"a great payment":     {riskd.ClassSensitive, 8, 3},
		"a picture, of power": {riskd.ClassOpen, 1, 0},
	} {
		w := newWalk(t).authenticated(noon, "aal1")
		w.Event.Request.Class, w.Event.Privilege.Level = c.class, c.level
		if f := w.read("auth_strength"); f.numbers["asked"] != c.asked || f.numbers["short"] != max(0, c.asked-1) {
			t.Errorf("%s: asks for %v, short %v; want %v", name, f.numbers["asked"], f.numbers["short"], c.asked)
		}
	}
}

// A strong authentication speaks once, for the client that made it.
func TestAuthStrengthOfAKey(t *testing.T) {
	t.Parallel()
	w := newWalk(t).authenticated(noon, "phr")
	want(t, w.read("auth_strength"), 3, -1)
	for range 100 {
		w.goOn(time.Minute)
		want(t, w.read("auth_strength"), 3, 0)
	}
	want(t, w.authenticated(w.Now, "phr").read("auth_strength"), 3, -1)
	w.goOn(time.Minute)
	want(t, w.authenticated(w.Now, "phr").from(york).read("auth_strength"), 3, 0)
	w.goOn(time.Minute)
	want(t, w.authenticated(w.Now, "phr").from(home).device("other", "").read("auth_strength"), 3, 0)
	want(t, newWalk(t).login(time.Hour).authenticated(noon, "phr").from(york).read("auth_strength"), 3, -1)
}

// What an event tells of an older authentication, or not at all, changes nothing.
func TestAuthStrengthOfTheSession(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at    time.Time
		acr   string
		level float64
	}{
		"silent":  {time.Time{}, "", 2},
		"older":   {noon.Add(-2 * time.Hour), "phr", 2},
		"no time": {time.Time{}, "phr", 2},
		"newer":   {noon, "aal1", 1},
	} {
		w := newWalk(t)
		w.Session.AuthTime, w.Session.ACR = noon.Add(-time.Hour), "aal2"
		if f := w.authenticated(c.at, c.acr).read("auth_strength"); f.Value != c.level {
			t.Errorf("%s: level %v, want %v", name, f.Value, c.level)
		}
	}
}

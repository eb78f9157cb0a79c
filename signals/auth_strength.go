package signals

import (
	"slices"
	"strings"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "auth_strength",
		Doc:   "What the session's authentication is worth, against what the request asks for: two factors for class sensitive or a privilege above 2, one that can't be phished for class admin or a privilege from 7 on. Strength is that of the acr value or of the amr values, whichever is more; words that are in no standard say nothing. Missing: authentication, while neither is known. Each authentication says what it has to say once.",
		Value: "0 no factor, 1 a single factor, 2 several factors, 3 one that resists phishing",
		Details: []riskd.Detail{
			{Name: "asked", Doc: "strength that the request asks for, 0 to 3"},
			{Name: "short", Doc: "by how much the session's is below it, 0 to 3"},
			{Name: "acr", Kind: riskd.Text, Doc: "the authentication's acr value; empty when unknown"},
		},
		Memory: true,
	}, measureAuthStrength)
}

// shortNats are for each step that an authentication is short of what is asked:
// stolen passwords are used with what they open. strongNats are for one that was
// proved with a key that no look-alike page can relay: what follows it is the
// user's, unless somebody takes the session itself. Both are assumed.
const (
	shortNats  = 0.4
	strongNats = -1
)

// The strengths.
const (
	noFactor = iota
	singleFactor
	multiFactor
	phishingResistant
)

// What auth_strength keeps in its cell.
const (
	strengthOf    = iota // Unix seconds of the authentication that was seen last
	strengthSeen         // 1 once one was seen
	strengthShort        // the steps that were weighed
)

func measureAuthStrength(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	now := authentication(in)
	level, known := strength(now.ACR, now.AMR)
	if !known {
		return riskd.NotEvaluableFor("authentication"), cell
	}
	at, nats := unixSeconds(now.AuthTime), 0.0
	if cell[strengthSeen] == 0 || cell[strengthOf] != at {
		cell = riskd.Cell{strengthOf: at, strengthSeen: 1}
		if level == phishingResistant && sameClient(in) {
			nats = strongNats
		}
	}
	asked := strengthAsked(in.Event)
	short := max(0, asked-level)
	if more := float64(short) - cell[strengthShort]; more > 0 {
		cell[strengthShort] += more
		nats += more * shortNats
	}
	return measured(float64(level), nats, details{number(float64(asked)), number(float64(short)), text(now.ACR)}), cell
}

// authentication is the session's last one: the event's, if it tells any that
// isn't older.
func authentication(in *Input) (a riskd.EventSession) {
	e, s := &in.Event.Session, in.Session
	if (e.ACR != "" || len(e.AMR) > 0) && !e.AuthTime.Before(s.AuthTime) {
		return *e
	}
	return riskd.EventSession{AuthTime: s.AuthTime, ACR: s.ACR, AMR: s.AMR}
}

// sameClient reports whether the event comes from where the session is: what was
// proved elsewhere speaks for whoever is there.
func sameClient(in *Input) bool {
	here := riskd.ContextOf(in.Event)
	return in.login() || here != riskd.Context{} && !otherMachine(in) && !anotherPlace(in.Session.Here, here)
}

// strengthAsked is what the request's class asks for, or its privilege where that is
// more: levels up to ordinaryPrivilege are everybody's, those from highPrivilege on
// administrators' (assumed; the shipped packs' roles are cut alike).
func strengthAsked(e *riskd.Event) int {
	const ordinaryPrivilege, highPrivilege = 2, 7
	class, level := e.Request.Class, e.Privilege.Level
	switch {
	case class == riskd.ClassAdmin || level >= highPrivilege:
		return phishingResistant
	case class == riskd.ClassSensitive || level > ordinaryPrivilege:
		return multiFactor
	}
	return noFactor
}

// strength weighs an authentication. A provider vouches with either word, so that
// the stronger counts, as it does where a step-up is met.
func strength(acr string, amr []string) (level int, known bool) {
	level, known = acrStrength(acr)
	if len(amr) > 0 {
		byMethods, named := amrStrength(amr)
		level, known = max(level, byMethods), known || named
	}
	return level, known
}

// acrValues are those that mean the same everywhere: NIST SP 800-63B's levels as
// providers write them, OpenID's phr and phrh (EAP ACR Values 1.0) and PAPE
// policies, REFEDS' profiles, login.gov's, and OpenID Connect's 0, which is none.
// AAL3 asks for a hardware authenticator that resists phishing.
var acrValues = []struct {
	acr   string
	level int
}{
	{"0", noFactor},
	{"aal1", singleFactor},
	{"aal2", multiFactor},
	{"aal3", phishingResistant},
	{"nist-aal1", singleFactor},
	{"nist-aal2", multiFactor},
	{"nist-aal3", phishingResistant},
	{"phr", phishingResistant},
	{"phrh", phishingResistant},
	{"https://refeds.org/profile/sfa", singleFactor},
	{"https://refeds.org/profile/mfa", multiFactor},
	{"http://idmanagement.gov/ns/assurance/aal/1", singleFactor},
	{"http://idmanagement.gov/ns/assurance/aal/2", multiFactor},
	{"http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true", phishingResistant},
	{"http://idmanagement.gov/ns/assurance/aal/3", phishingResistant},
	{"http://schemas.openid.net/pape/policies/2007/06/multi-factor", multiFactor},
	{"http://schemas.openid.net/pape/policies/2007/06/multi-factor-physical", multiFactor},
	{"http://schemas.openid.net/pape/policies/2007/06/phishing-resistant", phishingResistant},
}

func acrStrength(acr string) (level int, known bool) {
	for i := range acrValues {
		if strings.EqualFold(acrValues[i].acr, acr) {
			return acrValues[i].level, true
		}
	}
	return noFactor, false
}

// The methods of RFC 8176, by what they prove. pop is possession of a key of which
// nobody says where it is; geo, rba, user and mca name no factor.
var (
	knowledge   = []string{"pwd", "pin", "kba", "wia"}
	possession  = []string{"otp", "sms", "tel", "swk", "pop", "hwk", "sc"}
	inherence   = []string{"face", "fpt", "iris", "retina", "vbm"}
	withoutAny  = []string{"geo", "rba", "user", "mca"}
	hardwareKey = []string{"hwk", "sc"}
)

func amrStrength(amr []string) (level int, known bool) {
	kinds := 0
	for _, methods := range [...][]string{knowledge, possession, inherence} {
		if named(methods, amr) {
			kinds++
		}
	}
	switch {
	case named(hardwareKey, amr):
		return phishingResistant, true
	case kinds > 1 || slices.Contains(amr, "mfa"):
		return multiFactor, true
	case kinds == 1:
		return singleFactor, true
	}
	return noFactor, named(withoutAny, amr)
}

func named(methods, amr []string) bool {
	for _, m := range amr {
		if slices.Contains(methods, m) {
			return true
		}
	}
	return false
}

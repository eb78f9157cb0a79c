package gateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/riskd/riskd"
)

// Refusal is the code of why a gateway gets no decision; "" is none.
type Refusal string

// What can't be decided on.
const (
	NoSession      Refusal = "no_session"      // 401: there is no session id
	InvalidToken   Refusal = "invalid_token"   // 401: its signature, its dates or whom it is for
	UnknownProfile Refusal = "unknown_profile" // 403: the request names no profile
	Malformed      Refusal = "malformed"       // 403: something can be read in two ways, or in none
	PathAmbiguous  Refusal = "path_ambiguous"  // 403: the path can be read in two ways, where the class hangs on it
	UnknownCaller  Refusal = "unknown_caller"  // 403: the gateway isn't known
	NotAllowed     Refusal = "not_allowed"     // 403: the gateway may not ask, or not about that tenant
)

// suspended is the reason of a session that is held up.
const suspended = "suspended"

// Headers are those of every answer, in the order of Answer.Values. A gateway that
// copies them overwrites what the client sent under their names.
var Headers = [...]string{
	"X-Risk-Decision", "X-Risk-Score", "X-Risk-Level", "X-Risk-Reasons",
	"X-Risk-Decision-Id", "X-Risk-Step-Up-Acr", "X-Risk-Session", "X-Risk-Degraded", "X-Risk-Ttl",
}

// Answer is what a gateway is told. Its status is one of three, whatever
// happened: gateways pass these on and turn others into an outage, or into an
// open door.
type Answer struct {
	Status int // 200, 401 or 403
	// Outcome is allow, step_up, revoke, or none where nothing was decided.
	Outcome string
	// Challenge is the value of WWW-Authenticate; there with 401 only.
	Challenge string
	Values    [len(Headers)]string
}

// Refuse is the answer to what can't be decided on: the code stands among the
// reasons.
func Refuse(code Refusal) Answer {
	a := Answer{Status: http.StatusForbidden, Outcome: "none", Values: [len(Headers)]string{0: "none", 3: string(code), 8: "0"}}
	switch code { // RFC 6750 §3
	case NoSession:
		a.Status, a.Challenge = http.StatusUnauthorized, `Bearer realm="riskd"`
	case InvalidToken:
		a.Status, a.Challenge = http.StatusUnauthorized, `Bearer realm="riskd", error="invalid_token"`
	}
	return a
}

// Failed is the answer where riskd itself failed.
func Failed(degraded string) Answer {
	a := Refuse("")
	a.Values[7] = degraded
	return a
}

// Tell is the answer to a decision: 200 for allow, 401 with a challenge for
// step_up, 403 for revoke and for a session that is held up, whose user would be
// sent to sign in again and again to no avail.
func Tell(d *riskd.Decision) Answer {
	a := Answer{Status: http.StatusForbidden, Outcome: d.Outcome.String()}
	acr := ""
	switch d.Outcome {
	case riskd.Allow:
		a.Status = http.StatusOK
	case riskd.StepUpNeeded:
		if d.Source == riskd.SourceSuspension {
			break
		}
		a.Status = http.StatusUnauthorized
		var demand riskd.Demand
		if d.StepUp != nil {
			demand = d.StepUp.Demand
		}
		acr = strings.Join(demand.ACR, " ")
		a.Challenge = Challenge(&demand)
	}
	codes := make([]string, 0, len(d.Reasons)+1)
	if d.Source == riskd.SourceSuspension {
		codes = append(codes, suspended)
	}
	for i := range d.Reasons {
		codes = append(codes, d.Reasons[i].Code)
	}
	a.Values = [...]string{
		a.Outcome, strconv.Itoa(d.Score), d.Level.String(), strings.Join(codes, ","),
		d.ID, acr, d.Session.String(), strings.Join(d.Degraded, ","),
		strconv.Itoa(int(d.Lease.ValidFor / time.Second)),
	}
	return a
}

// Challenge writes a demand as RFC 9470 has it.
func Challenge(d *riskd.Demand) string {
	b := []byte(`Bearer realm="riskd", error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"`)
	if len(d.ACR) > 0 {
		b = append(quoted(append(b, `, acr_values="`...), strings.Join(d.ACR, " ")), '"')
	}
	if d.MaxAge > 0 {
		b = append(strconv.AppendInt(append(b, `, max_age="`...), int64(d.MaxAge.Seconds()), 10), '"')
	}
	return string(b)
}

// quoted appends the inside of a quoted-string (RFC 9110 §5.6.4); what one can't
// hold is left out.
func quoted(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= ' ' && c < 0x7f:
			b = append(b, c)
		}
	}
	return b
}

package signals

import (
	"math"
	"net/http"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "privilege_use",
		Doc:   "How much power the request uses, how that compares with what the user is in the habit of, and how old the last proof of identity is. What a role may use without notice is for the rule to know.",
		Value: "privilege level of the request, 0 (none) to 10 (everything)",
		Details: []riskd.Detail{
			{Name: "proof_age_s", Doc: "seconds since the last active authentication; -1 when unknown"},
			{Name: "usual", Doc: "highest level that the user is known to have used, 0 to 10"},
			{Name: "share", Doc: "share of the user's known requests that used a privilege, 0 to 1"},
			{Name: "class", Kind: riskd.Text, Doc: "route class: standard, open, sensitive or admin"},
			{Name: "status", Doc: "HTTP status of the answer; 0 when not known yet. 403 is a denied attempt"},
			{Name: "action", Kind: riskd.Text, Doc: "what the gateway calls the privileged action; empty when it doesn't say"},
		},
	}, measurePrivilegeUse)
}

// How often requests use a privilege: an attacker's, with 9 % exports, 3 %
// administration and 4 % changes of credentials, and an honest population's,
// with 0.8 % exports, 0.15 % changes of credentials and 6 % administration by
// the 8 % who administer. The latter counts as much as 40 requests of the user's
// own. The bounds keep one request from deciding (all assumed, held up in
// simulation: docs/detection.md).
const (
	privilegedAttack   = 0.16
	privilegedOrdinary = 0.0143
	privilegedPrior    = 40
	privilegedLeast    = -0.35
	privilegedMost     = 1.6
	neverUsedNats      = 1.2
	deniedNats         = 1.5
)

func measurePrivilegeUse(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	e, p := in.Event, in.Profile
	level := e.Privilege.Level
	nats := 0.0
	if level > 0 {
		nats = privilegedHabit(p)
		if level > p.PrivilegeMax && !p.Young() {
			nats += neverUsedNats
		}
	}
	if e.Request.Status == http.StatusForbidden && e.Request.Class != riskd.ClassOpen {
		nats += deniedNats
	}
	return measured(float64(level), nats, details{
		number(proofAge(in)), number(float64(p.PrivilegeMax)), number(share(p)),
		text(e.Request.Class.String()), number(float64(e.Request.Status)), text(e.Privilege.Action),
	}), cell
}

// privilegedHabit is what one more privileged request says, given how usual they
// are for the user. Requests without privilege say nothing here: counted as
// innocent, a handful of them would wash every export away.
func privilegedHabit(p *riskd.Profile) float64 {
	usual := (float64(p.Privileged) + privilegedPrior*privilegedOrdinary) / (float64(p.Requests) + privilegedPrior)
	return min(max(math.Log(privilegedAttack/usual), privilegedLeast), privilegedMost)
}

func share(p *riskd.Profile) float64 {
	if p.Requests == 0 {
		return 0
	}
	return float64(p.Privileged) / float64(p.Requests)
}

func proofAge(in *Input) float64 {
	at := in.Session.AuthTime
	if in.Event.Session.AuthTime.After(at) {
		at = in.Event.Session.AuthTime
	}
	if at.IsZero() {
		return -1
	}
	return max(0, in.Now.Sub(at).Seconds())
}

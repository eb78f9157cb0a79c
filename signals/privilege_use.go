package signals

import (
	"net/http"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "privilege_use",
		Doc:   "How much power the request uses, whether it was refused, and how old the last proof of identity is. What a role may use without notice is for the rule to know. While a user has no history, power is compared with what the population uses; after that privilege_burst and privilege_novelty compare it with his own habit.",
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

// deniedNats is what a refused attempt says (assumed, held up in simulation:
// docs/detection.md).
const deniedNats = 1.5

func measurePrivilegeUse(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	e, p := in.Event, in.Profile
	level := e.Privilege.Level
	nats := 0.0
	if level > 0 && p.Young() { // once there is a habit, privilege_burst compares with that
		nats = privilegedHabit(p)
	}
	if e.Request.Status == http.StatusForbidden && e.Request.Class != riskd.ClassOpen {
		nats += deniedNats
	}
	return measured(float64(level), nats, details{
		number(proofAge(in)), number(float64(p.PrivilegeMax)), number(share(p)),
		text(e.Request.Class.String()), number(float64(e.Request.Status)), text(e.Privilege.Action),
	}), cell
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

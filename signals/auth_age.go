package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:   "auth_age",
		Doc:    "How long ago the session's user was last actively authenticated. The longer, the likelier somebody has taken the session since; that is evidence on requests of class sensitive and admin alone, and grows with the age, not with the number of requests. Missing: auth_time.",
		Value:  "seconds since the last active authentication",
		Memory: true,
	}, measureAuthAge)
}

// Sessions are stolen at any time, so that the chance of one being stolen grows as
// its age: the evidence is the log of it, against that of a session of ageScale.
// Only a part of it counts, as honest users do sensitive things late as well (all
// assumed: docs/detection.md).
const (
	ageScale = 300 // seconds
	agePart  = 0.25
	ageMost  = 1 // nats an authentication
)

// What auth_age keeps in its cell.
const (
	ageOf    = iota // Unix seconds of the authentication
	ageGiven        // nats that its age has come to
)

func measureAuthAge(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	proof := lastProof(in)
	if proof.IsZero() {
		return riskd.NotEvaluableFor("auth_time"), cell
	}
	if at := unixSeconds(proof); at != cell[ageOf] {
		cell = riskd.Cell{ageOf: at}
	}
	age, nats := max(0, in.Now.Sub(proof).Seconds()), 0.0
	if c := in.Event.Request.Class; c == riskd.ClassSensitive || c == riskd.ClassAdmin {
		nats = max(0, min(agePart*math.Log1p(age/ageScale), ageMost)-cell[ageGiven])
		cell[ageGiven] += nats
	}
	return measured(age, nats, details{}), cell
}

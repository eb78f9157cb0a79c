package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "unusual_hour",
		Doc:   "Whether the user signs in at an hour at which he usually does. Evidence at a login only: what is known of a user's hours is when his sessions began, and one that goes on until late has begun at its usual hour. Missing: history, while there is too little of it.",
		Value: "share of the user's logins that is expected in this hour, 0 to 1; 0.04 if he had no habits",
		Details: []riskd.Detail{
			{Name: "hour", Doc: "hour of the UTC day, 0 to 23"},
			{Name: "logins", Doc: "how many logins of the user are known"},
		},
	}, measureUnusualHour)
}

// The shape of the measure: an hour and its neighbours, so that neither daylight
// saving nor a late train make a stranger, and twelve logins at no hour in
// particular before the user's own (assumed, held up in simulation:
// docs/detection.md). An attacker knows no hours.
const (
	hoursPrior = 12
	hourLeast  = -0.5
	hourMost   = 1.5
)

func measureUnusualHour(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p := in.Profile
	if p.Young() {
		return riskd.NotEvaluableFor("history"), cell
	}
	hour, logins := in.Now.UTC().Hour(), 0
	for _, n := range p.Hours {
		logins += int(n)
	}
	const day = len(p.Hours)
	around := float64(p.Hours[(hour+day-1)%day]) + float64(p.Hours[hour]) + float64(p.Hours[(hour+1)%day])
	share := (around/3 + hoursPrior/float64(day)) / (float64(logins) + hoursPrior)
	nats := 0.0
	if in.login() {
		nats = min(max(math.Log(1/float64(day)/share), hourLeast), hourMost)
	}
	return measured(share, nats, details{number(float64(hour)), number(float64(logins))}), cell
}

package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "slow_exfiltration",
		Doc:   "Whether the session takes away more than its user is in the habit of: bytes of each answer, and reads of sensitive routes for the time that passes. What exceeds the habit adds up, ordinary requests take it back. Refused requests and those of class open don't count. Not evaluable for a user without history (missing: history), nor, but for reads of sensitive routes, where the gateway doesn't tell bytes (bytes).",
		Value: "nats that the session's requests have added up to, fading by half in 8 minutes, 0 to 4",
		Details: []riskd.Detail{
			{Name: "bytes", Doc: "bytes of the answer; 0 when not known"},
			{Name: "usual_bytes", Doc: "bytes of the user's usual answer: the median of his habit; 0 when not known"},
			{Name: "deviations", Doc: "standard deviations that the logarithm of the answer's bytes is above the habit's; 0 when either is unknown"},
			{Name: "usual_per_hour", Doc: "reads of sensitive routes in an hour of the user's activity, smoothed with the population's"},
			{Name: "gap_s", Doc: "seconds since the session's last request"},
		},
		Memory: true,
	}, measureSlowExfiltration)
}

// The shape of the measure. The log likelihood ratio of an answer against one of a
// habit that is one standard deviation higher is z − 1/2, that of a read against
// exfilTimes the usual rate ln(exfilTimes), less (exfilTimes − 1) times what was due
// in the time before it: the reference values of Page's (1954) test for means and of
// Lucas's (1985) for counts. Both tell of one fact and are bounded together, and in
// all to less than half of a step-up: what is taken along is also told, by the share
// of such requests, by privilege_burst. The bounds and the priors are assumed.
const (
	exfilShift = 0.5
	exfilTimes = 4.0
	exfilLeast = -0.35
	exfilMost  = 0.6 // of one request
	exfilTotal = 4
	// A habit is one from so many measurements on; its spread is smoothed with as many
	// of the population's.
	habitLeast  = 20
	usualSpread = 1.5 // standard deviation of the logarithm of bytes
)

func measureSlowExfiltration(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p, r := in.Profile, &in.Event.Request
	cell[0] = in.left(cell[0])
	sensitive := riskd.KindOf(r) == riskd.KindSensitiveRead
	habit := p.Volume.N >= habitLeast
	switch {
	case r.Bytes == 0 && !sensitive:
		return riskd.NotEvaluableFor("bytes"), cell
	case p.Young(), !habit && !sensitive:
		return riskd.NotEvaluableFor("history"), cell
	}
	var z, x, median float64
	if habit {
		median = math.Expm1(min(float64(p.Volume.Mean), 60))
		if r.Bytes > 0 {
			z = (riskd.LogBytes(r.Bytes) - float64(p.Volume.Mean)) / spread(&p.Volume, usualSpread)
			x = z - exfilShift
		}
	}
	perHour := usualOf(p, riskd.KindSensitiveRead) * 3600 / usualPause(p)
	if sensitive {
		x += math.Log(exfilTimes)
	}
	x -= (exfilTimes - 1) * perHour * in.between().Hours()
	if r.Class == riskd.ClassOpen || r.Status >= 400 {
		x = 0
	}
	var news float64
	cell[0], news = cusum(cell[0], clip(x, exfilLeast, exfilMost), exfilTotal)
	return measured(cell[0], news, details{
		number(float64(r.Bytes)), number(median), number(z), number(perHour), number(in.between().Seconds()),
	}), cell
}

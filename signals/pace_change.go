package signals

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "pace_change",
		Doc:   "Whether the session's requests follow each other as its user's do, or as those of somebody in a hurry. The calls of one page, less than a second after another, are one act and count once; so do pauses past half an hour, not at all. Background activity and class open don't count. Not evaluable until a user's pace is known (missing: history).",
		Value: "the pause before the request over the user's usual one, 1 is as usual; 0 where it doesn't count",
		Details: []riskd.Detail{
			{Name: "gap_s", Doc: "seconds since the session's last request; 0 at the first"},
			{Name: "usual_s", Doc: "seconds between the user's requests: the median of his habit"},
			{Name: "sum", Doc: "nats that the session's pauses have added up to, fading by half in 8 minutes, 0 to 3"},
		},
		Memory: true,
	}, measurePaceChange)
}

// Pauses are lognormal: an attacker's around 4 s with 0.7, a user's as he is known
// for, smoothed with twenty of the population's around 10 s with 1.2. What one may
// say is bounded so that a few prove nothing (all assumed, held up in simulation:
// docs/detection.md); the bound of the sum is assumed.
const (
	attackPause  = 4.0
	attackSpread = 0.7
	humanPause   = 10.0
	humanSpread  = 1.2
	paceLeast    = -0.4
	paceMost     = 0.35
	paceTotal    = 3
	// LongestPause is the gap past which a user was away.
	longestPause = 30 * time.Minute
)

func measurePaceChange(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	p, r := in.Profile, &in.Event.Request
	cell[0] = in.left(cell[0])
	if p.Young() || p.Pace.N < habitLeast {
		return riskd.NotEvaluableFor("history"), cell
	}
	mean, deviation := usualPace(p)
	gap, ratio, news := in.between(), 0.0, 0.0
	if gap >= riskd.OneAct && gap <= longestPause && r.Class != riskd.ClassOpen && r.Activity == riskd.Interactive {
		x := riskd.LogSeconds(gap)
		ratio = math.Exp(x - mean)
		nats := logNormal(x, math.Log(attackPause), attackSpread) - logNormal(x, mean, deviation)
		if x > mean { // slower than usual is nobody in a hurry
			nats = min(nats, 0)
		}
		cell[0], news = cusum(cell[0], clip(nats, paceLeast, paceMost), paceTotal)
	}
	return measured(ratio, news, details{number(gap.Seconds()), number(math.Exp(mean)), number(cell[0])}), cell
}

// between is the time since the session's last event, 0 at its first.
func (in *Input) between() time.Duration {
	if in.First {
		return 0
	}
	return max(in.Gap, 0)
}

// usualPace is the mean and the deviation of the logarithm of the user's pauses.
func usualPace(p *riskd.Profile) (mean, deviation float64) {
	n := float64(p.Pace.N)
	mean = (n*float64(p.Pace.Mean) + habitLeast*math.Log(humanPause)) / (n + habitLeast)
	return mean, spread(&p.Pace, humanSpread)
}

// usualPause is the mean pause in seconds.
func usualPause(p *riskd.Profile) float64 {
	mean, deviation := usualPace(p)
	return math.Exp(clip(mean+deviation*deviation/2, 0, math.Log(longestPause.Seconds())))
}

// spread is the standard deviation of a habit, smoothed with habitLeast of the
// population's.
func spread(m *riskd.Moments, usual float64) float64 {
	n := float64(m.N)
	return math.Sqrt((n*max(float64(m.Var), 0) + habitLeast*usual*usual) / (n + habitLeast))
}

// logNormal is the logarithm of a normal density but for its constant.
func logNormal(x, mean, deviation float64) float64 {
	z := (x - mean) / deviation
	return -z*z/2 - math.Log(deviation)
}

package signals

import (
	"math"

	"github.com/riskd/riskd"
)

// crowdLeast is how many arrivals a population must have been learned from before
// it says what is usual (assumed).
const crowdLeast = 50

// fadingDays is over how many days counts that fade by half in 30 add up: a feature
// that c arrivals had has had c/fadingDays a day.
const fadingDays = 30 / math.Ln2

// shareOf is how large a part of all arrivals has a feature, smoothed as if one more
// had had it, so that what was never seen is as rare as the crowd is large.
func shareOf(c *riskd.Crowd, p riskd.Popularity) float64 { return (p.Count + 1) / (c.Arrivals + 1) }

// usualUsers is how many users a day have been coming with a feature: yesterday's,
// or the arrivals of an average day, so that a Monday has its working days behind
// it.
func usualUsers(p riskd.Popularity) float64 { return max(p.Before, p.Count/fadingDays) }

// crowdOfYesterday reports whether the crowd was counted yesterday: somebody must
// have come with a feature that nearly all days have.
func crowdOfYesterday(c *riskd.Crowd) bool {
	return c.Arrivals >= crowdLeast && max(c.Country.Before, c.Browser.Before, c.Language.Before, c.ASN.Before) > 0
}

// ownPlace reports whether the event comes from a prefix, or from a network, that is
// the user's own.
func ownPlace(in *Input) (prefix, network bool) {
	f := in.Profile.Contexts.Settled(riskd.ContextOf(in.Event), ownMachine(in), in.Now)
	return f.Prefix, f.ASN
}

// ownAgent reports whether the user is known to use such a browser and system.
func ownAgent(in *Input) bool {
	_, _, agent := in.Profile.HasDevice(riskd.DeviceMark{}, in.Agent, in.Now)
	return agent
}

func clamp(x, least, most float64) float64 { return min(max(x, least), most) }

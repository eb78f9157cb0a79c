package signals

import (
	"math"

	"github.com/riskd/riskd"
)

func init() {
	add(riskd.Signal{
		Name:  "request_rate",
		Doc:   "How fast the session asks, against its own habit. Requests of class open and background activity don't count, and the calls that one page makes at once count for a quarter: a page is one act of its user.",
		Value: "the session's rate over its habit, 1 is as usual",
		Details: []riskd.Detail{
			{Name: "rate_per_min", Doc: "requests a minute, averaged over the last one with exponential weights"},
			{Name: "habit_per_min", Doc: "requests a minute that are usual for the session, at least 60"},
			{Name: "gap_s", Doc: "seconds since the last request that counted; 0 at the first"},
		},
		Memory: true,
	}, measureRequestRate)
}

// The shape of the measure. All assumed; the tests hold them to what they are
// for: no page, however heavy and often loaded, reaches a step-up by itself, and
// a script that asks five times a second for a minute does.
const (
	rateWindow = 60.0 // seconds over which the rate is averaged
	rateHabit  = 60.0 // requests a minute, where every session's habit begins and its least
	habitTime  = 1800 // seconds in which the habit follows the rate
	rateUsual  = 2.0  // times the habit, up to where it is no evidence and is learned
	rateNats   = 0.35 // nats of one request at e times rateUsual, and at most
	// Requests closer together than clumpGap count in proportion to the time
	// between them, down to clumpLeast.
	clumpGap   = 0.2 // seconds
	clumpLeast = 0.25
)

// What request_rate keeps in its cell.
const (
	rateNow   = iota // requests a minute, as of rateAt
	rateAt           // Unix seconds of the last request that counted
	rateUsing        // the habit, requests a minute; 0 before the first
)

func measureRequestRate(in *Input, cell riskd.Cell) (riskd.Reading, riskd.Cell) {
	now, habit := unixSeconds(in.Now), cell[rateUsing]
	gap, weight := max(0, now-cell[rateAt]), 1.0
	if habit == 0 {
		habit, gap = rateHabit, 0
	} else {
		weight = min(max(gap/clumpGap, clumpLeast), 1)
	}
	rate := cell[rateNow] * math.Exp(-gap/rateWindow)
	if in.Event.Request.Class == riskd.ClassOpen || in.Event.Request.Activity == riskd.Background {
		return rateReading(rate, habit, gap, 0), cell
	}
	rate += weight
	ratio, nats := rate/habit, 0.0
	cell = riskd.Cell{rateNow: rate, rateAt: max(now, cell[rateAt]), rateUsing: habit}
	if ratio > rateUsual {
		nats = rateNats * min(math.Log(ratio/rateUsual), 1)
	} else {
		follow := -math.Expm1(-min(gap, rateWindow) / habitTime)
		cell[rateUsing] = max(rateHabit, habit+follow*(rate-habit))
	}
	return rateReading(rate, habit, gap, nats), cell
}

func rateReading(rate, habit, gap, nats float64) riskd.Reading {
	return measured(rate/habit, nats, details{number(rate), number(habit), number(gap)})
}

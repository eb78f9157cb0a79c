// Package balance is the arithmetic of weighing: what of an event's evidence its
// groups' caps let through, what time leaves of a sum, what a sum comes to after
// an event, and what score that makes. Functions of numbers, and nothing else: the
// engine weighs with them, and whoever weighs recorded evidence again under other
// parameters comes to the same figures.
//
// It knows no sessions, and has no say in what evidence means.
package balance

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

// Shares bounds what one event adds in one group: facts of one group mostly have
// one cause, and adding them up would count it several times. plus and minus are
// the group's evidence against and for the session, minus being 0 or less; what
// exceeds the bounds is taken from the group's reasons in proportion, so that each
// keeps these shares of its nats.
func Shares(plus, minus float64, b riskd.Bounds) (ofPlus, ofMinus float64) {
	ofPlus, ofMinus = 1, 1
	if plus > 0 && plus+minus > b.Max {
		ofPlus = max(0, b.Max-minus) / plus
	}
	if minus < 0 && plus+minus < b.Min {
		ofMinus = max(0, plus-b.Min) / -minus
	}
	return ofPlus, ofMinus
}

// Left is the share of a sum that is left after some time: half of it is gone
// after each half-life. Time that goes backwards takes nothing.
func Left(elapsed, halfLife time.Duration) float64 {
	if elapsed <= 0 {
		return 1
	}
	return math.Exp2(-float64(elapsed) / float64(halfLife))
}

// Settle says by what a sum's open reasons are to be multiplied, if at all, so that
// they come to what is left of the total after relief, which is 0 or less, and not
// to more than the limit.
func Settle(total, relief, limit float64) (by float64, change bool) {
	want := min(max(0, total+relief), limit)
	if total <= 0 || want == total {
		return 1, false
	}
	return want / total, true
}

// Faded is the evidence below which a reason is closed: a hundredth of a nat is
// a likelihood ratio of 1.01.
const Faded = 0.01

// pastRevoke is how many nats beyond the revoke threshold a score of 100 is.
const pastRevoke = 6

// Score turns nats into 0..100, piecewise linear: nothing is 0, the step-up
// threshold 60, the revoke threshold 85, six nats more 100.
func Score(nats, stepUp, revoke float64) float64 {
	switch {
	case nats <= 0:
		return 0
	case nats < stepUp:
		return riskd.StepUpScore * nats / stepUp
	case nats < revoke:
		return riskd.StepUpScore + (riskd.RevokeScore-riskd.StepUpScore)*(nats-stepUp)/(revoke-stepUp)
	case nats < revoke+pastRevoke:
		return riskd.RevokeScore + (100-riskd.RevokeScore)*(nats-revoke)/pastRevoke
	}
	return 100
}

// ScoreOf is an event's score: the accumulated evidence against the thresholds, or
// the event's own against thresholds lower by the bonus, whichever says more.
func ScoreOf(accumulated, request, stepUp, revoke, bonus float64) float64 {
	return max(Score(accumulated, stepUp, revoke), Score(request, stepUp-bonus, revoke-bonus))
}

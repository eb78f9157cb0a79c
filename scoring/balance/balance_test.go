package balance_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring/balance"
)

func TestShares(t *testing.T) {
	network := riskd.Bounds{Min: -2, Max: 7}
	for name, test := range map[string]struct{ plus, minus, ofPlus, ofMinus float64 }{
		"within":                {5, -1, 1, 1},
		"above":                 {14, 0, 0.5, 1},
		"above in spite of":     {14, -1, 8.0 / 14, 1},
		"below":                 {0, -4, 1, 0.5},
		"below in spite of":     {1, -4, 1, 0.75},
		"nothing":               {0, 0, 1, 1},
		"nothing speaks for it": {3, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ofPlus, ofMinus := balance.Shares(test.plus, test.minus, network)
			if math.Abs(ofPlus-test.ofPlus) > 1e-12 || math.Abs(ofMinus-test.ofMinus) > 1e-12 {
				t.Errorf("shares are %g and %g, want %g and %g", ofPlus, ofMinus, test.ofPlus, test.ofMinus)
			}
			if sum := test.plus*ofPlus + test.minus*ofMinus; sum > network.Max+1e-12 || sum < network.Min-1e-12 {
				t.Errorf("%g is left, outside of %+v", sum, network)
			}
		})
	}
}

func TestLeft(t *testing.T) {
	for name, test := range map[string]struct {
		elapsed time.Duration
		want    float64
	}{
		"a half-life": {4 * time.Hour, 0.5}, "two": {8 * time.Hour, 0.25}, "none": {0, 1}, "backwards": {-time.Hour, 1},
	} {
		if got := balance.Left(test.elapsed, 4*time.Hour); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%s: %g is left, want %g", name, got, test.want)
		}
	}
}

func TestSettle(t *testing.T) {
	for name, test := range map[string]struct {
		total, relief, limit, by float64
		change                   bool
	}{
		"untouched": {5, 0, 25, 1, false}, "relieved": {5, -1, 25, 0.8, true}, "emptied": {5, -9, 25, 0, true},
		"capped": {50, 0, 25, 0.5, true}, "nothing": {0, -1, 25, 1, false},
	} {
		if by, change := balance.Settle(test.total, test.relief, test.limit); math.Abs(by-test.by) > 1e-12 || change != test.change {
			t.Errorf("%s: by %g, %v; want %g, %v", name, by, change, test.by, test.change)
		}
	}
}

// Both alarms go off exactly where their thresholds are, whatever these are.
func TestScoreOfMeetsThresholds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for range 1000 {
		stepUp := 1 + 20*random.Float64()
		revoke := stepUp + 0.1 + 10*random.Float64()
		bonus := stepUp * random.Float64() * 0.9
		for name, score := range map[string]float64{
			"accumulated":  balance.ScoreOf(stepUp, 0, stepUp, revoke, bonus),
			"at once":      balance.ScoreOf(0, stepUp-bonus, stepUp, revoke, bonus),
			"both, nearly": balance.ScoreOf(stepUp, stepUp-bonus-0.1, stepUp, revoke, bonus),
		} {
			if math.Abs(score-riskd.StepUpScore) > 1e-6 {
				t.Fatalf("%s: %g points at the step-up threshold of %g, bonus %g", name, score, stepUp, bonus)
			}
		}
		if score := balance.ScoreOf(revoke, 0, stepUp, revoke, bonus); math.Abs(score-riskd.RevokeScore) > 1e-6 {
			t.Fatalf("%g points at the revoke threshold", score)
		}
	}
}

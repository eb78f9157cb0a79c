package freeman_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/riskd/riskd/scoring/freeman"
)

func TestMeasuresByHand(t *testing.T) {
	t.Parallel()
	// Of the 3·4 pairs the attacker is above in 4 + 3 + 0, and one is a tie.
	attackers, users := []float64{9, 5, 1}, []float64{2, 4, 5, 3}
	if got := freeman.AUC(attackers, users); got != 7.5/12 {
		t.Errorf("AUC is %v", got)
	}
	// No user may be above: the bar is 5, and one attacker is above it. With one of
	// four it is 4, and two are.
	if got := freeman.RecallAt(0.01, attackers, users); got != 1.0/3 {
		t.Errorf("recall at 1 %% is %v", got)
	}
	if got := freeman.RecallAt(0.25, attackers, users); got != 2.0/3 {
		t.Errorf("recall at 25 %% is %v", got)
	}
	// Two of three attackers reach 5, as one of the users does; all of them reach 1.
	if got := freeman.AskedAt(0.6, attackers, users); got != 0.25 {
		t.Errorf("asked at 60 %% are %v", got)
	}
	if got := freeman.AskedAt(0.9, attackers, users); got != 1 {
		t.Errorf("asked at 90 %% are %v", got)
	}
}

func TestMeasuresOfNothing(t *testing.T) {
	t.Parallel()
	one := []float64{1}
	if freeman.AUC(nil, one) != 0.5 || freeman.AUC(one, nil) != 0.5 || freeman.RecallAt(0.01, nil, one) != 0 || freeman.RecallAt(0.01, one, nil) != 1 || freeman.AskedAt(0.9, nil, one) != 0 || freeman.AskedAt(0.9, one, nil) != 0 {
		t.Error("nothing measures as something")
	}
}

// AUC is what counting all pairs gives, ties among them.
func TestAUCCountsPairs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		draw := func(n int) (all []float64) {
			for range n {
				all = append(all, float64(r.IntN(12)))
			}
			return all
		}
		a, u := draw(1+r.IntN(30)), draw(1+r.IntN(30))
		var wins float64
		for _, x := range a {
			for _, y := range u {
				switch {
				case x > y:
					wins++
				case x == y:
					wins += 0.5
				}
			}
		}
		if got, want := freeman.AUC(a, u), wins/float64(len(a)*len(u)); math.Abs(got-want) > 1e-12 {
			t.Errorf("seed %d: AUC is %v, want %v", seed, got, want)
		}
	}
}

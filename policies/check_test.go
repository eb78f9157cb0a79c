package policies

import (
	"runtime"
	"testing"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/signals"
)

func shippedPack(t *testing.T) *Pack {
	t.Helper()
	pack, err := Compile("default", Default(), Options{Signals: signals.Descriptions()})
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

func sampleCase() *riskd.Case {
	c := quietCase(riskd.ClassStandard, len(signals.Descriptions()))
	for i := range c.Readings {
		c.Readings[i] = riskd.Reading{State: riskd.Measured, Value: 1, Nats: 1}
	}
	return c
}

func askOften(t *testing.T, p *Pack) {
	t.Helper()
	for range 2 * sampleEvery {
		if _, err := p.Reasons(t.Context(), sampleCase()); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Judge(t.Context(), sampleCase()); err != nil {
			t.Fatal(err)
		}
		await(p)
	}
}

// await returns when no question of the sample is under way.
func await(p *Pack) {
	for p.compiled.check.busy.Load() {
		runtime.Gosched()
	}
}

// A sample is asked of OPA too; as long as it agrees, nothing comes of it.
func TestSampleAgrees(t *testing.T) {
	pack := shippedPack(t)
	askOften(t, pack)
	if active, mismatches := pack.Compiled(); !active || mismatches != 0 {
		t.Errorf("active is %v after %d mismatches", active, mismatches)
	}
	if n := pack.compiled.check.questions.Load(); n < 4*sampleEvery {
		t.Errorf("%d questions were counted", n)
	}
}

// A program that is wrong, in what it gives or in giving nothing, is found by
// the sample; from then on the pack is right, as OPA alone is asked.
func TestMismatchSwitchesToOPA(t *testing.T) {
	for name, spoil := range map[string]func(*compiled){
		"a lost rule": func(k *compiled) { k.rules = k.rules[1:] },
		"another decision": func(k *compiled) {
			k.decision.program.Heads[0], k.decision.program.Heads[2] = k.decision.program.Heads[2], k.decision.program.Heads[0]
		},
		"another demand": func(k *compiled) { h := k.stepUp.program.Heads; h[0], h[1], h[2] = h[1], h[2], h[0] },
	} {
		t.Run(name, func(t *testing.T) {
			pack := shippedPack(t)
			spoil(pack.compiled)
			for n := 0; pack.compiled.active(); n++ {
				c := sampleCase()
				c.Score = []float64{0, 70, 90}[n%3]
				if _, err := pack.Reasons(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				if _, err := pack.Judge(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				await(pack)
				if n > 20*sampleEvery {
					t.Fatal("the mismatch isn't found")
				}
			}
			if _, mismatches := pack.Compiled(); mismatches != 1 {
				t.Errorf("%d mismatches", mismatches)
			}
			reasons, err := pack.Reasons(t.Context(), sampleCase())
			want, err2 := Reference(pack).Reasons(t.Context(), sampleCase())
			if err != nil || err2 != nil || len(reasons) != len(want) {
				t.Errorf("got %v, %v; want %v, %v", reasons, err, want, err2)
			}
		})
	}
}

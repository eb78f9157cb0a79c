package main

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/riskd/riskd/replay/measure"
)

func f(x float64) *float64 { return &x }

// good is a run that meets every target.
func good() *measure.Report {
	r := &measure.Report{Macro: measure.Estimate{Value: 0.95}}
	for _, name := range []string{"F1", "F6", "F7", "F9", "F11", floor} {
		var family measure.Family
		family.Name, family.Aside = name, name == floor
		family.StepUp.Requests = measure.Quantiles{Median: f(1), P90: f(2)}
		if name == floor {
			family.Sensitive.Value = 100
			family.StepUp.Requests = measure.Quantiles{}
		}
		r.Families = append(r.Families, family)
	}
	for _, budget := range []float64{0.1, 0.3} {
		b := measure.Budget{Budget: budget, Macro: measure.Estimate{Value: 0.95}}
		for _, family := range r.Families {
			rate := measure.FamilyRate{Name: family.Name, TPR: measure.Estimate{Value: 0.9}}
			if family.Name == floor {
				rate.TPR.Value = 0
			}
			b.Families = append(b.Families, rate)
		}
		r.Budgets = append(r.Budgets, b)
	}
	r.Archetypes = []measure.Archetype{{Name: "vpn", Ratio: 2}}
	return r
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(r *measure.Report)
		want  string // in the line that is missed
	}{
		"all met":           {func(*measure.Report) {}, ""},
		"too little caught": {func(r *measure.Report) { r.Budgets[0].Macro.Value = 0.7 }, "macro TPR at 0.1 false"},
		"a family is lost":  {func(r *measure.Report) { r.Budgets[1].Families[2].TPR.Value = 0 }, "worst family at 0.3"},
		"never in the end":  {func(r *measure.Report) { r.Families[0].StepUp.Requests.P90 = nil }, "the same, p90"},
		"too many asked":    {func(r *measure.Report) { r.False.FSU.Value = 0.5 }, "false step-ups a user-month"},
		"one kind of user":  {func(r *measure.Report) { r.Archetypes[0].Ratio = 9 }, "worst archetype"},
		"damage":            {func(r *measure.Report) { r.Families[1].Sensitive.Value = 30 }, "sensitive requests"},
		"no such budget":    {func(r *measure.Report) { r.Budgets[0].Budget = 7 }, "macro TPR at 0.1 false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := good()
			c.spoil(r)
			var out strings.Builder
			err := printTargets(&out, map[string][]*measure.Report{"noise": {r, good()}, "mimic": {good()}})
			if (c.want == "") != (err == nil) || err != nil && !errors.Is(err, errTargets) {
				t.Fatalf("%v\n%s", err, &out)
			}
			for line := range strings.Lines(out.String()) {
				if strings.Contains(line, "missed") && !strings.Contains(line, c.want) {
					t.Errorf("missed: %s", line)
				}
			}
			if n := strings.Count(out.String(), "missed"); (n > 0) != (c.want != "") {
				t.Errorf("%d missed:\n%s", n, &out)
			}
		})
	}
	if !math.IsNaN(atBudget(5)(good())) {
		t.Error("a budget that nobody measured has a figure")
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	if got, err := parseSeeds("21, 22"); err != nil || len(got) != 2 || got[1] != 22 {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseSeeds("21,many"); err == nil || !strings.Contains(err.Error(), "-seeds") {
		t.Errorf("%v", err)
	}
}

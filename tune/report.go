package tune

import (
	"fmt"
	"time"
)

// Report is what a tuning has come to. Its JSON is described in docs/tune.md; members
// are only ever added.
type Report struct {
	Seed       uint64    `json:"seed"`
	Budget     float64   `json:"budget"`
	Requests   int       `json:"requests"`
	Users      int       `json:"users"`
	Attacks    int       `json:"attacks"`
	First      time.Time `json:"first"`
	From       time.Time `json:"from"`
	Cut        time.Time `json:"cut"`
	Last       time.Time `json:"last"`
	Bytes      float64   `json:"bytes_per_request"` // of evidence kept
	Tried      int       `json:"tried"`             // sets of numbers
	Thresholds bool      `json:"thresholds_only"`

	Changes []ChangeReport `json:"changes"`
	// Train and Held are the figures of both parts, by the engine.
	Train Sides `json:"train"`
	Held  Sides `json:"held_out"`
	// Weighed are those of the chosen numbers as weighing the evidence again foretold
	// them.
	Weighed struct {
		Train *Detection `json:"train"`
		Held  *Detection `json:"held_out"`
	} `json:"weighed"`
	// Gain is the chosen numbers' macro TPR on what is held out, less the shipped ones'
	// at the same budget.
	Gain Interval `json:"gain"`
	Gaps []Gap    `json:"gaps"`

	Curves     []Curve   `json:"curves"`
	Candidates []Point   `json:"candidates"`
	LeftOut    []LeftOut `json:"leave_one_family_out,omitempty"`

	// Against are reasons not to use what was found; none is good.
	Against []string `json:"against"`
}

// ChangeReport is a change and what it alone is worth: how much of the macro TPR goes
// if it is taken back and the thresholds are set to the budget again.
type ChangeReport struct {
	Change
	Why   string  `json:"why"`
	Train float64 `json:"worth_train"`
	Held  float64 `json:"worth_held_out"`
}

// Sides are the figures of both sets of numbers on one part.
type Sides struct {
	Shipped *Detection `json:"shipped"` // with thresholds for the budget
	AsIs    *Detection `json:"as_is"`   // with its own thresholds, weighed again
	Chosen  *Detection `json:"chosen"`
}

// Gap is how much worse a figure is on what is held out than on what was trained on:
// above 0 is worse.
type Gap struct {
	Figure  string   `json:"figure"`
	Train   Interval `json:"train"`
	Held    Interval `json:"held_out"`
	Gap     Interval `json:"gap"`
	Shipped float64  `json:"shipped_gap"`
}

// Curve is what a set of numbers comes to at different budgets, on the training part.
type Curve struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// LeftOut is what is caught of a family on the held-out part, by the shipped numbers,
// by those that were tuned with it, and by those that were tuned without it.
type LeftOut struct {
	Family  string  `json:"family"`
	Shipped float64 `json:"shipped"`
	With    float64 `json:"with"`
	Without float64 `json:"without"`
}

func (t *tuning) report() *Report {
	first, last := t.first.Span()
	r := &Report{
		Seed: t.Seed, Budget: t.Budget, Requests: t.first.Requests(), Users: t.first.Users(), Attacks: t.first.Attacks(),
		First: first, From: t.split.From.UTC(), Cut: t.split.Cut.UTC(), Last: last,
		Bytes: round(float64(t.first.Bytes()) / float64(max(1, t.first.Requests()))), Tried: len(t.tried) / len(budgets),
		Thresholds: t.ThresholdsOnly, Changes: []ChangeReport{}, Against: []string{}, LeftOut: nil,
	}
	own := t.first.Own()
	r.Train = Sides{t.shippedTrain.Figures(), t.split.Train.Measure(own).Figures(), t.chosenTrain.Figures()}
	r.Held = Sides{t.shippedTest.Figures(), t.split.Test.Measure(own).Figures(), t.chosenTest.Figures()}
	r.Weighed.Train = t.splitAgain.Train.Measure(t.found.Chosen).Figures()
	r.Weighed.Held = t.splitAgain.Test.Measure(t.found.Chosen).Figures()
	if !t.ThresholdsOnly {
		r.Gain = difference(t.Seed, macroOf, t.chosenTest, t.shippedTest)
	}
	t.changes(r)
	t.gaps(r)
	t.curves(r)
	t.against(r)
	return r
}

// changes tells what each change alone is worth.
func (t *tuning) changes(r *Report) {
	with := r.Weighed
	for i := range t.found.Changes {
		c := ChangeReport{Change: t.found.Changes[i], Why: "follows from the budget"}
		if !c.Threshold() {
			p := t.again.Without(t.found.Chosen, &c.Change)
			w := newScale(t.again, p)
			train := t.splitAgain.Train
			at, _ := train.thresholds(w, train.peaks(w), t.Budget, t.revokes())
			c.Train = tidy(with.Train.MacroTPR - train.Measure(at).Figures().MacroTPR)
			c.Held = tidy(with.Held.MacroTPR - t.splitAgain.Test.Measure(at).Figures().MacroTPR)
			c.Why = whyOf(&c)
		}
		r.Changes = append(r.Changes, c)
	}
}

func (t *tuning) revokes() float64 {
	if t.Revokes > 0 {
		return t.Revokes
	}
	return defaultRevokes
}

func whyOf(c *ChangeReport) string {
	text := fmt.Sprintf("without it %s of attacks are caught on the training part, %s on the held-out one", points(-c.Train), points(-c.Held))
	switch {
	case c.Train <= 0:
		text += ": it pays in how surely or how soon they are"
	case c.Held < 0:
		text += ": not borne out there"
	}
	return text
}

// points writes a difference in percentage points.
func points(x float64) string { return fmt.Sprintf("%+.1f %%", 100*x) }

func (t *tuning) gaps(r *Report) {
	add := func(name string, f figure, worse float64) {
		g := Gap{
			Figure: name, Train: difference(t.Seed, f, t.chosenTrain, nil), Held: difference(t.Seed, f, t.chosenTest, nil),
			Gap: difference(t.Seed, f, t.chosenTest, t.chosenTrain), Shipped: worse * difference(t.Seed, f, t.shippedTest, t.shippedTrain).Value,
		}
		if worse < 0 {
			g.Gap = Interval{tidy(-g.Gap.Value), tidy(-g.Gap.High), tidy(-g.Gap.Low)}
		}
		g.Shipped = tidy(g.Shipped)
		r.Gaps = append(r.Gaps, g)
	}
	if !t.ThresholdsOnly {
		add("macro_tpr", macroOf, -1)
		add("sensitive_before_stop", letOf, 1)
	}
	add("fsu", perMonth(func(a *asked) int { return a.stepUps }), 1)
	add("frv", perMonth(func(a *asked) int { return a.revokes }), 1)
}

// curveBudgets are those of the curves, in multiples of the budget.
var curveBudgets = []float64{0.2, 0.5, 1, 1.5, 2, 3, 5, 10}

func (t *tuning) curves(r *Report) {
	for _, side := range []struct {
		name string
		view *View
		p    *Params
	}{{"shipped", t.split.Train, t.first.Own()}, {"chosen", t.splitAgain.Train, t.found.Chosen}} {
		w := newScale(side.view.log, side.p)
		peaks, climbs := side.view.peaks(w), side.view.climbs(w)
		curve := Curve{Name: side.name}
		for _, times := range curveBudgets {
			at, users := side.view.thresholds(w, peaks, t.Budget*times, t.revokes())
			_, macro := (&aim{view: side.view}).worth(at.StepUpNats, climbs)
			point := Point{MacroTPR: tidy(macro), StepUp: at.StepUpNats}
			for _, u := range users {
				point.FSU += float64(u.stepUps)
			}
			point.FSU = tidy(point.FSU / side.view.UserMonths())
			curve.Points = append(curve.Points, point)
		}
		r.Curves = append(r.Curves, curve)
	}
	seen := map[Point]bool{}
	for _, p := range t.tried {
		if p = (Point{tidy(p.FSU), tidy(p.MacroTPR), p.StepUp}); !seen[p] {
			seen[p] = true
			r.Candidates = append(r.Candidates, p)
		}
	}
}

// against looks for reasons not to use what was found.
func (t *tuning) against(r *Report) {
	say := func(format string, args ...any) { r.Against = append(r.Against, fmt.Sprintf(format, args...)) }
	for _, g := range r.Gaps {
		switch g.Figure {
		case "macro_tpr":
			if r.Gain.Value < 0 {
				say("on the held-out part it catches less than the pack as it was, at the same budget: %s", intervalText(r.Gain))
			}
			if g.Gap.Low > 0 && g.Gap.Value > g.Shipped {
				say("it was fitted too closely: it catches %.1f points less on the held-out part than on the training part, beyond chance (%.1f to %.1f)", 100*g.Gap.Value, 100*g.Gap.Low, 100*g.Gap.High)
			}
		case "fsu":
			if g.Held.Low > t.Budget {
				say("held-out users are asked more often than the budget of %g allows, beyond chance: %.3f a month (%.3f to %.3f)", t.Budget, g.Held.Value, g.Held.Low, g.Held.High)
			}
		}
	}
}

func intervalText(i Interval) string {
	return fmt.Sprintf("%+.1f points (%+.1f to %+.1f)", 100*i.Value, 100*i.Low, 100*i.High)
}

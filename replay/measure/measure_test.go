package measure_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/riskd/riskd/replay/measure"
)

const month = 30 * 24 * time.Hour

// small is a run that can be worked out by hand: three users for ten months together.
func small() *measure.Run {
	met := func(requests int, after time.Duration) measure.Stop {
		return measure.Stop{Met: true, Requests: requests, After: after}
	}
	why := func(code string) []measure.Reason { return []measure.Reason{{Code: code, Share: 1}} }
	return &measure.Run{
		Users: []measure.User{{"ann", "plain", 4 * month, 0}, {"bob", "relay", month, 5}, {"cat", "plain", 5 * month, 2}},
		Attacks: []measure.Attack{
			{ID: "a1", Family: "F1", User: 0, At: "t:1", Requests: 9, Alarm: met(1, 0), Revoke: met(2, 5*time.Second), Strength: 15, Abroad: true, Reasons: why("new_country")},
			{ID: "a2", Family: "F1", User: 1, At: "t:5", Requests: 9, Alarm: met(3, 7*time.Second), Sensitive: 2, Strength: 12, Reasons: why("new_network")},
			{ID: "a3", Family: "F2", User: 2, At: "t:9", Requests: 7, Sensitive: 4, Strength: 3, Demanded: true},
			{ID: "a4", Family: "F2", User: 2, At: "t:12", Requests: 8, Alarm: met(8, time.Minute), Sensitive: 1, Strength: 11, Reasons: why("new_network")},
		},
		Sessions: []measure.Session{
			{User: 0, Strength: 1},
			{User: 0, Strength: 14, Alarmed: true, Abroad: true},
			{User: 1, Strength: 11.5, Alarmed: true},
			{User: 1, Strength: 2},
			{User: 2, Strength: 0.5},
		},
		Alarms: []measure.Alarm{
			{User: 0, Causes: []string{"flight"}, Reasons: why("new_country")},
			{User: 0, Revoke: true, Causes: []string{"flight"}},
			{User: 1, Reasons: []measure.Reason{{"new_network", 0.25}, {"new_country", 0.75}}},
		},
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-5 {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestFiguresByHand(t *testing.T) {
	t.Parallel()
	r := measure.Of(small(), measure.Options{Budgets: []float64{0.1, 0.2, 1}})
	near(t, "user-months", r.UserMonths, 10)
	near(t, "tpr", r.All.TPR.Value, 0.75)
	near(t, "macro", r.Macro.Value, 0.75)
	near(t, "F2", r.Families[1].TPR.Value, 0.5)
	near(t, "revoked", r.All.Revoked.Value, 0.25)
	near(t, "sensitive", r.All.Sensitive.Value, 7.0/4)
	near(t, "median requests", *r.All.StepUp.Requests.Median, 3)
	near(t, "median seconds", *r.All.StepUp.Seconds.Median, 7)
	if r.All.StepUp.Requests.P90 != nil || r.All.StepUp.Censored != 1 || r.All.Revoke.Requests.Median != nil || r.All.Revoke.Censored != 3 {
		t.Errorf("delays are %+v, %+v", r.All.StepUp, r.All.Revoke)
	}
	near(t, "fsu", r.False.FSU.Value, 0.2)
	near(t, "false revokes", r.False.FRV.Value, 0.1)
	near(t, "sessions alarmed", r.False.Sessions.Value, 0.4)
	near(t, "precision", r.Precision, 0.75e-4/(0.75e-4+0.9999*0.4))
	near(t, "demanded", r.False.Demanded.Value, 0.7)
	if r.All.Demanded != 1 || r.Families[0].Demanded != 0 {
		t.Errorf("%d attacks were asked for what an action takes", r.All.Demanded)
	}
	relay := r.Archetypes[1]
	if relay.Name != "relay" || relay.Users != 1 || relay.StepUps != 1 || relay.Revokes != 0 {
		t.Errorf("relay is %+v", relay)
	}
	near(t, "relay's fsu", relay.FSU.Value, 1)
	near(t, "relay's ratio", relay.Ratio, 5)
	if got := r.Causes[0]; got.Name != "flight" || got.StepUps != 1 || got.Revokes != 1 || got.Share != 0.5 {
		t.Errorf("causes are %+v", r.Causes)
	}
	if got := r.FalseReasons[0]; got != (measure.Weight{"new_country", 2, 0.875}) {
		t.Errorf("reasons are %+v", r.FalseReasons)
	}
	if got := r.CaughtReasons[0]; got.Code != "new_network" || got.Alarms != 2 {
		t.Errorf("reasons of what was caught are %+v", r.CaughtReasons)
	}
	if len(r.Missed) != 1 || r.Missed[0].At != "t:9" || r.Missed[0].User != "cat" {
		t.Errorf("missed are %+v", r.Missed)
	}
	// Ten months allow one, two and all sessions.
	for i, want := range []struct{ cut, fsu, macro, f2 float64 }{{11.5, 0.1, 0.5, 0}, {2, 0.2, 1, 1}, {0, 0.5, 1, 1}} {
		b := &r.Budgets[i]
		near(t, "threshold", *b.Threshold, want.cut)
		near(t, "fsu at the budget", b.FSU, want.fsu)
		near(t, "macro at the budget", b.Macro.Value, want.macro)
		near(t, "F2 at the budget", b.Families[1].TPR.Value, want.f2)
	}
	country := &r.References[1]
	near(t, "new country's fsu", country.FSU, 0.1)
	near(t, "new country's macro", country.Macro, 0.25)
	// Of 20 pairs 15, 12 and 11 win five, four and three, 3 beats three.
	near(t, "auc", r.AUC, (5.0+4+3+3)/20)
	// At 20 % of the sessions, none but that of 14, two attacks are above 11.5.
	for i := range r.ROC {
		if p := &r.ROC[i]; p.X >= 0.2 && p.X < 0.39 {
			near(t, "roc", p.Y, 0.5)
		} else if p.X < 0.19 {
			near(t, "roc on the left", p.Y, 0.25)
		}
	}
	near(t, "precision at recall 0.25", r.PR[9].Y, 1)
	near(t, "precision at recall 0.5", r.PR[19].Y, 2.0/3)
	near(t, "precision at recall 1", r.PR[39].Y, 4.0/6)
}

func TestCaughtAndThreshold(t *testing.T) {
	t.Parallel()
	r := small()
	if cut, ok := r.Threshold(0.1); cut != 11.5 || !ok {
		t.Errorf("threshold is %v, %v", cut, ok)
	}
	families, macro := r.Caught(11)
	if families["F1"] != 1 || families["F2"] != 0 || macro != 0.5 {
		t.Errorf("caught are %v, %v", families, macro)
	}
	if families, macro = r.Caught(11, "F2", "F9"); families["F2"] != 0 || macro != 1 {
		t.Errorf("without F2, caught are %v, %v", families, macro)
	}
	if m := measure.Of(r, measure.Options{Aside: []string{"F1"}}); m.Macro.Value != 0.5 || m.All.TPR.Value != 0.75 || !m.Families[0].Aside || m.Families[1].Aside || m.Budgets[0].Macro.Value != 0 {
		t.Errorf("without F1: %+v of %+v", m.Macro, m.Families)
	}
	r.Sessions[0].Strength, r.Sessions[1].Strength = measure.Certain, measure.Certain
	if cut, ok := r.Threshold(0.1); ok {
		t.Errorf("threshold is %v", cut)
	}
	if b := measure.Of(r, measure.Options{Budgets: []float64{0.1}}).Budgets[0]; b.Threshold != nil || b.FSU != 0.2 {
		t.Errorf("a budget that can't be kept to gives %+v", b)
	}
}

// A tie is won half the time.
func TestAreaOfTies(t *testing.T) {
	t.Parallel()
	r := &measure.Run{
		Users:    []measure.User{{Exposure: month}},
		Attacks:  []measure.Attack{{Strength: 5}, {Strength: 5}, {Strength: 2}},
		Sessions: []measure.Session{{Strength: 5}, {Strength: 2}, {Strength: 1}},
	}
	near(t, "auc", measure.Of(r, measure.Options{}).AUC, (2.5+2.5+1.5)/9)
}

func TestFamiliesAreInOrder(t *testing.T) {
	t.Parallel()
	r := &measure.Run{Users: []measure.User{{}}}
	for _, name := range []string{"F10", "F2", "", "F1", "theft", "F2", "E10"} {
		r.Attacks = append(r.Attacks, measure.Attack{Family: name, Strength: 9})
	}
	if got := strings.Join(r.Families(), " "); got != " E10 F1 F2 F10 theft" {
		t.Errorf("got %q", got)
	}
	if f := measure.Of(r, measure.Options{}).Families[3]; f.Name != "F2" || f.Attacks != 2 {
		t.Errorf("got %+v", f)
	}
}

func TestStrength(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ got, want float64 }{
		"sums":          {measure.Strength(5, 4, 3, 4), 9},
		"one request":   {measure.Strength(5, 1, 5, 4), 9},
		"no evidence":   {measure.Strength(1, 0, 0, 4), 1},
		"never certain": {measure.Strength(90, 90, 0, 4), measure.Certain},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

// random is a run in which attacks are stronger by a few nats.
func random(seed uint64, users int) *measure.Run {
	r := rand.New(rand.NewPCG(seed, 7))
	run := &measure.Run{}
	for u := range users {
		run.Users = append(run.Users, measure.User{Name: strings.Repeat("u", u%3+1) + string(rune('a'+u%26)) + time.Duration(u).String(), Exposure: month})
		for range 20 {
			run.Sessions = append(run.Sessions, measure.Session{User: int32(u), Strength: float32(r.ExpFloat64() * 2)})
		}
		if u%2 == 0 {
			s := float32(r.ExpFloat64()*2 + 5)
			run.Attacks = append(run.Attacks, measure.Attack{ID: time.Duration(u).String(), Family: "F", User: u, Strength: s, Alarm: measure.Stop{Met: s > 7, Requests: 1}})
		}
	}
	return run
}

func TestIntervalsHoldTheFigure(t *testing.T) {
	t.Parallel()
	r := measure.Of(random(1, 200), measure.Options{Seed: 3, Resamples: 300})
	for name, e := range map[string]measure.Estimate{"tpr": r.All.TPR, "macro": r.Macro, "at 0.1": r.Budgets[1].All, "roc": {r.ROC[20].Y, r.ROC[20].Low, r.ROC[20].High}} {
		if !(e.Low < e.Value && e.Value < e.High) || e.High-e.Low > 0.5 {
			t.Errorf("%s is %+v", name, e)
		}
	}
	again := measure.Of(random(1, 200), measure.Options{Seed: 3, Resamples: 300})
	if !reflect.DeepEqual(r, again) {
		t.Error("the same run is measured differently")
	}
	if other := measure.Of(random(1, 200), measure.Options{Seed: 4, Resamples: 300}); reflect.DeepEqual(r.All.TPR, other.All.TPR) {
		t.Error("the seed doesn't matter")
	}
}

// A user's attacks share their fate, so that fewer users make a wider interval over as
// many attacks.
func TestBootstrapDrawsUsers(t *testing.T) {
	t.Parallel()
	width := func(users int) float64 {
		run := &measure.Run{}
		for u := range users {
			run.Users = append(run.Users, measure.User{Exposure: month})
			for range 120 / users {
				run.Attacks = append(run.Attacks, measure.Attack{User: u, Alarm: measure.Stop{Met: u%2 == 0}})
			}
		}
		e := measure.Of(run, measure.Options{Resamples: 500}).All.TPR
		return e.High - e.Low
	}
	few, many := width(6), width(120)
	if few < 2.5*many {
		t.Errorf("six users give an interval of %v, 120 one of %v", few, many)
	}
}

// Where strength is the logarithm of the odds, the fit finds that, and what it says
// comes true in the other half.
func TestCalibration(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	run := &measure.Run{}
	for u := range 4000 {
		run.Users = append(run.Users, measure.User{Name: time.Duration(u * 7919).String(), Exposure: month})
		for range 5 {
			nats := r.Float64()*8 - 4
			if r.Float64() < 1/(1+math.Exp(-nats)) {
				run.Attacks = append(run.Attacks, measure.Attack{User: u, Strength: float32(nats + 4)})
			} else {
				run.Sessions = append(run.Sessions, measure.Session{User: int32(u), Strength: float32(nats + 4)})
			}
		}
	}
	c := measure.Of(run, measure.Options{}).Calibration
	if c.LearnedOn < 9000 || c.CheckedOn < 9000 || c.LearnedOn+c.CheckedOn != 20000 {
		t.Errorf("learned on %d, checked on %d", c.LearnedOn, c.CheckedOn)
	}
	if c.AtTrace.ECE > 0.02 || c.AtTrace.Brier > 0.7*c.AtTrace.Blind || c.AtPrior.ECE > 1e-4 {
		t.Errorf("at the trace's rate %+v, at the prior %+v", c.AtTrace, c.AtPrior)
	}
	near(t, "base rate at the prior", c.AtPrior.BaseRate, measure.Prior)
	last := -1.0
	for _, s := range c.Fit {
		if s.P < last {
			t.Fatalf("the staircase doesn't rise at %+v", s)
		}
		if last = s.P; s.Nats > 1 && s.Nats < 7 && math.Abs(s.P-1/(1+math.Exp(4-s.Nats))) > 0.12 {
			t.Errorf("step %+v is far from the truth", s)
		}
	}
}

func TestNothingToMeasure(t *testing.T) {
	t.Parallel()
	document, err := json.Marshal(measure.Of(&measure.Run{}, measure.Options{Resamples: 5}))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"families", "archetypes", "causes", "budgets", "missed", "roc", "precision_recall", "false_step_up_reasons", "fit", "bins"} {
		if !strings.Contains(string(document), `"`+list+`":[`) {
			t.Errorf("%s is no list: %s", list, document)
		}
	}
}

// Values against those that were published (Newcombe, Statistics in Medicine 17, 1998,
// table I, method 3).
func TestWilson(t *testing.T) {
	t.Parallel()
	low, high := measure.Wilson(81, 263)
	near(t, "low", round4(low), 0.2553)
	near(t, "high", round4(high), 0.3662)
}

func round4(x float64) float64 { return math.Round(x*1e4) / 1e4 }

package scoring_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// Every decision of every scenario is explained by the pack that took it: it says
// the same again, its points add up, and where it didn't allow there is a set of
// reasons or a reason why there is none.
func TestScenariosAreExplained(t *testing.T) {
	t.Parallel()
	all, err := fixtures.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	sets, none := 0, map[string]int{}
	for i := range all {
		for _, k := range recorded(t, &all[i]) {
			x := scoring.Explain(t.Context(), &k.KeptDecision, k.pack)
			points := 0
			for _, r := range x.Reasons {
				points += r.Points
				if r.Rule == nil || r.Rule.File == "" && k.Source == riskd.SourceFresh {
					t.Errorf("%s: %s: reason %s has no place", all[i].Name, k.EventID, r.Code)
				}
			}
			if k.Source == riskd.SourceFresh && points != k.Score {
				t.Errorf("%s: %d points, a score of %d", all[i].Name, points, k.Score)
			}
			c := x.Counterfactual
			if (c == nil) != (k.Outcome == riskd.Allow) {
				t.Errorf("%s: %s has the counterfactual %+v", all[i].Name, k.Outcome, c)
			}
			switch {
			case c == nil:
			case c.None == scoring.NoneUnreproduced || c.None == scoring.NoneUnfinished || !c.Complete || c.None == "" && len(c.Sets) == 0:
				t.Errorf("%s: %+v", all[i].Name, c)
			case c.None != "":
				none[c.None]++
			default:
				sets++
			}
		}
	}
	if sets < 10 || none[scoring.NoneRevoked] == 0 || none["step_up_pending"] == 0 || none[scoring.NoneExpired] == 0 {
		t.Errorf("%d with sets, none: %v; the scenarios show too little", sets, none)
	}
}

type recording struct {
	riskd.KeptDecision
	pack *policies.Pack
}

// recorded plays a scenario and keeps its decisions.
func recorded(t testing.TB, s *fixtures.Scenario) []recording {
	t.Helper()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions(), Overlay: s.Tuning})
	if err != nil {
		t.Fatal(err)
	}
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		t.Fatal(err)
	}
	defer locator.Close()
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	engine, err := scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return pack },
		NewID:  func() string { return fmt.Sprint(len(all)) },
		Record: func(r *riskd.Record) { all = append(all, recording{r.Keep(), pack}) }, Deadline: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := riskd.NewSessionKey(make([]byte, riskd.MinSessionKey))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range s.Events {
		_, document, err := fixtures.SplitLine(line)
		if err != nil {
			t.Fatal(err)
		}
		e, err := api.DecodeTraceEvent(document, key)
		if err != nil {
			t.Fatal(err)
		}
		engine.Decide(context.Background(), e, e.Time)
	}
	return all
}

// What an explanation costs: a decision for which a few reasons spoke, and the worst,
// for which as many did as are tried and all of them are needed.
func BenchmarkExplain(b *testing.B) {
	all, err := fixtures.Scenarios()
	if err != nil {
		b.Fatal(err)
	}
	var some recording
	for i := range all {
		for _, k := range recorded(b, &all[i]) {
			if k.Weighing.Judged != nil && len(k.Weighing.Open) > len(some.Weighing.Open) {
				some = k
			}
		}
	}
	worst := some
	for i := range scoring.MaxSearched {
		r := some.Weighing.Request[0]
		r.Code, r.Nats, r.Found, r.Invariant, r.Group = fmt.Sprint("r", i), 0, 0, true, riskd.Group(i%3)
		worst.Weighing.Request = append(worst.Weighing.Request[:len(worst.Weighing.Request):len(worst.Weighing.Request)], r)
	}
	for name, k := range map[string]recording{"scenario": some, "worst": worst} {
		b.Run(name, func(b *testing.B) {
			asked := 0
			for b.Loop() {
				asked = scoring.Explain(b.Context(), &k.KeptDecision, k.pack).Counterfactual.Asked
			}
			b.ReportMetric(float64(asked), "questions")
		})
	}
}

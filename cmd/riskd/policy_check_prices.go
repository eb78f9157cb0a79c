package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
)

// price is what a rule costs, per event.
type price struct {
	Rule     string        `json:"rule"`
	File     string        `json:"file"`
	Line     int           `json:"line"`
	Compiled bool          `json:"compiled"`      // no event waits for OPA because of it
	Why      string        `json:"why,omitempty"` // it isn't compiled, because
	Took     time.Duration `json:"took_ns"`       // as it is evaluated
	OPA      time.Duration `json:"opa_ns"`        // as OPA evaluates it
	Allocs   float64       `json:"allocs"`
}

// prices measures the rules of a pack over some cases, and the pack as a whole.
func prices(ctx context.Context, pack *policies.Pack, cases []*riskd.Case) (rules []price, whole price, err error) {
	each, all, err := pack.Prices(ctx, cases)
	if err != nil {
		return nil, whole, err
	}
	for _, p := range each {
		rules = append(rules, priceOf(p))
	}
	return rules, priceOf(all), nil
}

func priceOf(p policies.Price) price {
	return price{Rule: p.Name, File: p.File, Line: p.Line, Compiled: p.Compiled, Why: p.Why, Took: p.Took, OPA: p.OPA, Allocs: p.Allocs}
}

// mostCases is how many cases are measured over, taken evenly from all.
const mostCases = 128

// recordedCases are what a pack is asked about in the scenarios that riskd brings
// along. Those with a tuning of their own are left out.
func recordedCases(ctx context.Context, compile compilePack) ([]*riskd.Case, error) {
	run, err := newScenarioRun(compile)
	if err != nil {
		return nil, err
	}
	defer run.close()
	var all []*riskd.Case
	run.judged = func(c *riskd.Case) { all = append(all, copyOf(c)) }
	scenarios, err := shippedScenarios()
	if err != nil {
		return nil, err
	}
	for i := range scenarios {
		if scenarios[i].Tuning == nil {
			// Another pack may answer otherwise than the scenario wants.
			_ = run.play(ctx, scenarios[i].file, &scenarios[i].Scenario)
		}
	}
	if len(all) <= mostCases {
		return all, ctx.Err()
	}
	some := make([]*riskd.Case, mostCases)
	for i := range some {
		some[i] = all[i*len(all)/mostCases]
	}
	return some, ctx.Err()
}

// copyOf is a case that stays as it is: the engine goes on with its own.
func copyOf(c *riskd.Case) *riskd.Case {
	kept := *c
	event, session := *c.Event, *c.Session
	kept.Event, kept.Session = &event, &session
	if c.Profile != nil {
		profile := *c.Profile
		kept.Profile = &profile
	}
	kept.Readings = append([]riskd.Reading(nil), c.Readings...)
	kept.Reasons = append([]riskd.Reason(nil), c.Reasons...)
	kept.Invariants = append([]string(nil), c.Invariants...)
	return &kept
}

// printPrices prints what each rule costs, and all of them together.
func (c *policyCheck) printPrices(out io.Writer) error {
	if c.prices == nil {
		return nil
	}
	rows := [][5]string{{"rule", "price", "by OPA", "allocs", "evaluated"}}
	for i := range c.prices {
		rows = append(rows, c.prices[i].row())
	}
	whole := c.pack.row()
	whole[0], whole[4] = "all of them, for one event", ""
	rows = append(rows, whole)
	width := 0
	for _, row := range rows {
		width = max(width, len(row[0]))
	}
	for _, row := range rows {
		line := fmt.Sprintf("%-*s  %10s  %10s  %6s  %s", width, row[0], row[1], row[2], row[3], row[4])
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out)
	return err
}

func (p *price) row() [5]string {
	evaluated := "compiled"
	if !p.Compiled {
		evaluated = "by OPA"
	}
	if p.Why != "" {
		evaluated += ": " + p.Why
	}
	return [5]string{p.Rule, micros(p.Took), micros(p.OPA), fmt.Sprintf("%.0f", p.Allocs), evaluated}
}

// micros is a time as people compare prices: in microseconds, or in nanoseconds.
func micros(d time.Duration) string {
	if d < time.Microsecond {
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	}
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}

//go:build linux

package main

import (
	"context"
	"math"
	"time"

	"github.com/riskd/riskd/bench/load"
)

// cases are the kinds of request: two that callers of the API make, and what gateways
// ask over HTTP and over gRPC.
var cases = []string{"quiet", "risky", forwardAuth, extAuthz}

// bench puts every case to every target in turn, round by round.
type bench struct {
	targets     []*target
	rounds      int
	slice       time.Duration
	connections int
	spin        bool
	progress    *progress
}

// visit is what one target did in one case, as it is gathered.
type visit struct {
	target       *target
	work         *workload
	peak         float64 // as the warm-up found it
	half, common load.Histogram
	rounds       []Sample
}

// run measures. Targets take turns in every round, so that a machine that is
// slow for a while is slow for all.
func (b *bench) run(ctx context.Context) ([]Case, error) {
	cases, plan := b.plan()
	rates := make([]float64, len(cases))
	for i, name := range cases {
		rates[i] = math.Inf(1)
		for _, v := range plan[i] {
			if err := b.warmUp(v); err != nil {
				return nil, err
			}
			b.progress.step("warm-up: %s %s, %s/s", v.target.name, name, grouped(v.peak))
			rates[i] = min(rates[i], halfOf(v.peak))
		}
	}
	for round := range b.rounds {
		for i, name := range cases {
			for _, v := range plan[i] {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				s, err := b.sample(ctx, v, rates[i])
				if err != nil {
					return nil, err
				}
				v.rounds = append(v.rounds, s)
				b.progress.step("round %d of %d: %s %s, %s/s", round+1, b.rounds, v.target.name, name, grouped(s.Rate))
			}
		}
	}
	out := make([]Case, len(cases))
	for i, name := range cases {
		out[i] = Case{Name: name, CommonRate: rates[i], Decision: plan[i][0].work.decision}
		for _, v := range plan[i] {
			out[i].Cells = append(out[i].Cells, v.cell())
		}
	}
	return out, nil
}

// plan gives the cases that somebody is asked, and who.
func (b *bench) plan() (names []string, plan [][]*visit) {
	for _, name := range cases {
		var visits []*visit
		for _, t := range b.targets {
			if w := t.work[name]; w != nil {
				visits = append(visits, &visit{target: t, work: w})
			}
		}
		if visits != nil {
			names, plan = append(names, name), append(plan, visits)
		}
	}
	return names, plan
}

// warmUp runs a target for one slice, which tells how much it can take.
func (b *bench) warmUp(v *visit) error {
	g, err := v.target.dial(v.work, b.connections, b.spin)
	if err != nil {
		return err
	}
	defer g.Close()
	r, err := g.Closed(load.Limit{For: b.slice})
	if err != nil {
		return v.target.server.Explain(err)
	}
	v.peak = r.Rate()
	return nil
}

// halfOf is half a rate, to two significant digits.
func halfOf(peak float64) float64 {
	step := math.Pow(10, math.Floor(math.Log10(peak/2))-1)
	return math.Round(peak/2/step) * step
}

// sample is one visit: a slice as fast as the target goes, between two looks at
// its clock and its allocations; then two at fixed rates for the latency.
func (b *bench) sample(ctx context.Context, v *visit, common float64) (Sample, error) {
	g, err := v.target.dial(v.work, b.connections, b.spin)
	if err != nil {
		return Sample{}, err
	}
	defer g.Close()
	s, err := b.closed(ctx, g, v)
	if err != nil {
		return s, v.target.server.Explain(err)
	}
	half, err := g.Open(halfOf(v.peak), load.Limit{For: b.slice})
	if err != nil {
		return s, v.target.server.Explain(err)
	}
	same, err := g.Open(common, load.Limit{For: b.slice})
	if err != nil {
		return s, v.target.server.Explain(err)
	}
	v.half.Add(&half.Latency)
	v.common.Add(&same.Latency)
	s.HalfP50, s.HalfP99 = micros(&half.Latency, 0.5), micros(&half.Latency, 0.99)
	s.CommonP50, s.CommonP99 = micros(&same.Latency, 0.5), micros(&same.Latency, 0.99)
	return s, nil
}

// closed measures the closed loop. Asking for the allocations allocates, too:
// asking twice first tells how much.
func (b *bench) closed(ctx context.Context, g *load.Generator, v *visit) (s Sample, err error) {
	server := v.target.server
	var allocs [3]float64
	for i := range 2 {
		if allocs[i], err = server.Allocations(ctx); err != nil {
			return s, err
		}
	}
	before, err := server.CPU()
	if err != nil {
		return s, err
	}
	r, err := g.Closed(load.Limit{For: b.slice})
	if err != nil {
		return s, err
	}
	after, err := server.CPU()
	if err != nil {
		return s, err
	}
	if allocs[2], err = server.Allocations(ctx); err != nil {
		return s, err
	}
	n := float64(r.Replies)
	asking := allocs[1] - allocs[0]
	return Sample{
		Rate:          r.Rate(),
		CPU:           float64((after - before).Nanoseconds()) / 1e3 / n,
		Allocs:        max(0, allocs[2]-allocs[1]-asking) / n,
		P50:           micros(&r.Latency, 0.5),
		P99:           micros(&r.Latency, 0.99),
		ServerBusy:    (after - before).Seconds() / r.Took.Seconds(),
		GeneratorBusy: r.Busy.Seconds() / r.Took.Seconds(),
	}, nil
}

func (v *visit) cell() Cell {
	return Cell{
		Target: v.target.name, RequestBytes: len(v.work.request(v.work.sent)), ReplyBytes: v.work.reply,
		HalfRate: halfOf(v.peak), Rounds: v.rounds,
		Curve: curveOf(&v.half), CommonCurve: curveOf(&v.common),
	}
}

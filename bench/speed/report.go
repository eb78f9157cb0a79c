package main

import (
	"fmt"
	"strings"
	"time"
)

// Report is all that one run found out; it is what -json writes. Times are in
// microseconds, rates in requests per second.
type Report struct {
	At          time.Time `json:"at"`
	Machine     Machine   `json:"machine"`
	Rounds      int       `json:"rounds"`
	SliceMS     int64     `json:"slice_ms"`
	Connections int       `json:"connections"`
	Cases       []Case    `json:"cases"`
	Notes       []string  `json:"notes,omitempty"`
}

// Machine is where the run took place, without any name.
type Machine struct {
	CPU           string `json:"cpu"`
	Cores         int    `json:"cores"`
	Kernel        string `json:"kernel"`
	Go            string `json:"go"`
	ServerCore    int    `json:"server_core"`    // -1: not pinned
	GeneratorCore int    `json:"generator_core"` // -1: not pinned
}

// Case is one kind of request, put to every target.
type Case struct {
	Name       string  `json:"name"`
	Decision   string  `json:"decision"` // what every reply said
	CommonRate float64 `json:"common_rate"`
	Cells      []Cell  `json:"targets"`
	Ratios     []Ratio `json:"ratios"`
}

// Cell is what one target did with one kind of request.
type Cell struct {
	Target       string   `json:"target"`
	RequestBytes int      `json:"request_bytes"`
	ReplyBytes   int      `json:"reply_bytes"`
	HalfRate     float64  `json:"half_rate"`
	Rounds       []Sample `json:"rounds"`
	Summary      Summary  `json:"summary"`
	// Curve and CommonCurve are the open-loop latencies of all rounds together,
	// at half the target's own peak and at the rate that all targets got.
	Curve       []Point `json:"curve"`
	CommonCurve []Point `json:"common_curve"`
}

// Sample is one round's figures of one cell.
type Sample struct {
	Rate      float64 `json:"rate"`        // closed loop
	CPU       float64 `json:"cpu_us"`      // server's, per request
	Allocs    float64 `json:"allocs"`      // server's, per request
	P50       float64 `json:"p50_us"`      // closed loop: queueing at saturation
	P99       float64 `json:"p99_us"`      // "
	HalfP50   float64 `json:"half_p50_us"` // open loop at half the peak
	HalfP99   float64 `json:"half_p99_us"`
	CommonP50 float64 `json:"common_p50_us"` // open loop at the common rate
	CommonP99 float64 `json:"common_p99_us"`
	// ServerBusy and GeneratorBusy are the shares of a core that either took in
	// the closed loop.
	ServerBusy    float64 `json:"server_busy"`
	GeneratorBusy float64 `json:"generator_busy"`
}

// Summary is a cell's figures over the rounds.
type Summary struct {
	Rate          Spread `json:"rate"`
	CPU           Spread `json:"cpu_us"`
	Allocs        Spread `json:"allocs"`
	P50           Spread `json:"p50_us"`
	P99           Spread `json:"p99_us"`
	HalfP50       Spread `json:"half_p50_us"`
	HalfP99       Spread `json:"half_p99_us"`
	CommonP50     Spread `json:"common_p50_us"`
	CommonP99     Spread `json:"common_p99_us"`
	ServerBusy    Spread `json:"server_busy"`
	GeneratorBusy Spread `json:"generator_busy"`
}

// Ratio compares two targets round by round, so that what slowed the machine
// down for a while slowed both.
type Ratio struct {
	Of   string `json:"of"`
	Over string `json:"over"`
	Rate Spread `json:"rate"`
	CPU  Spread `json:"cpu"`
}

// Point is one point of a latency curve: the share q of all requests took no
// longer than At.
type Point struct {
	Q  float64 `json:"q"`
	At float64 `json:"us"`
}

// summarise fills in what follows from the rounds.
func (r *Report) summarise() {
	for i := range r.Cases {
		c := &r.Cases[i]
		for j := range c.Cells {
			c.Cells[j].Summary = summaryOf(c.Cells[j].Rounds)
		}
		c.Ratios = nil
		for of := range c.Cells {
			for over := range of {
				c.Ratios = append(c.Ratios, ratioOf(&c.Cells[of], &c.Cells[over]))
			}
		}
	}
}

func summaryOf(rounds []Sample) Summary {
	over := func(figure func(*Sample) float64) Spread {
		values := make([]float64, len(rounds))
		for i := range rounds {
			values[i] = figure(&rounds[i])
		}
		return spreadOf(values)
	}
	return Summary{
		Rate:          over(func(s *Sample) float64 { return s.Rate }),
		CPU:           over(func(s *Sample) float64 { return s.CPU }),
		Allocs:        over(func(s *Sample) float64 { return s.Allocs }),
		P50:           over(func(s *Sample) float64 { return s.P50 }),
		P99:           over(func(s *Sample) float64 { return s.P99 }),
		HalfP50:       over(func(s *Sample) float64 { return s.HalfP50 }),
		HalfP99:       over(func(s *Sample) float64 { return s.HalfP99 }),
		CommonP50:     over(func(s *Sample) float64 { return s.CommonP50 }),
		CommonP99:     over(func(s *Sample) float64 { return s.CommonP99 }),
		ServerBusy:    over(func(s *Sample) float64 { return s.ServerBusy }),
		GeneratorBusy: over(func(s *Sample) float64 { return s.GeneratorBusy }),
	}
}

// ratioOf divides the rounds of one target by the same rounds of another.
func ratioOf(of, over *Cell) Ratio {
	rate, cpu := make([]float64, len(of.Rounds)), make([]float64, len(of.Rounds))
	for i := range of.Rounds {
		rate[i] = of.Rounds[i].Rate / over.Rounds[i].Rate
		cpu[i] = of.Rounds[i].CPU / over.Rounds[i].CPU
	}
	return Ratio{Of: of.Target, Over: over.Target, Rate: spreadOf(rate), CPU: spreadOf(cpu)}
}

// enough is the share of its core that a server has to get in every round, and
// that the generator may take, for a closed loop to have measured the server.
const enough = 0.9

// notes says what a reader must know before believing the figures.
func (r *Report) notes() []string {
	var notes, starved, limited []string
	if r.Machine.ServerCore < 0 {
		notes = append(notes, "there is only one core: servers and generator take time from each other, and all figures are worse than the servers are")
	}
	for i := range r.Cases {
		for j := range r.Cases[i].Cells {
			cell := &r.Cases[i].Cells[j]
			name := cell.Target + " " + r.Cases[i].Name
			if busy := cell.Summary.ServerBusy.Min; busy < enough {
				starved = append(starved, fmt.Sprintf("%s (%.0f %%)", name, 100*busy))
			}
			if busy := cell.Summary.GeneratorBusy.Max; busy > enough {
				limited = append(limited, fmt.Sprintf("%s (%.0f %%)", name, 100*busy))
			}
		}
	}
	if starved != nil {
		notes = append(notes, "in at least one round servers didn't get their core, because something else ran on it or they had to wait: "+strings.Join(starved, ", "))
	}
	if limited != nil {
		notes = append(notes, "in at least one round the generator used up its core and may have been the bottleneck: "+strings.Join(limited, ", "))
	}
	return notes
}

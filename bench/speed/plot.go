package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The plots' sizes, in SVG units.
const (
	plotWidth  = 640.0
	plotLeft   = 70.0 // room for what stands left of the axis
	plotRight  = 70.0
	barPitch   = 34.0
	barHeight  = 20.0
	curveDepth = 220.0
	axisDepth  = 34.0
)

// bars is a plot of the targets' rates: a bar for the median, a whisker for the
// range.
type bars struct {
	Height float64
	Bars   []bar
}

type bar struct {
	Name, Text    string
	Y, X, W, H    float64
	Low, High     float64 // ends of the whisker
	Middle, TextX float64
}

func barsOf(c *Case) bars {
	longest := 0.0
	for i := range c.Cells {
		longest = max(longest, c.Cells[i].Summary.Rate.Max)
	}
	x := func(rate float64) float64 { return plotLeft + rate/longest*(plotWidth-plotLeft-plotRight) }
	p := bars{Height: barPitch * float64(len(c.Cells))}
	for i := range c.Cells {
		rate := c.Cells[i].Summary.Rate
		y := barPitch*float64(i) + (barPitch-barHeight)/2
		p.Bars = append(p.Bars, bar{
			Name: c.Cells[i].Target, Text: grouped(rate.Median) + "/s",
			X: plotLeft, Y: y, W: x(rate.Median) - plotLeft, H: barHeight,
			Low: x(rate.Min), High: x(rate.Max), Middle: y + barHeight/2, TextX: x(rate.Max) + 6,
		})
	}
	return p
}

// curves is a plot of latency over percentile, both logarithmic: each step to
// the right is a tenth of the requests, each step up ten times the wait.
type curves struct {
	Title         string
	Height, Floor float64
	Left, Right   float64
	Lines         []line
	XTicks        []tick
	YTicks        []tick
}

type line struct {
	Name, Points string
	EndX, LabelY float64
}

type tick struct {
	At   float64
	Text string
}

func curvesOf(title string, c *Case, curve func(*Cell) []Point) curves {
	low, high, far := math.Inf(1), 0.0, 1.0
	for i := range c.Cells {
		for _, p := range curve(&c.Cells[i]) {
			low, high, far = min(low, p.At), max(high, p.At), max(far, nines(p.Q))
		}
	}
	if high == 0 {
		return curves{Title: title}
	}
	bottom, top := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	x := func(q float64) float64 { return plotLeft + nines(q)/far*(plotWidth-plotLeft-plotRight) }
	y := func(us float64) float64 { return curveDepth - (math.Log10(us)-bottom)/(top-bottom)*(curveDepth-10) }
	p := curves{
		Title: title, Height: curveDepth + axisDepth, Floor: curveDepth,
		Left: plotLeft, Right: plotWidth - plotRight,
	}
	for i := range c.Cells {
		p.Lines = append(p.Lines, lineOf(c.Cells[i].Target, curve(&c.Cells[i]), x, y))
	}
	spreadLabels(p.Lines)
	for decade := bottom; decade <= top; decade++ {
		us := math.Pow(10, decade)
		p.YTicks = append(p.YTicks, tick{At: y(us), Text: latency(Spread{Median: us})})
	}
	for _, q := range []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999} {
		if nines(q) <= far {
			p.XTicks = append(p.XTicks, tick{At: x(q), Text: fmt.Sprintf("%.6g %%", 100*q)})
		}
	}
	return p
}

// nines is how many nines a share has: 1 for 0.9, 2 for 0.99.
func nines(q float64) float64 { return -math.Log10(1 - q) }

func lineOf(name string, points []Point, x, y func(float64) float64) line {
	l := line{Name: name}
	var path strings.Builder
	for _, p := range points {
		l.EndX, l.LabelY = x(p.Q), y(p.At)
		fmt.Fprintf(&path, "%.1f,%.1f ", l.EndX, l.LabelY)
	}
	l.Points = path.String()
	return l
}

// spreadLabels moves the names of curves that end at the same height apart.
func spreadLabels(lines []line) {
	const height = 14.0
	order := make([]*line, len(lines))
	for i := range lines {
		order[i] = &lines[i]
	}
	slices.SortFunc(order, func(a, b *line) int { return cmp.Compare(a.LabelY, b.LabelY) })
	for i := 1; i < len(order); i++ {
		order[i].LabelY = max(order[i].LabelY, order[i-1].LabelY+height)
	}
}

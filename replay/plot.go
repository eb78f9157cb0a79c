package replay

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// matrixPlot is a matrix of counts whose cells are the darker the more they hold.
type matrixPlot struct {
	Title string
	Heads []headText
	Cells []cell
}

type headText struct {
	X, Y float64
	Text string
	Side bool
}

type cell struct {
	X, Y    float64
	Count   int
	Opacity float64
	Kind    string // same, more (B is stricter) or less
}

// The plots' sizes, in SVG units.
const (
	cellWidth  = 84.0
	cellHeight = 36.0
	headWidth  = 78.0
	headHeight = 30.0
	plotWidth  = 640.0
	plotHeight = 200.0
	plotLeft   = 56.0
)

func matrixPlotOf(title string, m *Matrix) matrixPlot {
	p := matrixPlot{Title: title}
	most := 1
	for a := range m {
		for b := range m[a] {
			most = max(most, m[a][b])
		}
	}
	for a := range classes {
		y := headHeight + cellHeight*float64(a)
		p.Heads = append(p.Heads,
			headText{X: headWidth - 8, Y: y + cellHeight/2, Text: a.String(), Side: true},
			headText{X: headWidth + cellWidth*(float64(a)+0.5), Y: headHeight - 12, Text: a.String()})
		for b := range classes {
			c := cell{X: headWidth + cellWidth*float64(b), Y: y, Count: m[a][b], Kind: "same"}
			if b > a {
				c.Kind = "more"
			} else if b < a {
				c.Kind = "less"
			}
			if c.Count > 0 { // by magnitude: what diverges is little next to what doesn't
				c.Opacity = round(0.15+0.6*math.Log1p(float64(c.Count))/math.Log1p(float64(most)), 3)
			}
			p.Cells = append(p.Cells, c)
		}
	}
	return p
}

// timeline counts over time how many sessions began to diverge: above the axis those
// that B answers more strictly at that event, below it the others.
type timeline struct {
	Height, Axis float64
	Bars         []bar
	Ticks        []tick
	Most         int
	Step         string
}

type bar struct {
	X, Y, W, H float64
	Kind       string
	Title      string
}

type tick struct {
	X    float64
	Text string
}

// steps are the widths that a bar of the timeline may have.
var steps = []time.Duration{
	time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour,
}

const mostBars = 80

func timelineOf(r *Report) timeline {
	t := timeline{Height: plotHeight + 26, Axis: plotHeight / 2}
	if len(r.Divergences) == 0 {
		return t
	}
	begin, step, bins := binsOf(r.Divergences)
	more, less := make([]int, bins), make([]int, bins)
	for i := range r.Divergences {
		f := &r.Divergences[i].First
		bin := int(f.Time.Sub(begin) / step)
		if slices.Index(classNames[:], f.B.Answer) > slices.Index(classNames[:], f.A.Answer) {
			more[bin]++
		} else {
			less[bin]++
		}
	}
	t.Most, t.Step = max(slices.Max(more), slices.Max(less)), stepText(step)
	width := (plotWidth - plotLeft) / float64(bins)
	high := func(n int) float64 { return round(float64(n)/float64(t.Most)*(plotHeight/2-8), 2) }
	for bin := range bins {
		x, w := round(plotLeft+width*float64(bin), 2), round(max(width-1, 0.5), 2)
		at := begin.Add(time.Duration(bin) * step).Format(timeLayout)
		if n := more[bin]; n > 0 {
			t.Bars = append(t.Bars, bar{x, t.Axis - high(n), w, high(n), "more", fmt.Sprintf("%s: %d stricter under B", at, n)})
		}
		if n := less[bin]; n > 0 {
			t.Bars = append(t.Bars, bar{x, t.Axis, w, high(n), "less", fmt.Sprintf("%s: %d milder under B", at, n)})
		}
	}
	for i := range 4 {
		bin := (bins - 1) * i / 3
		if i > 0 && bin == (bins-1)*(i-1)/3 {
			continue
		}
		t.Ticks = append(t.Ticks, tick{round(plotLeft+width*float64(bin), 2), begin.Add(time.Duration(bin) * step).Format(stepLayout(step))})
	}
	return t
}

// binsOf gives the bars that it takes to show when sessions began to diverge.
func binsOf(all []Divergence) (begin time.Time, step time.Duration, bins int) {
	from, to := all[0].First.Time, all[0].First.Time
	for i := range all { // traces needn't be in the order of their times
		at := all[i].First.Time
		if at.Before(from) {
			from = at
		}
		if at.After(to) {
			to = at
		}
	}
	step = steps[len(steps)-1]
	for _, s := range slices.Backward(steps) {
		if to.Sub(from)/s < mostBars {
			step = s
		}
	}
	begin = from.Truncate(step)
	return begin, step, int(to.Sub(begin)/step) + 1
}

func stepLayout(step time.Duration) string {
	switch {
	case step >= 24*time.Hour:
		return "2 Jan 2006"
	case step >= time.Minute:
		return "2 Jan 15:04"
	default:
		return "2 Jan 15:04:05"
	}
}

func stepText(step time.Duration) string {
	switch {
	case step >= 24*time.Hour:
		return count(int(step/(24*time.Hour)), "day")
	case step >= time.Hour:
		return count(int(step/time.Hour), "hour")
	case step >= time.Minute:
		return count(int(step/time.Minute), "minute")
	default:
		return count(int(step/time.Second), "second")
	}
}

// pointPlot shows where the packs work: the share of other sessions alarmed to the
// right, that of attacks caught upwards, each with its interval.
type pointPlot struct {
	Far    float64 // the share at the right end
	Points []point
	XTicks []tick
	YTicks []tick
}

type point struct {
	Name, Title            string
	X, Y                   float64
	Left, Right, Low, High float64 // ends of the whiskers
}

const pointHeight = 240.0

func pointPlotOf(d *Detection) *pointPlot {
	if d == nil || d.A.Attacks.Caught.Of == 0 {
		return nil
	}
	p := &pointPlot{Far: 1}
	widest := max(d.A.FalseAlarms.High, d.B.FalseAlarms.High)
	for _, far := range []float64{0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.001} {
		if widest <= far {
			p.Far = far
		}
	}
	x := func(share float64) float64 { return round(plotLeft+share/p.Far*(plotWidth-plotLeft-40), 2) }
	y := func(share float64) float64 { return round(10+(1-share)*(pointHeight-20), 2) }
	for i, side := range []*SideDetection{&d.A, &d.B} {
		right, up := side.FalseAlarms, side.Attacks.Caught
		name := string(rune('A' + i))
		p.Points = append(p.Points, point{
			Name: name, Title: fmt.Sprintf("%s: attacks %s; other sessions %s", name, up.Text(), right.Text()),
			X: x(right.Rate), Y: y(up.Rate), Left: x(right.Low), Right: x(right.High), Low: y(up.Low), High: y(up.High),
		})
	}
	for i := range 5 {
		share := float64(i) / 4
		p.YTicks = append(p.YTicks, tick{y(share), percent(share)})
		p.XTicks = append(p.XTicks, tick{x(share * p.Far), percent(share * p.Far)})
	}
	return p
}

// familyPlot shows for each family the share of attacks caught, with its interval.
type familyPlot struct {
	Height float64
	Floor  float64
	Rows   []familyRow
	Ticks  []tick
}

type familyRow struct {
	Name   string
	Y      float64
	Points []point
}

const (
	familyPitch = 36.0
	familyLeft  = 170.0
)

func familyPlotOf(d *Detection) *familyPlot {
	if d == nil || len(d.Families) == 0 {
		return nil
	}
	floor := familyPitch * float64(len(d.Families))
	p := &familyPlot{Height: floor + 24, Floor: floor}
	x := func(share float64) float64 { return round(familyLeft+share*(plotWidth-familyLeft-30), 2) }
	for i := range d.Families {
		f := &d.Families[i]
		row := familyRow{Name: f.Title(), Y: familyPitch * (float64(i) + 0.5)}
		for side, in := range []*Attacks{&f.A, &f.B} {
			row.Points = append(row.Points, point{
				Name: string(rune('A' + side)), Title: in.Caught.Text(), X: x(in.Caught.Rate), Y: row.Y - 6 + 12*float64(side),
				Left: x(in.Caught.Low), Right: x(in.Caught.High),
			})
		}
		p.Rows = append(p.Rows, row)
	}
	for i := range 5 {
		p.Ticks = append(p.Ticks, tick{x(float64(i) / 4), percent(float64(i) / 4)})
	}
	return p
}

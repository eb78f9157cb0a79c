package replay

import (
	"fmt"
	"math"
	"strings"

	"github.com/riskd/riskd/replay/measure"
)

// curvePlot is a curve in its band.
type curvePlot struct {
	Line, Band   string // points of SVG
	Chance       string // points of the curve of a scorer by chance
	XTicks       []tick
	YTicks       []tick
	Points       []curvePoint
	XName, YName string
}

type curvePoint struct {
	X, Y  float64
	R     float64
	Kind  string
	Title string
	Name  string
}

const (
	curveHeight = 300.0
	curveTop    = 10.0
	curveFloor  = 250.0
	curveRight  = 600.0
)

func curveY(share float64) float64 { return round(curveFloor-share*(curveFloor-curveTop), 2) }

func curveX(share float64) float64 { return round(plotLeft+share*(curveRight-plotLeft), 2) }

// logX puts 1 in 10,000 at the left end and all at the right.
func logX(share float64) float64 {
	return curveX(max(0, math.Log10(max(share, 1e-4))/4+1))
}

// trace draws points with their band.
func (p *curvePlot) trace(points []measure.Point, x func(float64) float64) {
	var line, low, high []string
	for i := range points {
		at := &points[i]
		line = append(line, fmt.Sprintf("%g,%g", x(at.X), curveY(at.Y)))
		high = append(high, fmt.Sprintf("%g,%g", x(at.X), curveY(at.High)))
		low = append([]string{fmt.Sprintf("%g,%g", x(at.X), curveY(at.Low))}, low...)
	}
	p.Line, p.Band = strings.Join(line, " "), strings.Join(append(high, low...), " ")
}

func (p *curvePlot) shares(x func(float64) float64, at ...float64) {
	for _, share := range at {
		p.XTicks = append(p.XTicks, tick{x(share), decimalPercent(share)})
	}
	for i := range 5 {
		share := float64(i) / 4
		p.YTicks = append(p.YTicks, tick{curveY(share), percent(share)})
	}
}

// decimalPercent is percent with as many digits as it takes.
func decimalPercent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

func rocPlot(r *measure.Report) *curvePlot {
	if len(r.ROC) == 0 {
		return nil
	}
	p := &curvePlot{XName: "sessions without an attack that are asked", YName: "attacks caught"}
	p.trace(r.ROC, logX)
	p.shares(logX, 1e-4, 1e-3, 1e-2, 1e-1, 1)
	var chance []string
	for i := range r.ROC {
		chance = append(chance, fmt.Sprintf("%g,%g", logX(r.ROC[i].X), curveY(r.ROC[i].X)))
	}
	p.Chance = strings.Join(chance, " ")
	for i := range r.Budgets {
		if b := &r.Budgets[i]; b.Threshold != nil && b.Random > 0 {
			p.Points = append(p.Points, curvePoint{
				X: logX(b.Random), Y: curveY(b.All.Value), R: 4, Kind: "budget", Name: decimal(b.Budget),
				Title: fmt.Sprintf("%s a month, above %s nats: %s caught", decimal(b.Budget), b.ThresholdText(), percent(b.All.Value)),
			})
		}
	}
	p.Points = append(p.Points, curvePoint{
		X: logX(r.False.Sessions.Value), Y: curveY(r.All.TPR.Value), R: 6, Kind: "own", Name: "",
		Title: fmt.Sprintf("the pack's own thresholds: %s of sessions asked, %s caught", percent(r.False.Sessions.Value), percent(r.All.TPR.Value)),
	})
	return p
}

func prPlot(r *measure.Report) *curvePlot {
	if len(r.PR) == 0 {
		return nil
	}
	p := &curvePlot{XName: "attacks caught", YName: "attacks among what is asked"}
	p.trace(r.PR, curveX)
	p.shares(curveX, 0, 0.25, 0.5, 0.75, 1)
	base := float64(r.Attacks) / float64(r.Attacks+r.Sessions)
	p.Chance = fmt.Sprintf("%g,%g %g,%g", curveX(0), curveY(base), curveX(1), curveY(base))
	return p
}

func reliabilityPlot(c *measure.Calibration) *curvePlot {
	if len(c.AtTrace.Bins) == 0 {
		return nil
	}
	p := &curvePlot{XName: "probability said", YName: "share that were attacks"}
	p.shares(curveX, 0, 0.25, 0.5, 0.75, 1)
	p.Chance = fmt.Sprintf("%g,%g %g,%g", curveX(0), curveY(0), curveX(1), curveY(1))
	var line []string
	for i := range c.AtTrace.Bins {
		b := &c.AtTrace.Bins[i]
		x, y := curveX(b.Predicted), curveY(b.Observed)
		line = append(line, fmt.Sprintf("%g,%g", x, y))
		p.Points = append(p.Points, curvePoint{
			X: x, Y: y, R: round(3+9*math.Sqrt(b.Share), 2), Kind: "budget",
			Title: fmt.Sprintf("said %s, were %s; %s of all", percent(b.Predicted), percent(b.Observed), percent(b.Share)),
		})
	}
	p.Line = strings.Join(line, " ")
	return p
}

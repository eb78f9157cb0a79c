package tune

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"rank": rank, "percent": func(x float64) float64 { return 100 * x },
}).Parse(page))

// HTML writes the report as one page that needs nothing else.
func (r *Report) HTML(out io.Writer) error {
	type row struct {
		Name string
		D    *Detection
	}
	in := struct {
		*Report
		Plot *plot
		Rows []row
	}{Report: r, Rows: []row{
		{"training, the pack as it is (weighed again)", r.Train.AsIs},
		{"training, that at the budget", r.Train.Shipped},
		{"training, chosen", r.Train.Chosen},
		{"held out, the pack as it is (weighed again)", r.Held.AsIs},
		{"held out, that at the budget", r.Held.Shipped},
		{"held out, chosen", r.Held.Chosen},
		{"held out, chosen, as weighing again foretold", r.Weighed.Held},
	}}
	if !r.Thresholds {
		in.Plot = r.plot()
	}
	return pageTemplate.Execute(out, in)
}

// plot is the picture of what was tried, in SVG units.
type plot struct {
	X, Y   []tick
	Budget float64
	Dots   []dot
	Lines  []line
}

type tick struct {
	At   float64
	Text string
}

type dot struct {
	X, Y  float64
	Title string
}

type line struct {
	Name string
	Path string
	Dots []dot
}

// The plot's edges.
const (
	left, right = 60.0, 700.0
	top, bottom = 20.0, 320.0
)

func (r *Report) plot() *plot {
	of := r.pareto()
	x := func(fsu float64) float64 { return cents(left + (right-left)*fsu/of.far) }
	y := func(tpr float64) float64 { return cents(bottom - (bottom-top)*(tpr-of.low)/(of.high-of.low)) }
	p := &plot{Budget: x(r.Budget)}
	for i := range 5 {
		at := float64(i) / 4
		p.X = append(p.X, tick{x(at * of.far), fmt.Sprintf("%.3g", at*of.far)})
		tpr := of.low + at*(of.high-of.low)
		p.Y = append(p.Y, tick{y(tpr), fmt.Sprintf("%.3f", tpr)})
	}
	for _, c := range r.Candidates {
		if c.FSU <= of.far {
			p.Dots = append(p.Dots, dot{X: x(c.FSU), Y: y(c.MacroTPR)})
		}
	}
	for _, c := range r.Curves {
		l := line{Name: c.Name}
		for _, point := range c.Points {
			if point.FSU > of.far {
				continue
			}
			d := dot{x(point.FSU), y(point.MacroTPR), fmt.Sprintf("%.3f caught at %.3f false step-ups, threshold %g nats", point.MacroTPR, point.FSU, point.StepUp)}
			verb := "L"
			if len(l.Dots) == 0 {
				verb = "M"
			}
			l.Path += fmt.Sprintf("%s%g %g", verb, d.X, d.Y)
			l.Dots = append(l.Dots, d)
		}
		p.Lines = append(p.Lines, l)
	}
	return p
}

// cents leaves two digits of an SVG unit.
func cents(x float64) float64 { return math.Round(100*x) / 100 }

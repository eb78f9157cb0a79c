package main

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"grouped": grouped, "short": short, "latency": latency, "times": times,
	"bars": barsOf,
	"curves": func(c *Case) []curves {
		return []curves{
			curvesOf("Latency at half of each one's peak", c, func(cell *Cell) []Point { return cell.Curve }),
			curvesOf("Latency at "+grouped(c.CommonRate)+" requests/s for all", c, func(cell *Cell) []Point { return cell.CommonCurve }),
		}
	},
	"percent": func(x float64) string { return short(100*x) + " %" },
}).Parse(page))

// writeHTML writes a report as one page that needs nothing else.
func writeHTML(w io.Writer, r *Report) error { return pageTemplate.Execute(w, r) }

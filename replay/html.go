package replay

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
	"words": words, "percent": percent, "decimal": decimal, "count": count, "printable": printable,
	"time": func(f First) string { return f.Time.Format(timeLayout) },
	"why":  func(f First) string { return strings.TrimSpace(f.Why()) },
	"signed": func(a, b int) string {
		if a == b {
			return "0"
		}
		return fmt.Sprintf("%+d", b-a)
	},
	"first": func(all []Divergence) []Divergence { return all[:min(len(all), pageRows)] },
}).Parse(page))

// pageRows is how many sessions the page lists.
const pageRows = 200

// HTML writes the report as one page that needs nothing else.
func (r *Report) HTML(out io.Writer) error {
	return pageTemplate.Execute(out, struct {
		*Report
		Matrices []matrixPlot
		Timeline timeline
		Points   *pointPlot
		Families *familyPlot
		Rows     int
	}{
		r,
		[]matrixPlot{matrixPlotOf("Sessions, by their worst answer", &r.BySession), matrixPlotOf("Events", &r.ByEvent)},
		timelineOf(r), pointPlotOf(r.Detection), familyPlotOf(r.Detection), pageRows,
	})
}

package replay

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/riskd/riskd/replay/measure"
)

//go:embed measurement.html
var measurementPage string

var measurementTemplate = template.Must(template.New("measurement").Funcs(template.FuncMap{
	"percent": percent, "decimal": decimal, "count": count, "printable": printable, "share": shareText, "rate": rateText,
	"thousandths": thousandths, "quantiles": quantilesText, "aside": asideText, "family": familyTitle,
	"missed":  func(all []measure.Missed) []measure.Missed { return all[:min(len(all), missedRows)] },
	"weights": func(all []measure.Weight) []measure.Weight { return all[:min(len(all), 12)] },
}).Parse(measurementPage))

// missedRows is how many missed attacks the page lists.
const missedRows = 50

// HTML writes the measurement as one page that needs nothing else.
func (m *Measurement) HTML(out io.Writer) error {
	r := m.Measures
	return measurementTemplate.Execute(out, struct {
		*Measurement
		R           *measure.Report
		Families    *barPlot
		ROC, PR     *curvePlot
		Reliability *curvePlot
		Archetypes  *barPlot
		Causes      *barPlot
		Note        string
		Headline    string
		Rows        int
	}{
		m, r, familyBars(r), rocPlot(r), prPlot(r), reliabilityPlot(&r.Calibration), archetypeBars(r), causeBars(r), SweepNote, headline(r), missedRows,
	})
}

func headline(r *measure.Report) string {
	return fmt.Sprintf("%s of attacks caught, at %s false step-ups for each user and month", percent(r.Macro.Value), thousandths(r.False.FSU.Value))
}

// barPlot is bars to the right, one below the other.
type barPlot struct {
	Height, Floor float64
	Rows          []barRow
	Ticks         []tick
	Mark          float64 // where a line stands across all bars; 0 is none
}

type barRow struct {
	Name, Value, Title string
	Y, Width           float64
	Left, Right        float64 // ends of the whisker
	Whisker            bool
}

const (
	barPitch = 26.0
	barLeft  = 150.0
	barRight = 70.0
)

// barsOf makes bars of figures; far is the figure at the right end.
func barsOf(far float64, ticks []string, rows []barRow, values []measure.Estimate) *barPlot {
	if len(rows) == 0 {
		return nil
	}
	floor := barPitch * float64(len(rows))
	p := &barPlot{Height: floor + 24, Floor: floor, Rows: rows}
	x := func(v float64) float64 { return round(barLeft+min(1, v/far)*(plotWidth-barLeft-barRight), 2) }
	for i := range rows {
		row, e := &p.Rows[i], values[i]
		row.Y, row.Width = barPitch*float64(i), x(e.Value)-barLeft
		row.Left, row.Right, row.Whisker = x(e.Low), x(e.High), e.High > e.Low
	}
	for i, text := range ticks {
		p.Ticks = append(p.Ticks, tick{x(far * float64(i) / float64(len(ticks)-1)), text})
	}
	return p
}

func familyBars(r *measure.Report) *barPlot {
	var rows []barRow
	var values []measure.Estimate
	for i := range r.Families {
		f := &r.Families[i]
		rows = append(rows, barRow{Name: printable(familyTitle(f.Name)), Value: tenth(f.TPR.Value) + " %", Title: fmt.Sprintf("%d of %d, %s", f.Caught, f.Attacks, shareText(f.TPR))})
		values = append(values, f.TPR)
	}
	return barsOf(1, []string{"0 %", "25 %", "50 %", "75 %", "100 %"}, rows, values)
}

func archetypeBars(r *measure.Report) *barPlot {
	var rows []barRow
	var values []measure.Estimate
	far := r.False.FSU.Value
	for i := range r.Archetypes {
		a := &r.Archetypes[i]
		if a.UserMonths == 0 {
			continue
		}
		rows = append(rows, barRow{Name: printable(a.Name), Value: thousandths(a.FSU.Value), Title: fmt.Sprintf("%s, %s× the mean", count(a.StepUps, "step-up"), decimal(a.Ratio))})
		values = append(values, a.FSU)
		far = max(far, a.FSU.High)
	}
	p := barsOf(nonZero(far), scale(far), rows, values)
	if p != nil {
		p.Mark = round(barLeft+r.False.FSU.Value/nonZero(far)*(plotWidth-barLeft-barRight), 2)
	}
	return p
}

func causeBars(r *measure.Report) *barPlot {
	var rows []barRow
	var values []measure.Estimate
	far := 0.0
	for i := range r.Causes {
		c := &r.Causes[i]
		if i == 15 {
			break
		}
		rows = append(rows, barRow{Name: printable(c.Name), Value: fmt.Sprint(c.StepUps), Title: fmt.Sprintf("%s, %s of all; %s", count(c.StepUps, "step-up"), percent(c.Share), count(c.Revokes, "revoke"))})
		values = append(values, measure.Estimate{Value: float64(c.StepUps)})
		far = max(far, float64(c.StepUps))
	}
	return barsOf(nonZero(far), scale(far), rows, values)
}

func nonZero(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x
}

// scale is the text along an axis that ends at far.
func scale(far float64) (ticks []string) {
	far = nonZero(far)
	for i := range 5 {
		ticks = append(ticks, fmt.Sprintf("%.3g", far*float64(i)/4))
	}
	return ticks
}

package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
)

// sampleReport has figures that are easily found again.
func sampleReport() *Report {
	cell := func(name string, rate float64) Cell {
		s := Sample{
			Rate: rate, CPU: 1e6 / rate, Allocs: 17, P50: 1e3, P99: 2e3, HalfP50: 61.5, HalfP99: 250,
			CommonP50: 55, CommonP99: 200, ServerBusy: 0.99, GeneratorBusy: 0.5,
		}
		t := s
		t.Rate /= 2
		curve := []Point{{0, 40}, {0.5, 61.5}, {0.9, 100}, {0.99, 250}}
		return Cell{Target: name, HalfRate: rate / 2, Rounds: []Sample{s, t, s}, Curve: curve, CommonCurve: curve}
	}
	r := &Report{
		At: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Rounds: 3, SliceMS: 1000, Connections: 32,
		Machine: Machine{CPU: "Abacus <9>", Cores: 2, Kernel: "6.1", Go: "go1.26", GeneratorCore: 1},
		Cases: []Case{{
			Name: "quiet", Decision: "allow", CommonRate: 3900,
			Cells: []Cell{cell("floor", 81234), cell("opa", 7890), cell("riskd", 40617)},
		}},
	}
	r.summarise()
	r.Notes = []string{"beware of <this>"}
	return r
}

func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := writeTable(&b, sampleReport()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"quiet request, every reply said allow", "81,234  [40,617–81,234]", "61.5 µs", "1.00 ms", "all at 3,900/s",
		"riskd over floor  requests/s 0.50× [0.50–0.50]", "riskd over opa", "opa over floor", "servers on core 0, generator on core 1",
		"Note: beware of <this>",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestPageIsWholeAndNeedsNothingElse(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := writeHTML(&b, sampleReport()); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"81,234", "Abacus &lt;9&gt;", "beware of &lt;this&gt;", "<polyline", "<rect", "99 %", "61.5 µs"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, foreign := range []string{"http:", "https:", "src=", "@import", "url(", "NaN", "Inf", "ZgotmplZ"} {
		if strings.Contains(text, foreign) {
			t.Errorf("the page has %q in it", foreign)
		}
	}
	for part := range strings.SplitSeq(text, "<svg") {
		svg, _, found := strings.Cut(part, "</svg>")
		if !found {
			continue
		}
		if err := wellFormed("<svg" + svg + "</svg>"); err != nil {
			t.Errorf("a plot is not well-formed: %v", err)
		}
	}
}

func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestPageWithoutCurves(t *testing.T) {
	t.Parallel()
	r := sampleReport()
	for i := range r.Cases[0].Cells {
		r.Cases[0].Cells[i].Curve, r.Cases[0].Cells[i].CommonCurve = nil, nil
	}
	var b strings.Builder
	if err := writeHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<polyline") || strings.Contains(b.String(), "NaN") {
		t.Error("a plot without points")
	}
}

func TestNumbersAreShort(t *testing.T) {
	t.Parallel()
	for want, x := range map[string]float64{
		"0.00": 0, "0.071": 0.0712, "0.090": 0.09, "0.0042": 0.00421, "0.50": 0.5, "1.00": 0.996, "9.99": 9.99, "10.0": 9.997, "99.9": 99.9,
		"100": 99.96, "1,235": 1234.6, "81,234": 81234, "1,000,000": 999999.7,
	} {
		if got := short(x); got != want {
			t.Errorf("short(%v) is %q, want %q", x, got, want)
		}
	}
}

func TestNamesOfCurvesDontOverlap(t *testing.T) {
	t.Parallel()
	lines := []line{{Name: "a", LabelY: 50}, {Name: "b", LabelY: 200}, {Name: "c", LabelY: 45}, {Name: "d", LabelY: 46}}
	spreadLabels(lines)
	for i, want := range []float64{73, 200, 45, 59} {
		if lines[i].LabelY != want {
			t.Errorf("%s is at %v, want %v", lines[i].Name, lines[i].LabelY, want)
		}
	}
}

func TestNotesSayWhatSpoilsTheFigures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Report)
		want   string
	}{
		"nothing":        {func(*Report) {}, ""},
		"one core":       {func(r *Report) { r.Machine.ServerCore = -1 }, "only one core"},
		"busy machine":   {func(r *Report) { r.Cases[0].Cells[1].Rounds[2].ServerBusy = 0.5 }, "opa quiet (50 %)"},
		"slow generator": {func(r *Report) { r.Cases[0].Cells[0].Rounds[0].GeneratorBusy = 0.97 }, "floor quiet (97 %)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sampleReport()
			c.change(r)
			r.summarise()
			got := strings.Join(r.notes(), "\n")
			if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("the notes are %q, want %q in them", got, c.want)
			}
		})
	}
}

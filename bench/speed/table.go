package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
)

// writeTable prints a report for a terminal.
func writeTable(w io.Writer, r *Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", r.title())
	for i := range r.Cases {
		c := &r.Cases[i]
		fmt.Fprintf(&b, "\n%s request, every reply said %s\n", c.Name, c.Decision)
		c.writeFigures(&b)
		b.WriteByte('\n')
		c.writeRatios(&b)
	}
	b.WriteString("\nMedians over the rounds; [least–most] beside rates and ratios. Ratios are taken round by round.\n")
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "Note: %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) title() string {
	m := &r.Machine
	where := "servers and generator share a core"
	if m.ServerCore >= 0 {
		where = fmt.Sprintf("servers on core %d, generator on core %d", m.ServerCore, m.GeneratorCore)
	}
	return fmt.Sprintf("%d rounds of %d ms slices, %d connections; %s\n%s, %d cores, Linux %s, %s",
		r.Rounds, r.SliceMS, r.Connections, where, m.CPU, m.Cores, m.Kernel, m.Go)
}

func (c *Case) writeFigures(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\tclosed loop\t\t\t\t\t\thalf its peak\t\t\tall at %s/s\t\t\n", grouped(c.CommonRate))
	fmt.Fprintln(t, "\trequests/s\t\tp50\tp99\tCPU µs\tallocs\tat/s\tp50\tp99\tp50\tp99\t")
	for i := range c.Cells {
		cell := &c.Cells[i]
		s := &cell.Summary
		fmt.Fprintf(t, "  %s\t%s\t[%s–%s]\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", cell.Target,
			grouped(s.Rate.Median), grouped(s.Rate.Min), grouped(s.Rate.Max),
			latency(s.P50), latency(s.P99), short(s.CPU.Median), short(s.Allocs.Median),
			grouped(cell.HalfRate), latency(s.HalfP50), latency(s.HalfP99),
			latency(s.CommonP50), latency(s.CommonP99))
	}
	_ = t.Flush()
}

func (c *Case) writeRatios(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range c.Ratios {
		fmt.Fprintf(t, "  %s over %s\trequests/s %s\tCPU %s\n", r.Of, r.Over, times(r.Rate), times(r.CPU))
	}
	_ = t.Flush()
}

func times(s Spread) string {
	return fmt.Sprintf("%s× [%s–%s]", short(s.Median), short(s.Min), short(s.Max))
}

// latency writes microseconds in the unit that is read most easily.
func latency(s Spread) string {
	switch us := s.Median; {
	case us >= 1e6:
		return short(us/1e6) + " s"
	case us >= 1e3:
		return short(us/1e3) + " ms"
	default:
		return short(us) + " µs"
	}
}

// short writes a number with two or three significant digits, and whole from
// 100 on.
func short(x float64) string {
	switch size := math.Abs(x); {
	case size >= 99.95:
		return grouped(x)
	case size >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case size >= 0.095 || size == 0:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case size >= 0.0095:
		return strconv.FormatFloat(x, 'f', 3, 64)
	default:
		return strconv.FormatFloat(x, 'g', 2, 64)
	}
}

// grouped writes a whole number with commas between its thousands.
func grouped(x float64) string {
	digits := strconv.FormatFloat(math.Round(math.Abs(x)), 'f', 0, 64)
	var b strings.Builder
	if x < 0 {
		b.WriteByte('-')
	}
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

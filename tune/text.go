package tune

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

const timeLayout = "2006-01-02 15:04"

// Text writes the report for people.
func (r *Report) Text(out io.Writer) error {
	var b strings.Builder
	r.head(&b)
	r.changesText(&b)
	r.figuresText(&b)
	r.familiesText(&b)
	r.archetypesText(&b)
	r.gapsText(&b)
	r.leftOutText(&b)
	r.plotText(&b)
	r.verdictText(&b)
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Report) head(b *strings.Builder) {
	fmt.Fprintf(b, "%d requests of %d users, %d attacks, %s to %s; %.1f bytes of evidence a request\n",
		r.Requests, r.Users, r.Attacks, r.First.Format(timeLayout), r.Last.Format(timeLayout), r.Bytes)
	fmt.Fprintf(b, "training: %d users, %.1f user-months, %d attacks, %s to %s\n",
		r.Train.Chosen.Users, r.Train.Chosen.UserMonths, r.Train.Chosen.Attacks, r.From.Format(timeLayout), r.Cut.Format(timeLayout))
	fmt.Fprintf(b, "held out: %d users, %.1f user-months, %d attacks, from then on\n",
		r.Held.Chosen.Users, r.Held.Chosen.UserMonths, r.Held.Chosen.Attacks)
	fmt.Fprintf(b, "budget: %g false step-ups for each user and month; seed %d, %d sets of numbers tried\n", r.Budget, r.Seed, r.Tried)
}

func (r *Report) changesText(b *strings.Builder) {
	b.WriteString("\nchanges\n")
	if len(r.Changes) == 0 {
		b.WriteString("  none: nothing that was tried is worth a change\n")
	}
	table(b, func(w io.Writer) {
		for i := range r.Changes {
			c := &r.Changes[i]
			fmt.Fprintf(w, "  %s\t%s → %s\t%s\n", c.Name(), c.From, c.To, c.Why)
		}
	})
}

// table lines columns up.
func table(b *strings.Builder, fill func(w io.Writer)) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fill(w)
	w.Flush()
}

func (r *Report) figuresText(b *strings.Builder) {
	b.WriteString("\nby the engine\n")
	table(b, func(w io.Writer) {
		fmt.Fprint(w, "  \tmacro TPR\tworst family\tfalse step-ups\tfalse revokes\tsensitive\tworst archetype\n")
		row := func(name string, d *Detection) {
			fmt.Fprintf(w, "  %s\t%.3f\t%.3f\t%.3f\t%.4f\t%.2f\t%.1f×\n", name, d.MacroTPR, d.WorstTPR, d.FSU, d.FRV, d.Sensitive, d.WorstRatio)
		}
		row("training, the pack as it is (weighed)", r.Train.AsIs)
		row("training, that at the budget", r.Train.Shipped)
		row("training, chosen", r.Train.Chosen)
		row("held out, the pack as it is (weighed)", r.Held.AsIs)
		row("held out, that at the budget", r.Held.Shipped)
		row("held out, chosen", r.Held.Chosen)
		row("held out, chosen (weighed)", r.Weighed.Held)
	})
	b.WriteString("  false step-ups and revokes for each user and month; sensitive requests let through before the stop, mean of the families\n")
	if d := r.Held.Chosen.Demands; d > 0 {
		fmt.Fprintf(b, "  besides, %.2f step-ups a month that the policy asks for whatever the evidence\n", d)
	}
}

func (r *Report) familiesText(b *strings.Builder) {
	if len(r.Held.Chosen.Families) == 0 {
		return
	}
	shipped := map[string]float64{}
	for _, f := range r.Held.Shipped.Families {
		shipped[f.Name] = f.TPR
	}
	train := map[string]float64{}
	for _, f := range r.Train.Chosen.Families {
		train[f.Name] = f.TPR
	}
	b.WriteString("\nfamilies, held out\n")
	table(b, func(w io.Writer) {
		fmt.Fprint(w, "  family\tattacks\tTPR\tat the budget before\ton training\trequests until alarm, median\tp90\tsensitive\n")
		for _, f := range r.Held.Chosen.Families {
			fmt.Fprintf(w, "  %s\t%d\t%.2f\t%.2f\t%.2f\t%s\t%s\t%.2f\n", f.Name, f.Attacks, f.TPR, shipped[f.Name], train[f.Name], rank(f.Median), rank(f.P90), f.Sensitive)
		}
	})
}

func rank(n *int) string {
	if n == nil {
		return "never"
	}
	return fmt.Sprint(*n)
}

func (r *Report) archetypesText(b *strings.Builder) {
	if len(r.Held.Chosen.Archetypes) < 2 {
		return
	}
	b.WriteString("\narchetypes, false step-ups for each user and month\n")
	table(b, func(w io.Writer) {
		fmt.Fprint(w, "  archetype\tuser-months\ttraining\theld out\t× all\n")
		train := map[string]float64{}
		for _, a := range r.Train.Chosen.Archetypes {
			train[a.Name] = a.FSU
		}
		for _, a := range r.Held.Chosen.Archetypes {
			fmt.Fprintf(w, "  %s\t%.1f\t%.3f\t%.3f\t%.1f\n", a.Name, a.UserMonths, train[a.Name], a.FSU, a.Ratio)
		}
	})
}

func (r *Report) gapsText(b *strings.Builder) {
	b.WriteString("\nheld out against training, with 95 % intervals by user; above 0 is worse\n")
	table(b, func(w io.Writer) {
		fmt.Fprint(w, "  \ttraining\theld out\tgap\tthe pack's own gap\n")
		for _, g := range r.Gaps {
			fmt.Fprintf(w, "  %s\t%.3f\t%.3f\t%+.3f (%+.3f to %+.3f)\t%+.3f\n", g.Figure, g.Train.Value, g.Held.Value, g.Gap.Value, g.Gap.Low, g.Gap.High, g.Shipped)
		}
	})
	if !r.Thresholds {
		fmt.Fprintf(b, "  gain on the held-out part, at the same budget: %s\n", intervalText(r.Gain))
	}
}

func (r *Report) leftOutText(b *strings.Builder) {
	if len(r.LeftOut) == 0 {
		return
	}
	b.WriteString("\nfamilies left out of the search, TPR held out\n")
	table(b, func(w io.Writer) {
		fmt.Fprint(w, "  family\tbefore\ttuned with it\ttuned without it\n")
		for _, f := range r.LeftOut {
			fmt.Fprintf(w, "  %s\t%.2f\t%.2f\t%.2f\n", f.Family, f.Shipped, f.With, f.Without)
		}
	})
}

func (r *Report) verdictText(b *strings.Builder) {
	if len(r.Against) == 0 {
		return
	}
	b.WriteString("\nDON'T USE THIS:\n")
	for _, why := range r.Against {
		fmt.Fprintf(b, "  %s\n", why)
	}
}

// The size of the plot in characters.
const (
	plotColumns = 60
	plotRows    = 16
)

// plotText draws what was tried: false step-ups to the right, attacks caught upwards.
func (r *Report) plotText(b *strings.Builder) {
	if r.Thresholds {
		return
	}
	p := r.pareto()
	grid := make([][]rune, plotRows)
	for i := range grid {
		grid[i] = []rune(strings.Repeat(" ", plotColumns))
	}
	put := func(at Point, mark rune) {
		x, y := at.FSU/p.far, (at.MacroTPR-p.low)/(p.high-p.low)
		if x < 0 || x > 1 || y < 0 || y > 1 {
			return
		}
		grid[plotRows-1-int(y*(plotRows-1)+0.5)][int(x*(plotColumns-1)+0.5)] = mark
	}
	for _, c := range r.Candidates {
		put(c, '·')
	}
	for i, mark := range []rune{'s', 'C'} {
		for _, c := range r.Curves[i].Points {
			put(c, mark)
		}
	}
	b.WriteString("\ntraining, weighed: what was tried (·), the pack as it was (s), chosen (C)\n")
	for i, row := range grid {
		label := "     "
		if i == 0 || i == plotRows-1 {
			label = fmt.Sprintf("%.2f ", p.high-(p.high-p.low)*float64(i)/(plotRows-1))
		}
		fmt.Fprintf(b, "  %s|%s\n", label, strings.TrimRight(string(row), " "))
	}
	far := fmt.Sprintf("%.2g", p.far)
	fmt.Fprintf(b, "  macro+%s\n       0%s%s false step-ups for each user and month\n", strings.Repeat("-", plotColumns), strings.Repeat(" ", plotColumns-len(far)-1), far)
}

// pareto is what the plot shows.
type pareto struct{ far, low, high float64 }

func (r *Report) pareto() pareto {
	p := pareto{far: 3 * r.Budget, low: 1, high: 0}
	see := func(at Point) {
		if at.FSU <= p.far {
			p.low, p.high = min(p.low, at.MacroTPR), max(p.high, at.MacroTPR)
		}
	}
	for _, c := range r.Candidates {
		see(c)
	}
	for i := range r.Curves {
		for _, c := range r.Curves[i].Points {
			see(c)
		}
	}
	if p.high-p.low < 0.05 {
		p.low, p.high = max(0, p.high-0.05), max(0.05, p.high)
	}
	return p
}

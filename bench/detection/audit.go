package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

func auditCommand(flags *flag.FlagSet) func(context.Context, io.Writer, []string) error {
	seed := flags.Uint64("seed", 1, "seed of what is drawn")
	return func(ctx context.Context, out io.Writer, args []string) error {
		if len(args) != 2 {
			return errors.New("audit: takes a trace and its labels, two files")
		}
		a := &audit{seed: *seed, out: out}
		return a.run(ctx, args[0], args[1])
	}
}

// The bounds within which a group of values says nothing, and from how many attacks on
// a family is judged.
const (
	leastAUC    = 0.45
	mostAUC     = 0.60
	mostRecall  = 0.02
	fewestCases = 30
	// worthTelling is the share of a family's events that couldn't be compared, from
	// which on that is said.
	worthTelling = 0.1
)

// audit looks for what tells attackers from users though it shouldn't.
type audit struct {
	seed   uint64
	out    io.Writer
	judged int // families, by groups
	faults []error
}

func (a *audit) run(ctx context.Context, trace, labels string) error {
	g, err := newGates(a.seed)
	if err != nil {
		return err
	}
	p, err := survey(ctx, trace, labels, g.login)
	if err != nil {
		return err
	}
	seen, err := p.look(ctx, trace, a.seed)
	if err != nil {
		return err
	}
	families := familiesOf(seen.units)
	fmt.Fprintf(a.out, "%d events, %d users, %d attacks of %d families; honest sessions from number %d on, %s to %s\n\n",
		p.events, len(p.accounts), len(p.crimes), len(families), p.least, p.from.Format("2006-01-02"), p.to.Format("2006-01-02"))
	a.leaks(seen, families)
	a.margins(seen.units, families)
	if a.judged == 0 {
		a.faults = append(a.faults, fmt.Errorf("no family has %d attacks: nothing was judged; simulate more", fewestCases))
	}
	a.faults = append(a.faults, g.print(a.out)...)
	if len(a.faults) > 0 {
		return fmt.Errorf("%w\naudit: %d findings", errors.Join(a.faults...), len(a.faults))
	}
	return nil
}

func familiesOf(units []*unit) []string {
	names := map[string]bool{}
	for _, u := range units {
		if u.family != "" {
			names[u.family] = true
		}
	}
	return slices.SortedFunc(maps.Keys(names), byNumber)
}

// byNumber puts F2 before F10.
func byNumber(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

const everybody = "all"

// leaks prints how well each group of values tells each family, and all together, from
// users.
func (a *audit) leaks(seen *sample, families []string) {
	fmt.Fprintf(a.out, "what must say nothing: AUC / recall at 1 %% false alarms, cross-validated by user; %.2f to %.2f and %.0f %%\n", leastAUC, mostAUC, 100*mostRecall)
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "family\tattacks")
	for i := range groups {
		fmt.Fprintf(table, "\t%s", groups[i].name)
	}
	fmt.Fprintln(table)
	var excuses, left []string
	for _, family := range append(families, everybody) {
		var row strings.Builder
		most := 0
		for i := range groups {
			cell, v := a.cell(seen, i, family)
			most = max(most, v.attacks)
			fmt.Fprintf(&row, "\t%s", cell)
			if v.left >= worthTelling {
				left = append(left, fmt.Sprintf("  %s, %s: %s of the attackers are where fewer than %d users ever are, and weren't compared", family, groups[i].name, percent(v.left), leastUsers))
			}
			if why := excused(family, groups[i].name); why != "" {
				excuses = append(excuses, fmt.Sprintf("  %s, %s: %s", family, groups[i].name, why))
			}
		}
		fmt.Fprintf(table, "%s\t%d%s\n", family, most, row.String())
	}
	table.Flush()
	fmt.Fprintln(a.out, "! a leak   * excused, because of what the family is   – too few attacks, or nothing to compare with")
	for _, text := range append(excuses, left...) {
		fmt.Fprintln(a.out, text)
	}
}

// cell judges one family by one group.
func (a *audit) cell(seen *sample, group int, family string) (string, verdict) {
	c := seen.stratify(group, func(of string) bool {
		return of == family || family == everybody && excused(of, groups[group].name) == ""
	})
	v := c.judge()
	if v.attacks < fewestCases {
		return "–", v
	}
	a.judged++
	text := fmt.Sprintf("%.2f/%.1f%%", v.auc, 100*v.recall)
	switch {
	case !v.leaks():
		return text, v
	case excused(family, groups[group].name) != "":
		return text + "*", v
	}
	a.faults = append(a.faults, fmt.Errorf("family %s is told by %s: AUC %.3f, recall %.1f %%: %s", family, groups[group].name, v.auc, 100*v.recall, strings.Join(c.tell(), "; ")))
	return text + "!", v
}

// leaks reports whether a verdict is out of bounds, by more than so few attacks leave to
// chance.
func (v *verdict) leaks() bool {
	n := float64(v.attacks)
	const (
		spread = 0.2887 // of a rank that is any as likely: 1/√12
		far    = 4      // deviations
	)
	chance := far * spread / math.Sqrt(n)
	// Cross-validation puts what says nothing below a half: what is rare in the parts
	// that are learned from is frequent in the part that is judged.
	if v.auc > max(mostAUC, 0.5+chance) || v.auc < min(leastAUC, 0.5-2*chance) {
		return true
	}
	const unlikely = 1e-3
	return v.recall > mostRecall && binomialTail(int(math.Round(v.recall*n)), v.attacks, mostRecall) < unlikely
}

// binomialTail is the probability of k or more of n, each with probability p.
func binomialTail(k, n int, p float64) (tail float64) {
	for ; k <= n; k++ {
		all, _ := math.Lgamma(float64(n + 1))
		these, _ := math.Lgamma(float64(k + 1))
		others, _ := math.Lgamma(float64(n - k + 1))
		tail += math.Exp(all - these - others + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	}
	return tail
}

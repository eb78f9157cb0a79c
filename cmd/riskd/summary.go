package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/riskd/riskd"
)

// summary counts what a replay decided.
type summary struct {
	decisions int
	outcomes  map[string]int
	reasons   map[string]int
	degraded  map[string]int
}

func newSummary() summary {
	return summary{outcomes: map[string]int{}, reasons: map[string]int{}, degraded: map[string]int{}}
}

func (s *summary) add(d *riskd.Decision) {
	s.decisions++
	s.outcomes[d.Outcome.String()]++
	for i := range d.Reasons {
		s.reasons[d.Reasons[i].Code]++
	}
	for _, code := range d.Degraded {
		s.degraded[code]++
	}
}

func (s *summary) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n", count(s.decisions, "decision"))
	for _, o := range []riskd.Outcome{riskd.Allow, riskd.StepUpNeeded, riskd.Revoke} {
		fmt.Fprintf(out, "  %7d  %s\n", s.outcomes[o.String()], o)
	}
	printCounts(out, "reasons", s.reasons)
	printCounts(out, "degraded", s.degraded)
}

// printCounts prints the most frequent first.
func printCounts(out io.Writer, title string, counts map[string]int) {
	if len(counts) == 0 {
		return
	}
	fmt.Fprintln(out, title)
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a, b))
	})
	for _, name := range names {
		fmt.Fprintf(out, "  %7d  %s\n", counts[name], name)
	}
}

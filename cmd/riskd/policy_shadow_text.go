package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json/jsontext"
)

var shadowHead = []string{"NAME", "PACK", "REVISION", "SAMPLED", "DECISIONS", "DIFFER", "SESSIONS", "UNTIL", "VERDICT"}

func shadowRow(document jsontext.Value) ([]string, error) {
	d, err := readDocument[shadowDocument](document)
	verdict := d.Verdict
	if d.Held != "" {
		verdict = "held"
	}
	return []string{
		d.Name, d.Pack, d.Revision, percent(d.Rate), fmt.Sprint(d.Decisions), percent(d.Disagreement),
		fmt.Sprintf("%d of %d", d.Affected, d.Sessions), stamp(d.Expires), verdict,
	}, err
}

func percent(share float64) string { return fmt.Sprintf("%.4g %%", 100*share) }

var outcomeWords = []string{"allow", "step_up", "revoke"}

// print tells how a trial goes.
func (d *shadowDocument) print(out io.Writer) error {
	r := &rows{}
	fmt.Fprintln(r, plainText(d.Name+": pack "+d.Pack+", revision "+d.Revision))
	r.add("held", d.Held)
	r.add("beside", joined(" ", d.Live.Pack, d.Live.Revision))
	r.add("until", stamp(d.Expires))
	r.add("sampled", percent(d.Rate)+" of sessions")
	r.add("judged", fmt.Sprintf("%d decisions of %d sessions", d.Decisions, d.Sessions))
	r.add("differs", fmt.Sprintf("on %d decisions, %s of a budget of %s, of %d sessions", d.Differing, percent(d.Disagreement), percent(d.Budget), d.Affected))
	for _, code := range slices.Sorted(maps.Keys(d.Errors)) {
		r.add("failed", fmt.Sprintf("%d times: %s", d.Errors[code], code))
	}
	if d.Dropped > 0 {
		r.add("dropped", fmt.Sprintf("%d events came faster than they were judged", d.Dropped))
	}
	r.add("takes", d.Took.text())
	r.add("live", d.LiveTook.text())
	fmt.Fprintln(r)
	d.matrix(r)
	d.examples(r)
	fmt.Fprintln(r, "\nVerdict: "+d.Verdict)
	for _, reason := range d.Against {
		fmt.Fprintln(r, "  "+plainText(reason))
	}
	_, err := io.WriteString(out, r.String())
	return err
}

// matrix is what the pack in force said, downwards, against what the candidate did.
func (d *shadowDocument) matrix(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "live \\ %s\t%s\t\n", plainText(d.Name), strings.Join(outcomeWords, "\t"))
	for _, live := range outcomeWords {
		fmt.Fprint(w, live+"\t")
		for _, shadow := range outcomeWords {
			fmt.Fprintf(w, "%d\t", d.Matrix[live][shadow])
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // into memory
}

// shownExamples is how many disagreements people are shown; -json has them all.
const shownExamples = 10

func (d *shadowDocument) examples(out io.Writer) {
	if len(d.Examples) == 0 {
		return
	}
	fmt.Fprintln(out, "\nThe latest disagreements:")
	for i := range min(len(d.Examples), shownExamples) {
		e := &d.Examples[i]
		fmt.Fprintln(out, plainText(fmt.Sprintf("  %s  %s  %s: %s, %s",
			stamp(e.Time), e.Session, e.Decision, e.Live.text("live"), e.Shadow.text(d.Name))))
	}
}

// text names the side, its outcome, and the reasons that only it has.
func (o *opinionDocument) text(side string) string {
	return parenthesised(fmt.Sprintf("%s %s %d", side, o.Decision, o.Score), strings.Join(o.Reasons, ", "))
}

func (q *quantilesDocument) text() string {
	return fmt.Sprintf("%.0f µs at the median, %.0f µs at the 99th percentile, %.0f µs at most", q.P50, q.P99, q.Max)
}

package freeman

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Text prints what a trial has found, and the anchors beside it.
func (t *Trial) Text(w io.Writer) error {
	results, users := t.Results()
	fmt.Fprintf(w, "login score of Freeman et al. on %d logins of users with a history\n", users)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "attacker\tlogins\tAUC\trecall at 1 %\tasked for 90 %\tsmoothed: AUC\trecall at 1 %\tasked for 90 %\tRBA data: AUC\trecall at 1 %\t")
	for _, r := range results {
		if r.Logins == 0 {
			fmt.Fprintf(table, "%v\t0\t–\t–\t–\t–\t–\t–\t", r.Attacker)
		} else {
			fmt.Fprintf(table, "%v\t%d\t%s\t%s\t", r.Attacker, r.Logins, r.Published.text(), r.Smoothed.text())
		}
		auc, recall := r.Attacker.Anchor()
		fmt.Fprintf(table, "%.3f\t%.3f\t\n", auc, recall)
	}
	return table.Flush()
}

func (m *Measure) text() string { return fmt.Sprintf("%.3f\t%.3f\t%.3f", m.AUC, m.Recall, m.Asked) }

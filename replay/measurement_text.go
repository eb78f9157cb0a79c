package replay

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/riskd/riskd/replay/measure"
)

// Text writes the measurement for people.
func (m *Measurement) Text(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "%s %s: step-up at %s nats, revoke at %s\n\n", m.Pack.Name, m.Pack.Revision, decimal(m.Pack.StepUpNats), decimal(m.Pack.RevokeNats))
	for _, line := range m.Preface() {
		fmt.Fprintln(w, line)
	}
	m.caughtText(w)
	m.priceText(w)
	m.budgetsText(w)
	m.calibrationText(w)
	m.missedText(w)
	return w.Flush()
}

// Preface says what was measured, and what the report doesn't know.
func (m *Measurement) Preface() []string {
	trace := fmt.Sprintf("%s of %s and %s, and %s", count(m.Events, "event"), count(m.Sessions, "session"), count(m.Users, "user"), count(m.IdentityEvents, "identity event"))
	if m.Events > 0 {
		trace += fmt.Sprintf(", %s to %s", m.From.Format(timeLayout), m.To.Format(timeLayout))
	}
	lines := []string{trace + "."}
	if m.CountFrom != nil || m.CountUntil != nil {
		span := "Measured is what begins"
		if m.CountFrom != nil {
			span += " from " + m.CountFrom.Format(timeLayout) + " on"
		}
		if m.CountUntil != nil {
			span += " before " + m.CountUntil.Format(timeLayout)
		}
		lines = append(lines, span+"; the rest is history.")
	}
	r := m.Measures
	lines = append(lines, fmt.Sprintf("%s, %s without one, %s.", count(r.Attacks, "attack"), count(r.Sessions, "session"), decimal(r.UserMonths)+" user-months"))
	if m.StepUps.Mode == Passed.String() {
		lines = append(lines, fmt.Sprintf("Step-ups are passed at once, except where an attack has come: made up are %s.", count(m.StepUps.Proved, "proof")))
	} else {
		lines = append(lines, fmt.Sprintf("Step-ups are passed where the trace proves it; %s asked, %d of them waiting to the end.", count(m.StepUps.Asked, "session"), m.StepUps.Waiting))
	}
	if m.Unread > 0 {
		lines = append(lines, fmt.Sprintf("Left out: %s that could not be read.", count(m.Unread, "line")))
	}
	if m.Refused > 0 {
		lines = append(lines, fmt.Sprintf("The pack can't act on %s, the first at %s.", count(m.Refused, "identity event"), m.FirstRefused))
	}
	if m.Unmatched > 0 {
		lines = append(lines, fmt.Sprintf("Without their event in the trace: %s.", count(m.Unmatched, "label")))
	}
	return lines
}

func (m *Measurement) caughtText(w io.Writer) {
	r := m.Measures
	fmt.Fprintf(w, "\n%-22s %7s  %-24s %-13s %-15s %-24s %-13s %s\n", "caught", "attacks", "tpr [95 %]", "requests", "seconds", "revoked [95 %]", "requests", "sensitive")
	fmt.Fprintf(w, "%-22s %7s  %-24s %-13s %-15s %-24s %-13s %s\n", "at its own thresholds", "", "", "until step-up", "until step-up", "", "until revoke", "let through")
	row := func(name string, o *measure.Outcomes) {
		fmt.Fprintf(w, "  %-20s %7d  %-24s %-13s %-15s %-24s %-13s %s\n", printable(name), o.Attacks, shareText(o.TPR),
			quantilesText(o.StepUp.Requests), quantilesText(o.StepUp.Seconds), shareText(o.Revoked), quantilesText(o.Revoke.Requests), decimal(o.Sensitive.Value))
	}
	for i := range r.Families {
		row(familyTitle(r.Families[i].Name), &r.Families[i].Outcomes)
	}
	row("all", &r.All)
	fmt.Fprintf(w, "  %-20s %7s  %s%s\n", "mean of families", "", shareText(r.Macro), asideText(r))
	fmt.Fprintln(w, "  (median and p90; – is never)")
	fmt.Fprintf(w, "  not caught, but asked for a proof that an action takes whatever the risk: %s\n", count(r.All.Demanded, "attack"))
}

// asideText says which families the means leave out.
func asideText(r *measure.Report) string {
	var names []string
	for i := range r.Families {
		if r.Families[i].Aside {
			names = append(names, printable(familyTitle(r.Families[i].Name)))
		}
	}
	if names == nil {
		return ""
	}
	return "  without " + strings.Join(names, ", ")
}

// familyTitle is a family's name for people.
func familyTitle(name string) string {
	if name == "" {
		return "(no family)"
	}
	return name
}

// shareText gives a share for people: 75 % [30, 95].
func shareText(e measure.Estimate) string {
	return fmt.Sprintf("%s %% [%s, %s]", tenth(e.Value), tenth(e.Low), tenth(e.High))
}

// tenth gives a share in per cent, with one digit.
func tenth(share float64) string { return strconv.FormatFloat(round(100*share, 1), 'f', -1, 64) }

// rateText gives a figure for each user and month for people.
func rateText(e measure.Estimate) string {
	return fmt.Sprintf("%s [%s, %s]", thousandths(e.Value), thousandths(e.Low), thousandths(e.High))
}

func thousandths(x float64) string { return strconv.FormatFloat(round(x, 4), 'f', -1, 64) }

func quantilesText(q measure.Quantiles) string {
	at := func(x *float64) string {
		if x == nil {
			return "–"
		}
		return strconv.FormatFloat(round(*x, 1), 'f', -1, 64)
	}
	return at(q.Median) + ", " + at(q.P90)
}

func (m *Measurement) priceText(w io.Writer) {
	r := m.Measures
	fmt.Fprintf(w, "\nfalse alarms for each user and month [95 %%]\n")
	fmt.Fprintf(w, "  %-20s %7s  %-28s %8s  %8s  %s\n", "", "users", "step-ups", "count", "of mean", "revokes")
	fmt.Fprintf(w, "  %-20s %7d  %-28s %8d  %8s  %s\n", "all", r.Users, rateText(r.False.FSU), r.False.StepUps, "", rateText(r.False.FRV))
	for i := range r.Archetypes {
		a := &r.Archetypes[i]
		fmt.Fprintf(w, "  %-20s %7d  %-28s %8d  %7s×  %s\n", printable(a.Name), a.Users, rateText(a.FSU), a.StepUps, decimal(a.Ratio), rateText(a.FRV))
	}
	fmt.Fprintf(w, "  sessions asked or revoked %s; one in 10,000 an attack, %s of those asked are attacks\n", shareText(r.False.Sessions), percent(r.Precision))
	fmt.Fprintf(w, "  besides, proofs that an action takes or an identity event has ordered, whatever the risk: %s\n", rateText(r.False.Demanded))
	if len(r.Causes) > 0 {
		fmt.Fprintf(w, "\n%-30s  %8s %8s  %s\n", "false alarms by honest cause", "step-ups", "share", "revokes")
		for i := range r.Causes {
			c := &r.Causes[i]
			fmt.Fprintf(w, "  %-28s  %8d %8s  %d\n", printable(c.Name), c.StepUps, percent(c.Share), c.Revokes)
		}
	}
	weightsText(w, "reasons of false step-ups", r.FalseReasons)
	weightsText(w, "reasons of attacks caught", r.CaughtReasons)
}

func weightsText(w io.Writer, title string, all []measure.Weight) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-30s  %8s  %s\n", title, "alarms", "of the scores")
	for i := range all[:min(len(all), shown)] {
		fmt.Fprintf(w, "  %-28s  %8d  %s\n", all[i].Code, all[i].Alarms, percent(all[i].Share))
	}
}

func (m *Measurement) budgetsText(w io.Writer) {
	r := m.Measures
	fmt.Fprintf(w, "\n%-22s", "tpr at a budget of")
	for i := range r.Budgets {
		fmt.Fprintf(w, "  %-22s", decimal(r.Budgets[i].Budget)+" a month")
	}
	fmt.Fprintf(w, "  %s\n", "new country")
	country := &measure.Reference{Families: make([]measure.FamilyRate, len(r.Families))}
	for i := range r.References {
		if r.References[i].Name == "new country" {
			country = &r.References[i]
		}
	}
	line := func(name string, at func(*measure.Budget) string, last string) {
		fmt.Fprintf(w, "  %-20s", printable(name))
		for i := range r.Budgets {
			fmt.Fprintf(w, "  %-22s", at(&r.Budgets[i]))
		}
		fmt.Fprintf(w, "  %s\n", last)
	}
	line("nats above", func(b *measure.Budget) string { return b.ThresholdText() }, "")
	for f := range r.Families {
		line(familyTitle(r.Families[f].Name), func(b *measure.Budget) string { return shareText(b.Families[f].TPR) }, percent(country.Families[f].TPR.Value))
	}
	line("mean of families", func(b *measure.Budget) string { return shareText(b.Macro) }, percent(country.Macro))
	line("all", func(b *measure.Budget) string { return shareText(b.All) }, percent(country.TPR))
	line("asked a month", func(b *measure.Budget) string { return thousandths(b.FSU) }, thousandths(country.FSU))
	line("a scorer by chance", func(b *measure.Budget) string { return percent(b.Random) }, "")
	fmt.Fprintf(w, "  (%s)\n", SweepNote)
}

// SweepNote says what figures at a budget are, and what they leave out.
const SweepNote = "one threshold on the strongest event of each session, which is asked once at most; what a step-up does to the rest of its session is left out"

func (m *Measurement) calibrationText(w io.Writer) {
	c := &m.Measures.Calibration
	fmt.Fprintf(w, "\ncalibration, learned on half of the users (%d), checked on the others (%d); area under the ROC %s\n", c.LearnedOn, c.CheckedOn, thousandths(m.Measures.AUC))
	row := func(name string, r *measure.Reliability) {
		fmt.Fprintf(w, "  %-20s base rate %s, ECE %s, Brier %s (blind %s)\n", name, thousandths(r.BaseRate), thousandths(r.ECE), thousandths(r.Brier), thousandths(r.Blind))
	}
	row("at the trace's rate", &c.AtTrace)
	row("at 1 in 10,000", &c.AtPrior)
}

func (m *Measurement) missedText(w io.Writer) {
	all := m.Measures.Missed
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-24s  %-12s %9s %9s %6s  %s\n", "worst missed attacks", "family", "requests", "sensitive", "nats", "at")
	for i := range all[:min(len(all), shown)] {
		a := &all[i]
		fmt.Fprintf(w, "  %-22s  %-12s %9d %9d %6s  %s\n", printable(a.Attack), printable(a.Family), a.Requests, a.Sensitive, decimal(a.Strength), a.At)
	}
	if more := len(all) - shown; more > 0 {
		fmt.Fprintf(w, "  and %d more, all in -json\n", more)
	}
}

package replay

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// shown is how many sessions, users and attacks the text names of each kind; the JSON
// names all of them.
const shown = 20

// timeLayout is that of times in reports for people.
const timeLayout = "2006-01-02T15:04:05Z"

// Text writes the report for people.
func (r *Report) Text(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "A  %s %s\nB  %s %s\n\n", r.A.Name, r.A.Revision, r.B.Name, r.B.Revision)
	fmt.Fprintf(w, "%s of %s and %s, and %s", count(r.Events, "event"), count(r.Sessions, "session"), count(r.Users, "user"), count(r.IdentityEvents, "identity event"))
	if r.Events > 0 {
		fmt.Fprintf(w, ", %s to %s", r.From.Format(timeLayout), r.To.Format(timeLayout))
	}
	fmt.Fprintln(w)
	if r.Unread > 0 {
		fmt.Fprintf(w, "left out: %s that could not be read\n", count(r.Unread, "line"))
	}
	r.stepUpText(w)
	r.refusedText(w)
	r.answersText(w)
	matrixText(w, "sessions by worst answer, A down and B across", &r.BySession)
	matrixText(w, "events, A down and B across", &r.ByEvent)
	r.reasonsText(w)
	r.changesText(w)
	r.divergencesText(w)
	if r.Detection != nil {
		r.Detection.text(w)
	}
	return w.Flush()
}

// StepUpText says what the report takes for proof, and what it doesn't know.
func (r *Report) StepUpText() []string {
	s := &r.StepUps
	if s.Mode == Passed.String() {
		lines := []string{fmt.Sprintf("Step-ups are passed at once, except where an attack has come: made up are %s under A and %d under B.",
			count(s.A.Proved, "proof"), s.B.Proved)}
		if r.Detection == nil {
			lines = append(lines, "Without labels every session counts as its owner's, a thief's too.")
		}
		return lines
	}
	return []string{
		"Step-ups are passed where the trace proves it, and it has proof only where the recorded policy asked.",
		fmt.Sprintf("Asked: %s under A, %d of them waiting to the end; %d under B, %d of them waiting to the end.",
			count(s.A.Asked, "session"), s.A.Waiting, s.B.Asked, s.B.Waiting),
	}
}

func (r *Report) stepUpText(w io.Writer) {
	for _, line := range r.StepUpText() {
		fmt.Fprintln(w, line)
	}
}

func (r *Report) refusedText(w io.Writer) {
	for _, side := range []struct {
		name, first string
		count       int
	}{{"A", r.Identity.FirstA, r.Identity.A}, {"B", r.Identity.FirstB, r.Identity.B}} {
		if side.count > 0 {
			fmt.Fprintf(w, "%s can't act on %s, the first at %s\n", side.name, count(side.count, "identity event"), side.first)
		}
	}
}

func (r *Report) answersText(w io.Writer) {
	fmt.Fprintf(w, "\n%-20s  %9s  %9s\n", "answers", "A", "B")
	for i := range r.Answers {
		a := &r.Answers[i]
		fmt.Fprintf(w, "  %-18s  %9d  %9d\n", a.Answer, a.A, a.B)
	}
}

func matrixText(w io.Writer, title string, m *Matrix) {
	fmt.Fprintf(w, "\n%s\n  %-7s", title, "")
	for b := range classes {
		fmt.Fprintf(w, "  %9s", b)
	}
	fmt.Fprintln(w)
	for a := range classes {
		fmt.Fprintf(w, "  %-7s", a)
		for b := range classes {
			fmt.Fprintf(w, "  %9d", m[a][b])
		}
		fmt.Fprintln(w)
	}
}

func (r *Report) reasonsText(w io.Writer) {
	if len(r.Reasons) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%-24s  %18s  %18s\n%-24s  %9s %8s  %9s %8s\n", "reasons", "events", "sessions", "", "A", "B", "A", "B")
	for i := range r.Reasons {
		c := &r.Reasons[i]
		fmt.Fprintf(w, "  %-22s  %9d %8d  %9d %8d\n", c.Code, c.EventsA, c.EventsB, c.SessionsA, c.SessionsB)
	}
}

func (r *Report) changesText(w io.Writer) {
	fmt.Fprintf(w, "\n%d of %s diverge (%s)\n", r.Diverging.Count, count(r.Sessions, "session"), percent(r.Diverging.Rate))
	for i := range r.Changes {
		if c := &r.Changes[i]; c.Sessions > 0 {
			fmt.Fprintf(w, "  %-20s  %7d of %s: %s\n", words(c.Change), c.Sessions, count(len(c.Users), "user"), c.names())
		}
	}
}

func (c *Change) names() string {
	var names []string
	for i := range c.Users[:min(len(c.Users), shown)] {
		names = append(names, c.Users[i].Name())
	}
	if more := len(c.Users) - shown; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// Name is the user's, with his tenant if he has one.
func (u *UserChange) Name() string {
	name := u.User
	if name == "" {
		name = "(not signed in)"
	}
	if u.Tenant != "" {
		name = u.Tenant + "/" + name
	}
	return printable(name)
}

func (r *Report) divergencesText(w io.Writer) {
	if len(r.Divergences) == 0 {
		return
	}
	fmt.Fprintln(w, "\nwhere they first diverge")
	for i := range r.Divergences[:min(len(r.Divergences), shown)] {
		d := &r.Divergences[i]
		fmt.Fprintf(w, "  %s  %s:%d%s  %s %s  %s %d → %s %d%s\n", d.First.Time.Format(timeLayout), d.First.Trace, d.First.Line, d.First.EventText(),
			d.Session, printable(d.User), d.First.A.Answer, d.First.A.Score, d.First.B.Answer, d.First.B.Score, d.First.Why())
	}
	if more := len(r.Divergences) - shown; more > 0 {
		fmt.Fprintf(w, "  and %s more, all in -json\n", count(more, "session"))
	}
}

// EventText is the event's id for people.
func (f *First) EventText() string {
	if f.Event == "" {
		return ""
	}
	return " " + printable(f.Event)
}

// Why says which reasons differ, or which they have in common if it isn't them.
func (f *First) Why() string {
	var parts []string
	for _, code := range f.OnlyA {
		parts = append(parts, "−"+code)
	}
	for _, code := range f.OnlyB {
		parts = append(parts, "+"+code)
	}
	if parts == nil {
		for i := range f.B.Reasons {
			parts = append(parts, f.B.Reasons[i].Code)
		}
		if parts == nil {
			return ""
		}
		return "  for both: " + strings.Join(slices.Compact(parts), ", ")
	}
	return "  " + strings.Join(parts, ", ")
}

func (d *Detection) text(w io.Writer) {
	fmt.Fprintf(w, "\n%-32s  %-28s  %-28s\n", "detection, with 95 % intervals", "A", "B")
	row := func(name, a, b string) { fmt.Fprintf(w, "  %-30s  %-28s  %s\n", name, a, b) }
	row("attacks caught", d.A.Attacks.Caught.Text(), d.B.Attacks.Caught.Text())
	row("attacks revoked", d.A.Attacks.Revoked.Text(), d.B.Attacks.Revoked.Text())
	row("attacked sessions alarmed", d.A.Sessions.Text(), d.B.Sessions.Text())
	row("requests until alarm", d.A.Attacks.Alarm.Text(), d.B.Attacks.Alarm.Text())
	row("requests until revoke", d.A.Attacks.Revoke.Text(), d.B.Attacks.Revoke.Text())
	row("other sessions alarmed", d.A.FalseAlarms.Text(), d.B.FalseAlarms.Text())
	row("  per 1000", decimal(d.A.Per1000), decimal(d.B.Per1000))
	row("other sessions revoked", d.A.FalseRevokes.Text(), d.B.FalseRevokes.Text())
	row("user-days with an alarm", d.A.UserDays.Text(), d.B.UserDays.Text())
	fmt.Fprintf(w, "  B less A: attacks caught %s; other sessions alarmed %s\n", d.Caught.Text(), d.FalseAlarms.Text())
	if d.Unmatched > 0 {
		fmt.Fprintf(w, "  without their event in the trace: %s\n", count(d.Unmatched, "label"))
	}
	fmt.Fprintf(w, "\nattacks caught, by family\n")
	for i := range d.Families {
		f := &d.Families[i]
		row(f.Title(), f.A.Caught.Text(), f.B.Caught.Text())
	}
	attacksText(w, "caught by A alone", d.Missed)
	attacksText(w, "caught by B alone", d.Found)
}

// Title is the family's name for people.
func (f *Family) Title() string {
	if f.Name == "" {
		return "(no family)"
	}
	return printable(f.Name)
}

func attacksText(w io.Writer, title string, attacks []Attack) {
	if len(attacks) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	for i := range attacks[:min(len(attacks), shown)] {
		fmt.Fprintf(w, "  %-30s  %-28s  %s\n", printable(attacks[i].Attack), printable(attacks[i].Family), attacks[i].Event)
	}
	if more := len(attacks) - shown; more > 0 {
		fmt.Fprintf(w, "  and %d more, all in -json\n", more)
	}
}

// Text gives the rate for people: 3/4 75 % [30, 95].
func (r Rate) Text() string {
	if r.Of == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d %s [%s, %s]", r.Count, r.Of, percent(r.Rate), decimal(100*r.Low), decimal(100*r.High))
}

// Text gives the difference for people, in percentage points.
func (d Difference) Text() string {
	if d.OnlyA+d.OnlyB+d.Both+d.None == 0 {
		return "–"
	}
	p := fmt.Sprintf("p %.2g", d.P)
	if d.P == 0 { // it is rounded
		p = "p < 0.000001"
	}
	return fmt.Sprintf("%+.3g points [%+.3g, %+.3g], %s", 100*d.Rate, 100*d.Low, 100*d.High, p)
}

// Text gives the delay for people.
func (d Delay) Text() string {
	if d.Median == nil && d.Censored == 0 {
		return "–"
	}
	at := func(n *int) string {
		if n == nil {
			return "never"
		}
		return strconv.Itoa(*n)
	}
	return fmt.Sprintf("median %s, p90 %s; %d never", at(d.Median), at(d.P90), d.Censored)
}

func percent(share float64) string { return decimal(100*share) + " %" }

func decimal(x float64) string { return strconv.FormatFloat(round(x, 2), 'f', -1, 64) }

func words(code string) string { return strings.ReplaceAll(code, "_", " ") }

// count gives a number with its noun: 1 event, 2 events.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printable gives a name without what a terminal would act on.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if !strconv.IsPrint(c) {
			return '�'
		}
		return c
	}, s)
}

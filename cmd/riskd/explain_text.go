package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// text is all there is to say of a decision, with what would have been allowed at
// the end.
func (x *explanationDocument) text(now time.Time) string {
	r := &rows{}
	fmt.Fprintf(r, "%s  score %d (%s)  %s\n", plainText(x.Decision), x.Score, plainText(x.Level), plainText(x.ID))
	x.facts(r, now)
	x.reasonTable(r)
	x.readings(r)
	x.sums(r)
	x.conclusion(r, now)
	return r.String()
}

// facts are what was decided on, and by what.
func (x *explanationDocument) facts(r *rows, now time.Time) {
	r.add("at", parenthesised(stamp(x.At), ago(x.At, now))+", in "+time.Duration(x.TookS*float64(time.Second)).Round(time.Microsecond).String())
	r.add("session", x.Session)
	r.add("event", x.Event)
	user := x.User
	if x.Tenant != "" {
		user = strings.TrimSpace(user + " in " + x.Tenant)
	}
	r.add("user", user)
	r.add("request", parenthesised(joined(" ", x.Request.Method, x.Request.Route), x.Request.Class))
	r.add("network", x.Network.text())
	r.add("device", x.Device)
	r.add("pack", x.Policy.Pack+", revision "+x.Policy.Revision)
	source := x.State.Source
	if x.Policy.Answer != "" && x.Policy.Answer != x.Decision {
		source += ", the policy's own answer was " + x.Policy.Answer
	}
	r.add("source", joined(", ", source, x.State.Hold))
	r.add("degraded", strings.Join(x.State.Degraded, ", "))
	r.add("missing", strings.Join(x.State.Missing, ", "))
}

// reasonTable says of each reason what it counted, what it stood at when it was
// last given and does now, and what took the rest.
func (x *explanationDocument) reasonTable(r *rows) {
	if len(x.Reasons) == 0 {
		return
	}
	table := tabwriter.NewWriter(r, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\n  REASON\tPOINTS\tNATS\tGIVEN\tHALF-LIFE\tCAPS\tRULE")
	for i := range x.Reasons {
		e := &x.Reasons[i]
		cells := []string{e.Code, strconv.Itoa(e.Points), e.nats(), e.given(), e.halfLife(), e.caps(), e.rule()}
		for j := range cells {
			cells[j] = cmp.Or(plainText(cells[j]), "-")
		}
		fmt.Fprintln(table, "  "+strings.Join(cells, "\t"))
	}
	table.Flush()
}

// nats are those that the rule gave, or that it stood at when it last did, and what
// is left of them.
func (e *explainedDocument) nats() string {
	then := e.FiredNats
	switch {
	case e.Invariant:
		return "invariant"
	case e.Fired && e.Found < 0:
		return fmt.Sprintf("%.2f", e.Found)
	case e.Fired:
		then = e.FiredNats + e.GroupCap
	case e.FiredAt.IsZero():
		return fmt.Sprintf("? → %.2f", e.Nats)
	}
	return fmt.Sprintf("%.2f → %.2f", then, e.Nats)
}

func (e *explainedDocument) given() string {
	switch {
	case e.Fired:
		return "now"
	case e.FiredAt.IsZero():
		return "?"
	}
	return span(time.Duration(e.AgeS)*time.Second) + " ago"
}

func (e *explainedDocument) halfLife() string {
	if e.HalfLifeS == 0 || e.Invariant || e.Found < 0 {
		return ""
	}
	return span(time.Duration(e.HalfLifeS) * time.Second)
}

func (e *explainedDocument) caps() string {
	taken := func(from string, nats float64) string {
		if nats < 0.005 {
			return ""
		}
		return fmt.Sprintf("%s -%.2f", from, nats)
	}
	return joined(", ", taken("group", e.GroupCap), taken("sum", e.Taken))
}

func (e *explainedDocument) rule() string {
	title := joined(", ", e.Title, e.Severity)
	if e.Rule == nil {
		return title
	}
	return fmt.Sprintf("%s (%s:%d)", title, e.Rule.File, e.Rule.Line)
}

// readings are what the event's own reasons have judged.
func (x *explanationDocument) readings(r *rows) {
	table := tabwriter.NewWriter(r, 0, 0, 2, ' ', 0)
	head := "\n  READING\tVALUE\tNATS\tDETAILS\n"
	for i := range x.Reasons {
		in := x.Reasons[i].Reading
		if in == nil {
			continue
		}
		var details []string
		for _, name := range slices.Sorted(maps.Keys(in.Details)) {
			text := fmt.Sprint(in.Details[name])
			if number, ok := in.Details[name].(float64); ok {
				text = figure(number)
			}
			details = append(details, name+" "+cmp.Or(text, "?"))
		}
		fmt.Fprintf(table, "%s  %s\t%s\t%.2f\t%s\n", head, plainText(in.Signal), figure(in.Value), in.Nats,
			cmp.Or(plainText(strings.Join(details, ", ")), "-"))
		head = ""
	}
	table.Flush()
}

// figure is a number for people.
func figure(x float64) string {
	if math.Abs(x) >= 100 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(x, 'f', 3, 64), "0"), ".")
}

// sums are the evidence against its thresholds.
func (x *explanationDocument) sums(r *rows) {
	if len(x.Alarms) == 0 {
		return
	}
	fmt.Fprintln(r)
	for i := range x.Alarms {
		a := &x.Alarms[i]
		text := fmt.Sprintf("%5.2f nats  %s  step_up from %g, revoke from %g: score %.0f", a.Nats, a.bar(), a.StepUp, a.Revoke, float64(int(a.Score)))
		if a.Decided {
			text += ", which decided"
		}
		r.add(a.Name, text)
	}
	for i := range x.Sums {
		s := &x.Sums[i]
		if s.Before == 0 && s.Added == 0 {
			continue
		}
		text := fmt.Sprintf("%5.2f nats  = %.2f before + %.2f", s.Nats, s.Before, s.Added)
		if s.Relief > 0 {
			text += fmt.Sprintf(" - %.2f that speaks for it", s.Relief)
		}
		if s.Capped > 0 {
			text += fmt.Sprintf(" - %.2f above the cap of %g", s.Capped, s.Cap)
		}
		r.add(s.Channel, text)
	}
}

// bar shows nats up to a quarter beyond the revoke threshold; both thresholds are
// marked.
func (a *alarmDocument) bar() string {
	const width = 30
	most := a.Revoke * 1.25
	at := func(nats float64) int {
		if most <= 0 {
			return 0
		}
		return int(min(max(nats/most, 0), 1) * width)
	}
	bar := []byte(strings.Repeat("#", at(a.Nats)) + strings.Repeat("-", width-at(a.Nats)))
	for _, threshold := range []float64{a.StepUp, a.Revoke} {
		bar[min(at(threshold), width-1)] = '|'
	}
	return "[" + string(bar) + "]"
}

// conclusion is what was told, and what would have been allowed.
func (x *explanationDocument) conclusion(r *rows, now time.Time) {
	told := &rows{}
	if c := x.Counterfactual; c != nil {
		told.add("allow", c.text())
	}
	if x.Explained == "" && x.State.Source == "fresh" {
		told.add("note", "revision "+x.Policy.Revision+" isn't kept any more: thresholds and half-lives aren't known")
	}
	if x.StepUp != nil {
		told.add("step-up", x.StepUp.text(now))
	}
	told.add("told user", x.ReasonUser.English)
	told.add("for you", x.ReasonAdmin.English)
	if told.Len() > 0 {
		r.WriteString("\n" + told.String())
	}
}

// text says without what it would have been allow.
func (c *counterfactualDocument) text() string {
	var text string
	switch {
	case len(c.Sets) > 0:
		text = inWords(c.Sets)
	case len(c.Policy) > 0:
		text = "not without any reason: " + c.Why + "; the policy itself would have allowed " + inWords(c.Policy)
	default:
		text = "not without any reason: " + c.Why
	}
	if !c.Complete && c.None == "" {
		text += " (there may be more)"
	}
	return text
}

// inWords says of sets of reasons what it takes: without a, or without b and c.
func inWords(sets [][]string) string {
	parts := make([]string, len(sets))
	for i, set := range sets {
		parts[i] = "without " + strings.Join(set[:len(set)-1], ", ")
		if len(set) > 1 {
			parts[i] += " and "
		}
		parts[i] += set[len(set)-1]
	}
	return strings.Join(parts, ", or ")
}

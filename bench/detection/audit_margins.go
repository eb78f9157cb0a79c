package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/riskd/riskd/signals"
)

// mostApart is how far the distributions of what attackers copy may be from the users',
// in total variation, beyond what so few attacks leave to chance.
const mostApart = 0.10

// copied are the values that attackers take from their victims or from donors, who are
// users too: either way they are to be distributed as the users' are.
var copied = []string{"browser", "version", "system", "language", "timezone", "platform", "screen", "hour"}

// copiedFrom gives an event's values of those; what it hasn't got is absent.
func copiedFrom(e *heard) map[string]string {
	agent := signals.ParseAgent(e.Client.UserAgent)
	values := map[string]string{
		"browser": agent.Family, "version": agent.Family + " " + strconv.Itoa(agent.Major), "system": agent.OS,
		"language": e.Client.Language, hourly: strconv.Itoa(e.at.UTC().Hour()),
	}
	for _, name := range []string{"timezone", "platform", "screen"} {
		if v, ok := e.Device.Attributes[name]; ok {
			values[name] = v
		}
	}
	return values
}

// hourly is the field that the families have whose time of day is excused.
const hourly = "hour"

// margins prints how far apart the distributions are.
func (a *audit) margins(units []*unit, families []string) {
	fmt.Fprintf(a.out, "\nwhat attackers copy: total variation from the users (bound in brackets, %.2f and chance)\n", mostApart)
	users := unitsOf(units, "")
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "family\t"+strings.Join(copied, "\t"))
	for _, family := range families {
		attackers := unitsOf(units, family)
		fmt.Fprint(table, family)
		for _, field := range copied {
			fmt.Fprintf(table, "\t%s", a.margin(family, field, attackers, users))
		}
		fmt.Fprintln(table)
	}
	table.Flush()
}

// unitsOf gives a family's onsets, or the users' first events and others, "".
func unitsOf(units []*unit, family string) (some []*unit) {
	for _, u := range units {
		if u.family == family && (family == "" || u.onset) {
			some = append(some, u)
		}
	}
	return some
}

func (a *audit) margin(family, field string, attackers, users []*unit) string {
	if len(attackers) < fewestCases {
		return "–"
	}
	p, q := shares(users, field), shares(attackers, field)
	if len(p) == 0 && len(q) == 0 {
		return "–"
	}
	// Of so few attacks shares differ by chance: half the mean deviations of all, and one
	// deviation of a share of a half.
	n := float64(len(attackers))
	apart, bound := variation(p, q), mostApart+0.5/math.Sqrt(n)
	for _, share := range p {
		bound += 0.5 * math.Sqrt(2*share*max(0, 1-share)/math.Pi/n)
	}
	text := fmt.Sprintf("%.2f (%.2f)", apart, bound)
	if apart <= bound {
		return text
	}
	if field == hourly && excused(family, groups[timeGroup].name) != "" {
		return text + "*"
	}
	a.faults = append(a.faults, fmt.Errorf("family %s has another distribution of %s than the users: total variation %.3f: %s", family, field, apart, strings.Join(furthest(p, q), "; ")))
	return text + "!"
}

func shares(units []*unit, field string) map[string]float64 {
	out := map[string]float64{}
	for _, u := range units {
		if v, ok := u.copied[field]; ok {
			out[v] += 1 / float64(len(units))
		}
	}
	return out
}

func variation(p, q map[string]float64) (sum float64) {
	for v, share := range p {
		sum += math.Abs(share - q[v])
	}
	for v, share := range q {
		if _, ok := p[v]; !ok {
			sum += share
		}
	}
	return sum / 2
}

// furthest names the values whose shares differ most.
func furthest(p, q map[string]float64) (text []string) {
	all := map[string]float64{}
	for v := range p {
		all[v] = q[v] - p[v]
	}
	for v := range q {
		all[v] = q[v] - p[v]
	}
	names := sortedKeys(all)
	slices.SortStableFunc(names, func(a, b string) int {
		return int(math.Copysign(1, math.Abs(all[b])-math.Abs(all[a])))
	})
	const most = 3
	for _, v := range names[:min(most, len(names))] {
		text = append(text, fmt.Sprintf("%q (%s of the attackers, %s of the users)", v, percent(q[v]), percent(p[v])))
	}
	return text
}

package replay

import (
	"cmp"
	"maps"
	"slices"

	"github.com/riskd/riskd/replay/measure"
)

// Detection is how well the packs catch the labelled attacks, and at what price. An
// alarm is a step_up or revoke by the policy, not one that a timeout or an identity
// event has led to.
type Detection struct {
	// Unmatched are labels whose event isn't in the trace; attacks of which no event is
	// there don't count.
	Unmatched int           `json:"unmatched_labels"`
	A         SideDetection `json:"a"`
	B         SideDetection `json:"b"`
	// Caught is the difference in attacks caught, FalseAlarms that in sessions without
	// an attack that were alarmed.
	Caught      Difference `json:"caught_difference"`
	FalseAlarms Difference `json:"false_alarm_difference"`
	Families    []Family   `json:"families"`
	// Missed are the attacks that A catches and B doesn't, Found the reverse.
	Missed []Attack `json:"missed_by_b"`
	Found  []Attack `json:"found_by_b"`
}

// SideDetection is one pack's.
type SideDetection struct {
	Attacks Attacks `json:"attacks"`
	// Sessions are those that an attack came to, alarmed from then on.
	Sessions Rate `json:"sessions"`
	// FalseAlarms and FalseRevokes are sessions that no attack ever comes to.
	FalseAlarms  Rate `json:"false_alarms"`
	FalseRevokes Rate `json:"false_revokes"`
	// Per1000 are false alarms for each 1000 such sessions.
	Per1000 float64 `json:"false_alarms_per_1000_sessions"`
	// UserDays are days (UTC) of users in such sessions, with at least one alarm.
	UserDays Rate `json:"false_alarm_user_days"`
	// Measures are what the pack would be measured at by itself.
	Measures *measure.Report `json:"measures"`
}

// Attacks are what becomes of attacks under one pack. One is caught by the first
// alarm in a session that it has come to, whoever sent that request.
type Attacks struct {
	Caught  Rate  `json:"caught"`
	Revoked Rate  `json:"revoked"`
	Alarm   Delay `json:"requests_until_alarm"`
	Revoke  Delay `json:"requests_until_revoke"`
}

// Delay is how many requests attacks had made when they were met, that one included;
// 1 is at once. An attack that never is counts as one that takes for ever: a quantile
// that falls on it is null.
type Delay struct {
	Median   *int `json:"median"`
	P90      *int `json:"p90"`
	Censored int  `json:"censored"`
}

// Family is what becomes of one kind of attack.
type Family struct {
	Name string  `json:"name"`
	A    Attacks `json:"a"`
	B    Attacks `json:"b"`
}

// Attack names an attack, and the event at which the pack that catches it does.
type Attack struct {
	Attack string `json:"attack"`
	Family string `json:"family"`
	Event  string `json:"at"` // trace:line
}

// detection takes the attacks together.
func (c *collector) detection() *Detection {
	d := &Detection{Unmatched: c.order.unmatched(), Families: []Family{}, Missed: []Attack{}, Found: []Attack{}}
	families := map[string][]*attack{}
	var pairs paired
	for _, a := range c.order.begun {
		families[a.family] = append(families[a.family], a)
		met := [2]bool{a.met[0].asked.Met, a.met[1].asked.Met}
		pairs.add(met)
		switch {
		case met[0] && !met[1]:
			d.Missed = append(d.Missed, Attack{a.id, a.family, a.met[0].at.String()})
		case !met[0] && met[1]:
			d.Found = append(d.Found, Attack{a.id, a.family, a.met[1].at.String()})
		}
	}
	d.Caught, d.FalseAlarms = differenceOf(&pairs), differenceOf(&c.honest)
	days := c.pairedDays()
	for side, out := range []*SideDetection{&d.A, &d.B} {
		out.Attacks = attacksOf(c.order.begun, side)
		out.Sessions = rateOf(c.hit.of(side), c.hit.total())
		out.FalseAlarms = rateOf(c.honest.of(side), c.honest.total())
		out.FalseRevokes = rateOf(c.honestRevoke.of(side), c.honestRevoke.total())
		out.Per1000 = round(1000*out.FalseAlarms.Rate, 3)
		out.UserDays = rateOf(days.of(side), days.total())
		out.Measures = measure.Of(c.records(side), c.options.Figures)
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		of := families[name]
		d.Families = append(d.Families, Family{name, attacksOf(of, 0), attacksOf(of, 1)})
	}
	return d
}

func attacksOf(all []*attack, side int) Attacks {
	var alarms, revokes []int
	for _, a := range all {
		in := &a.met[side]
		if in.asked.Met {
			alarms = append(alarms, in.asked.Requests)
		}
		if in.revoke.Met {
			revokes = append(revokes, in.revoke.Requests)
		}
	}
	return Attacks{
		Caught: rateOf(len(alarms), len(all)), Revoked: rateOf(len(revokes), len(all)),
		Alarm: delayOf(alarms, len(all)), Revoke: delayOf(revokes, len(all)),
	}
}

func delayOf(requests []int, of int) Delay {
	slices.SortFunc(requests, cmp.Compare[int])
	at := func(percent int) *int {
		rank := (percent*of + 99) / 100 // nearest rank
		if rank == 0 || rank > len(requests) {
			return nil
		}
		return &requests[rank-1]
	}
	return Delay{Median: at(50), P90: at(90), Censored: of - len(requests)}
}

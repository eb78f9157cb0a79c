package replay

import (
	"cmp"
	"maps"
	"slices"
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
func (c *comparison) detection(t *tally) *Detection {
	d := &Detection{Unmatched: c.Labels.unmatched(), Families: []Family{}, Missed: []Attack{}, Found: []Attack{}}
	var attacks []*attack
	families := map[string][]*attack{}
	var pairs paired
	for _, a := range c.Labels.attacks {
		if len(a.numbers) == 0 {
			continue
		}
		attacks = append(attacks, a)
		families[a.family] = append(families[a.family], a)
		in := t.caughtOf(a)
		pairs.add([2]bool{in[0].alarm > 0, in[1].alarm > 0})
		switch {
		case in[0].alarm > 0 && in[1].alarm == 0:
			d.Missed = append(d.Missed, Attack{a.id, a.family, c.whereIs(in[0].alarm - 1)})
		case in[0].alarm == 0 && in[1].alarm > 0:
			d.Found = append(d.Found, Attack{a.id, a.family, c.whereIs(in[1].alarm - 1)})
		}
	}
	d.Caught, d.FalseAlarms = differenceOf(&pairs), differenceOf(&t.honest)
	for side, out := range []*SideDetection{&d.A, &d.B} {
		out.Attacks = t.attacks(attacks, side)
		out.Sessions = rateOf(t.hit.of(side), t.hit.total())
		out.FalseAlarms = rateOf(t.honest.of(side), t.honest.total())
		out.FalseRevokes = rateOf(t.honestRevoke.of(side), t.honestRevoke.total())
		out.Per1000 = round(1000*out.FalseAlarms.Rate, 3)
		out.UserDays = rateOf(t.days.of(side), t.days.total())
	}
	for _, name := range slices.Sorted(maps.Keys(families)) {
		of := families[name]
		d.Families = append(d.Families, Family{name, t.attacks(of, 0), t.attacks(of, 1)})
	}
	return d
}

func (t *tally) caughtOf(a *attack) [2]caught {
	if in := t.catches[a]; in != nil {
		return *in
	}
	return [2]caught{}
}

func (t *tally) attacks(all []*attack, side int) Attacks {
	var alarms, revokes []int
	for _, a := range all {
		in := t.caughtOf(a)[side]
		if in.alarm > 0 {
			alarms = append(alarms, a.requests(in.alarm-1))
		}
		if in.revoke > 0 {
			revokes = append(revokes, a.requests(in.revoke-1))
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

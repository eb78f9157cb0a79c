package measure

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Run is what a run has come to. Its slices may be in any order, but a figure depends
// on the order of Users to the last digit: give them in that of the trace.
type Run struct {
	Users    []User
	Attacks  []Attack
	Sessions []Session
	Alarms   []Alarm
}

// User is somebody who could have been asked.
type User struct {
	Name      string // with the tenant, if there are several
	Archetype string // "" if nobody has labelled him
	// Exposure is for how long he could have been asked: from his first event, or from
	// the beginning of the span that counts, to its end.
	Exposure time.Duration
	// Demanded are the step-ups that he was asked for without any risk, as for an action
	// that takes a fresh proof. They are no alarms.
	Demanded int
}

// Attack is what became of one attack.
type Attack struct {
	ID     string
	Family string
	User   int    // whose account its first event is on: a place in Run.Users
	At     string // where it begins: trace:line
	// Requests are its own, from its onset on.
	Requests int
	// Alarm is the first step_up or revoke by the policy in a session that the attack
	// has come to, whoever sent that request; Revoke is the first revoke.
	Alarm  Stop
	Revoke Stop
	// Sensitive are its requests of class sensitive or admin that were let through
	// before Alarm.
	Sensitive int
	// Strength is the greatest that one of its own requests had, see Strength.
	Strength float32
	// Abroad says that one of its requests came from another country than the first of
	// its session: what a one-line rule would go by.
	Abroad bool
	// Demanded says that it was asked for a proof without any risk before its first
	// alarm, as in User.
	Demanded bool
	// Reasons are those of its first alarm.
	Reasons []Reason
}

// Stop is when an attack was met: after how many of its own requests, that one
// included (1 is at once, 0 that the owner's request raised the alarm before its next),
// and how long after its onset.
type Stop struct {
	Met      bool
	Requests int
	After    time.Duration
}

// Session is a session that no attack has come to.
type Session struct {
	User     int32   // a place in Run.Users
	Strength float32 // the greatest of its events, see Strength
	Alarmed  bool    // asked or revoked by the policy at least once
	Abroad   bool    // as in Attack
}

// Alarm is one false alarm: a step-up that a user was asked for, or a revocation, in a
// session that no attack had come to.
type Alarm struct {
	User    int32
	Revoke  bool
	Causes  []string // the honest ones of what was unusual; none if none is labelled
	Reasons []Reason
}

// Reason is a reason of an alarm, and its share of the score, 0 to 1.
type Reason struct {
	Code  string
	Share float64
}

// Certain is the strength of an alarm that no threshold had a part in, that of an
// invariant: no threshold on nats is as high.
const Certain = 100.0

// Strength is how strong an event's alarm is, in nats: the higher of its session's sums
// together and of its own evidence with the pack's request bonus. An event that brings
// no evidence gets no bonus.
func Strength(identity, behaviour, request, bonus float64) float64 {
	s := identity + behaviour
	if request > 0 {
		s = max(s, request+bonus)
	}
	return min(s, Certain)
}

// month is the unit of false alarms, as in "for each user and month".
const month = 30 * 24 * time.Hour

// UserMonths are the months that users could have been asked in, summed up.
func (r *Run) UserMonths() float64 {
	var sum float64
	for i := range r.Users {
		sum += r.Users[i].months()
	}
	return sum
}

// exposed counts the users who could have been asked.
func (r *Run) exposed() (n int) {
	for i := range r.Users {
		if r.Users[i].Exposure > 0 {
			n++
		}
	}
	return n
}

func (u *User) months() float64 { return float64(u.Exposure) / float64(month) }

// Families are the names of the attacks' families in their order: F2 before F10.
func (r *Run) Families() []string {
	var names []string
	for i := range r.Attacks {
		if place, there := slices.BinarySearchFunc(names, r.Attacks[i].Family, compareNames); !there {
			names = slices.Insert(names, place, r.Attacks[i].Family)
		}
	}
	return names
}

// compareNames compares by what is before the number that a name ends with, then by
// that.
func compareNames(a, b string) int {
	split := func(name string) (string, int) {
		text := strings.TrimRight(name, "0123456789")
		n, _ := strconv.Atoi(name[len(text):]) // none is before all
		return text, n
	}
	textA, nA := split(a)
	textB, nB := split(b)
	return cmp.Or(strings.Compare(textA, textB), cmp.Compare(nA, nB), strings.Compare(a, b))
}

// Threshold gives the strength that an event must exceed for at most budget false
// step-ups for each user and month, if every session is asked at most once. ok is
// false if no threshold does: alarms that are Certain are too many already.
//
// It leaves out what a step-up does to the rest of its session.
func (r *Run) Threshold(budget float64) (nats float64, ok bool) {
	all := r.strengths()
	allowed := int(budget * r.UserMonths())
	if allowed >= len(all) {
		return 0, true
	}
	return all[allowed], all[allowed] < Certain
}

// strengths are those of the sessions, highest first.
func (r *Run) strengths() []float64 {
	all := make([]float64, len(r.Sessions))
	for i := range r.Sessions {
		all[i] = float64(r.Sessions[i].Strength)
	}
	slices.SortFunc(all, func(a, b float64) int {
		switch {
		case a > b:
			return -1
		case a < b:
			return 1
		}
		return 0
	})
	return all
}

// Caught gives the share of attacks whose strength exceeds a threshold: by family, and
// the mean of the families but for those aside.
func (r *Run) Caught(nats float64, aside ...string) (families map[string]float64, macro float64) {
	families = map[string]float64{}
	of := map[string]float64{}
	for i := range r.Attacks {
		a := &r.Attacks[i]
		of[a.Family]++
		if float64(a.Strength) > nats {
			families[a.Family]++
		} else {
			families[a.Family] += 0
		}
	}
	met := 0.0
	for _, name := range r.Families() {
		families[name] /= of[name]
		if !slices.Contains(aside, name) {
			macro += families[name]
			met++
		}
	}
	if met > 0 {
		macro /= met
	}
	return families, macro
}

package replay

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// order puts lines in their order: it gives them their numbers, and to each event its
// session, its user and what the labels say. It sees every line before the packs do,
// and the session only ever from its own side: what the packs' answers make of it is the
// collector's.
type order struct {
	options *Options
	labels  *Labels
	asked   bool // for the labels
	faults  []error
	unread  int // lines with faults
	numbers int // of lines

	first, last time.Time // of events
	seen, clock time.Time // the event before, and the time by which sessions are let go
	from, until time.Time // what counts; zero is no bound
	sessions    map[riskd.SessionID]*story
	live        []*story // in the order of their first events
	swept       time.Time
	users       map[person]int
	people      []somebody // by that number
	attacks     map[string]*attack
	begun       []*attack // in the order of their first events
	matched     map[*mark]bool
}

// somebody is a user, and when he was first met.
type somebody struct {
	person
	since time.Time
}

// sighting is what order finds out about an event.
type sighting struct {
	number int
	story  *story
	user   int  // a place in order.people
	known  bool // the user is
	// attack is the one that the event belongs to and that has begun, and came are
	// those that have come to its session so far.
	attack *attack
	came   []*attack
	causes []string
}

func newOrder(o *Options) *order {
	return &order{
		options: o, sessions: map[riskd.SessionID]*story{}, users: map[person]int{}, attacks: map[string]*attack{}, matched: map[*mark]bool{},
	}
}

// take takes in one batch.
func (o *order) take(b *batch) (err error) {
	if err := o.ask(); err != nil {
		return err
	}
	for i := range b.items {
		in := &b.items[i]
		if in.fault != nil {
			o.unread++
			for _, fault := range flatten(in.fault) {
				o.faults = append(o.faults, fmt.Errorf("%s: %w", &in.place, fault))
			}
			if len(o.faults) >= maxFaults {
				return fmt.Errorf("%s: is given up after %d lines with faults", in.trace, maxFaults)
			}
			continue
		}
		if o.numbers == math.MaxInt32 {
			return errors.New("a trace has at most 2,147,483,647 lines")
		}
		if in.Event == nil && in.Identity == nil {
			continue
		}
		in.number = o.numbers
		o.numbers++
		if in.Event != nil {
			o.event(in)
		}
		if o.numbers%progressEvery == 0 {
			o.options.Progress(o.numbers)
		}
	}
	b.over = o.retire()
	return nil
}

// ask asks for the labels once.
func (o *order) ask() (err error) {
	if !o.asked {
		o.asked = true
		o.labels, err = o.options.Labels()
	}
	return err
}

func (o *order) event(in *item) {
	e := in.Event
	at := e.Time.UTC()
	if o.first.IsZero() {
		o.from, o.until = o.options.From.at(at), o.options.Until.at(at)
	}
	if o.first.IsZero() || at.Before(o.first) {
		o.first = at
	}
	if at.After(o.last) {
		o.last = at
	}
	if o.seen.Before(at) { // a single event that is far ahead ends nothing
		o.clock = later(o.clock, o.seen)
	} else {
		o.clock = later(o.clock, at)
	}
	o.seen = at
	s := o.story(e, at)
	if at.After(s.seen) {
		s.seen = at
	}
	if s.user == "" {
		s.user = e.User.ID
	}
	who := e.User.ID
	if who == "" {
		who = s.user
	}
	in.story, in.user, in.known = s, o.userOf(person{e.Tenant, who}, at), who != ""
	if who == s.user {
		s.who = in.user
	}
	o.label(in)
	in.came = s.attacks
}

// story gives the session of an event. One whose id is changed stays one session: what
// becomes of an attack on it becomes of all its ids.
func (o *order) story(e *riskd.Event, at time.Time) *story {
	id, previous := e.Session.ID, e.Session.PreviousID
	if s := o.sessions[id]; s != nil {
		return s
	}
	if s := o.sessions[previous]; s != nil && !previous.IsZero() {
		s.later = append(s.later, id)
		o.sessions[id] = s
		return s
	}
	s := &story{id: id, tenant: e.Tenant, counts: o.counts(at)}
	o.sessions[id] = s
	o.live = append(o.live, s)
	return s
}

// counts reports whether what begins at a time is measured.
func (o *order) counts(at time.Time) bool {
	return !at.Before(o.from) && (o.until.IsZero() || at.Before(o.until))
}

func (o *order) userOf(p person, at time.Time) int {
	place, there := o.users[p]
	if !there {
		place = len(o.people)
		o.users[p] = place
		o.people = append(o.people, somebody{p, at})
	}
	return place
}

// label takes up what is said of an event.
func (o *order) label(in *item) {
	if o.labels == nil || in.Event.ID == "" {
		return
	}
	mark := o.labels.marks[in.Event.ID]
	if mark == nil {
		return
	}
	o.matched[mark] = true
	in.causes = mark.causes
	if mark.attack == "" {
		return
	}
	in.story.named = true
	a := o.attacks[mark.attack]
	if a == nil {
		a = &attack{id: mark.attack, family: o.labels.families[mark.attack], late: o.labels.onsets[mark.attack]}
		o.attacks[mark.attack] = a
	}
	if !a.begun && (mark.onset || !a.late) {
		a.begun, a.at, a.onset, a.user, a.counts = true, in.place, in.Event.Time, in.user, o.counts(in.Event.Time)
		o.begun = append(o.begun, a)
	}
	if !a.begun {
		return
	}
	in.attack = a
	if o.people[a.user].user == "" { // it began before anybody had signed in
		a.user = in.user
	}
	if s := in.story; !slices.Contains(s.attacks, a) {
		s.attacks = append(slices.Clip(s.attacks), a) // events before keep the list that they have
	}
}

// quiet is for how long a session must be silent until nothing more is expected of it,
// and sweepEvery how often that is looked for.
const (
	quiet      = 8 * 24 * time.Hour
	sweepEvery = 24 * time.Hour
)

// retire takes out the sessions that nothing is expected of.
func (o *order) retire() (over []*story) {
	if o.clock.Sub(o.swept) < sweepEvery {
		return nil
	}
	o.swept = o.clock
	kept := o.live[:0]
	for _, s := range o.live {
		if o.clock.Sub(s.seen) > quiet {
			delete(o.sessions, s.id)
			for _, id := range s.later {
				delete(o.sessions, id)
			}
			over = append(over, s)
		} else {
			kept = append(kept, s)
		}
	}
	clear(o.live[len(kept):])
	o.live = kept
	return over
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// unmatched counts the labels whose event isn't in the trace.
func (o *order) unmatched() int {
	if o.labels == nil {
		return 0
	}
	return len(o.labels.marks) - len(o.matched)
}

// signedIn counts the users.
func (o *order) signedIn() (n int) {
	for i := range o.people {
		if o.people[i].user != "" {
			n++
		}
	}
	return n
}

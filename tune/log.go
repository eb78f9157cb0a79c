package tune

import (
	"math"
	"time"

	"github.com/riskd/riskd"
)

// Log is the evidence of a trace, session by session: what it takes to weigh it
// again. It is some tens of bytes for each request that has evidence, and nothing
// for others.
type Log struct {
	rules    []rule    // kinds of reasons
	codes    []Code    // what they are tuned by
	readings []reading // each distinct one once
	sets     []uint32  // ends of the events' sets of readings in members
	members  []uint32  // of sets: places in readings
	answers  []answer  // each distinct one once
	tracks   []track   // sessions, in the order of their first events
	users    []user
	attacks  []attack
	requests int
	first    int64 // of the trace's times, Unix nanoseconds
	last     int64
	own      Params // the pack's, under which it was recorded
}

// Code is a reason's code, and how the pack tunes its evidence.
type Code struct {
	Name   string
	Signal string
	Kind   Tunable
	Group  riskd.Group
	// Channel is the sum that it goes into.
	Channel riskd.Channel
	// Against counts the events on which it spoke against the session, For those on
	// which it spoke for it.
	Against, For int
}

// Tunable says which numbers of rules.<code> make a reason's evidence.
type Tunable uint8

// The ways to make evidence.
const (
	Fixed    Tunable = iota // none that is known: the evidence stays as it was found
	Weighed                 // weight, min and max, of the reading's nats
	Constant                // nats
	Alarm                   // none: an invariant, which is not weighed
)

// rule is a kind of reason: what all of a code's reasons have in common, mostly.
type rule struct {
	code      uint16
	kind      Tunable
	group     riskd.Group
	channel   riskd.Channel
	clears    bool // by a passed step-up
	invariant bool
	name      string
	signal    string
}

// reading is a reason before it is weighed.
type reading struct {
	rule uint16
	raw  float64 // the signal's nats, or the evidence itself where nothing weighs it
}

// answer is what the policy answers on an event, by the score: step_up and revoke
// from such scores on, +Inf being never, and what it answers at a score of 0.
type answer struct {
	stepUp, revoke float64
	forced         riskd.Outcome
	invariant      bool // that is because of an invariant
}

// never is a score that isn't reached.
var never = math.Inf(1)

// entry is an event with evidence. Its set is a place in Log.sets.
type entry struct {
	at     int64 // Unix nanoseconds; never before the session's earlier ones
	set    uint32
	answer uint16
	flags  uint16
}

// What there is to know of an event besides its evidence.
const (
	flagReset     uint16 = 1 << iota // nothing was left of earlier evidence
	flagProved                       // it brought the proof of a step-up
	flagUnweighed                    // the session was over or held up: nothing was weighed
	flagSensitive                    // of class sensitive or admin
)

// track is a session.
type track struct {
	user    int32 // -1: nobody has signed in
	entries []entry
	// marks are, of a session that an attack has come to, the places of its entries
	// in the trace and the attacks that come with them.
	marks  []markedEntry
	honest bool // no label ever names one of its events
}

// markedEntry says of an entry where it stands in the trace, and which attack comes
// to the session with it, -1 if none does.
type markedEntry struct {
	seq    uint32
	attack int32
}

type user struct {
	userKey
	archetype string
	first     int64 // when it was first seen
	hash      uint64
}

// attack is one labelled attack and its own events from the onset on.
type attack struct {
	id, family string
	user       int32 // whose session it came to first
	track      int32
	events     []attackEvent
}

type attackEvent struct {
	seq       uint32
	at        int64
	sensitive bool // of class sensitive or admin, and not held up by a demand
}

// Requests is how many events were recorded.
func (l *Log) Requests() int { return l.requests }

// Attacks is how many of the labelled attacks are in the trace.
func (l *Log) Attacks() int { return len(l.attacks) }

// Users is how many users the trace has.
func (l *Log) Users() int { return len(l.users) }

// Codes are the codes of all reasons that were given.
func (l *Log) Codes() []Code { return l.codes }

// Own are the numbers under which the log was recorded.
func (l *Log) Own() *Params { return l.own.clone() }

// Span is from the first to the last event.
func (l *Log) Span() (first, last time.Time) {
	return time.Unix(0, l.first).UTC(), time.Unix(0, l.last).UTC()
}

// Bytes is about how much memory the log takes.
func (l *Log) Bytes() int64 {
	const perTrack, perEntry, perMark, perReading, perUser = 64, 16, 8, 16, 96
	n := int64(len(l.readings))*perReading + int64(len(l.sets)+len(l.members))*4 + int64(len(l.tracks))*perTrack + int64(len(l.users))*perUser
	for i := range l.tracks {
		n += int64(cap(l.tracks[i].entries))*perEntry + int64(cap(l.tracks[i].marks))*perMark
	}
	return n
}

// set gives the readings of a set, as places in l.readings.
func (l *Log) set(i uint32) []uint32 {
	from := uint32(0)
	if i > 0 {
		from = l.sets[i-1]
	}
	return l.members[from:l.sets[i]]
}

package riskd

import "time"

// Moment is something that happened to a session and that people who look at it
// want to see, with the context that it happened in.
type Moment struct {
	At   time.Time
	Kind MomentKind
	Context
	// Note says more: the codes of reasons, who did it.
	Note string
}

// MomentKind is what happened.
type MomentKind uint8

// The kinds of moment.
const (
	Began MomentKind = iota
	SignedIn
	Moved        // to another context
	ChangedAgent // or device
	Challenged   // a step-up was asked for
	Proved       // the step-up was passed
	Failed       // a step-up was tried and not passed
	Extended
	Rotated
	Suspended
	Resumed
	Ended // revoked or expired
)

var momentNames = []string{
	"began", "signed_in", "moved", "changed_device", "challenged", "proved", "failed",
	"extended", "rotated", "suspended", "resumed", "ended",
}

func (k MomentKind) String() string { return nameOf(momentNames, uint8(k)) }

// MaxTimeline is how many moments a session keeps: the first and the latest.
const MaxTimeline = 16

// Note takes a moment into the session's timeline. It copies rather than changes
// the list, which others may be reading.
func (s *Session) Note(m Moment) {
	if len(s.Timeline) < MaxTimeline {
		s.Timeline = append(s.Timeline[:len(s.Timeline):len(s.Timeline)], m)
		return
	}
	kept := make([]Moment, 0, MaxTimeline)
	kept = append(kept, s.Timeline[0])
	s.Timeline = append(append(kept, s.Timeline[2:]...), m)
}

package riskd

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// Outcome is what riskd answers. The zero Outcome is no answer at all, so that
// nothing that was forgotten can pass for allow.
type Outcome uint8

// The outcomes, in the order of their severity.
const (
	NoOutcome Outcome = iota
	Allow
	StepUpNeeded
	Revoke
)

var outcomeNames = []string{"", "allow", "step_up", "revoke"}

func (o Outcome) String() string { return nameOf(outcomeNames, uint8(o)) }

// ParseOutcome reads an outcome.
func ParseOutcome(s string) (Outcome, error) {
	i, err := parseName(outcomeNames, s)
	return Outcome(i), err
}

// Case is all that a policy may know of one event.
type Case struct {
	Event    *Event
	Session  *Session
	Profile  *Profile
	Readings []Reading // by the signal's place in the catalogue
	Now      time.Time

	// What follows is there only for the judgement.
	Score      float64
	Nats       Nats
	Reasons    []Reason // the open ones and this event's
	Invariants []string
}

// Nats are the evidence sums that a score is made of.
type Nats struct {
	Identity  float64 // accumulated, half-life of hours
	Behaviour float64 // accumulated, half-life of minutes
	Request   float64 // this event alone
}

// Judgement is the policy's answer on a case.
type Judgement struct {
	Outcome Outcome
	StepUp  Demand // what a step-up asks for; zero unless Outcome is StepUpNeeded
}

// Demand is the authentication that a policy asks for: one of the ACR values or
// one of the AMR values, not older than MaxAge; 0 is any age.
type Demand struct {
	ACR    []string
	AMR    []string
	MaxAge time.Duration
}

// StepUp is a challenge: a demand, and the reasons that meeting it clears.
type StepUp struct {
	ID       string
	Demand   Demand
	Clears   []string
	IssuedAt time.Time
	// ExpiresAt is when another challenge takes its place; zero is never.
	ExpiresAt time.Time
	// AttemptsLeft is how often it may still be tried.
	AttemptsLeft int
	// OverBudget says that its user was asked more often today than the pack means
	// to.
	OverBudget bool
	// AuthTime is the last authentication known when the challenge was given:
	// only a later one can be the answer to it. Tried is the latest of those that
	// weren't.
	AuthTime time.Time
	Tried    time.Time
}

// stepUpPrefix begins the id of every challenge; the session's reference and an id
// of its own follow, so that a challenge's id alone says whose it is.
const stepUpPrefix = "su_"

// StepUpID makes the id of a challenge to a session.
func StepUpID(session SessionID, id string) string {
	return stepUpPrefix + strings.TrimPrefix(session.String(), refPrefix) + "_" + id
}

// SessionOfStepUp gives the session that a challenge's id names.
func SessionOfStepUp(id string) (SessionID, error) {
	ref, _, _ := strings.Cut(strings.TrimPrefix(id, stepUpPrefix), "_")
	return ParseSessionRef(refPrefix + ref)
}

// StepUpAnswer is what an identity provider tells of a challenge.
type StepUpAnswer struct {
	ID     string // the challenge's
	Passed bool
	// How it was passed, and when.
	AuthTime time.Time
	ACR      string
	AMR      []string
	Actor    string
}

// Why a challenge takes no answer.
var (
	ErrUnknownStepUp = errors.New("no session waits for that step-up")
	ErrNotProved     = errors.New("the proof is not what the step-up asks for")
)

// ClockSkew is how far an identity provider's clock may lag behind riskd's
// without its users being asked for the same step-up for ever.
const ClockSkew = time.Minute

// MetBy reports whether an event proves what the challenge asks for: an
// authentication of one of the demanded kinds, later than the last one known
// when the challenge was given, not from before it, and now not older than the
// demand's MaxAge; a lag of ClockSkew is allowed for.
func (u *StepUp) MetBy(e *Event, now time.Time) bool {
	at := e.Session.AuthTime
	old := u.Demand.MaxAge > 0 && now.Sub(at) > u.Demand.MaxAge+ClockSkew
	return u.AnsweredBy(e) && !old && u.Demand.MetBy(e.Session.ACR, e.Session.AMR)
}

// AnsweredBy reports whether an event carries an authentication that came after
// the challenge, whatever it is worth.
func (u *StepUp) AnsweredBy(e *Event) bool {
	at := e.Session.AuthTime
	return at.After(u.AuthTime) && !at.Before(u.IssuedAt.Add(-ClockSkew))
}

// MetBy reports whether an authentication is of one of the demanded kinds.
func (d *Demand) MetBy(acr string, amr []string) bool {
	return len(d.ACR) == 0 && len(d.AMR) == 0 || slices.Contains(d.ACR, acr) ||
		slices.ContainsFunc(d.AMR, func(m string) bool { return slices.Contains(amr, m) })
}

// Decision is riskd's answer to one event.
type Decision struct {
	ID      string
	EventID string
	At      time.Time
	Session SessionID
	Outcome Outcome
	// Score is 0 to 100, higher is riskier: 60 is where the pack's step-up
	// threshold lies, 85 its revoke threshold.
	Score   int
	Level   Level
	Reasons []Reason // their points add up to Score
	// RevokedBy is what the revocation names that Source speaks of: the session alone,
	// its user and so on; 0 for all other sources.
	RevokedBy TargetKind
	// StepUp is set when Outcome is StepUpNeeded.
	StepUp *StepUp
	// Expires says when the session's time is up.
	Expires  Expiry
	Pack     string
	Revision string
	Source   Source
	// Degraded names what didn't work while deciding; empty when all did.
	Degraded []string
	// Missing names the signals that couldn't be evaluated.
	Missing []string
	// UserText is safe to show to the user, AdminText is for those who work with
	// riskd; both are English.
	UserText  string
	AdminText string
	// Shadow is what policies on trial said of the event.
	Shadow []Shadow
	Lease  Lease
}

// Lease is how long a gateway may go by a decision without asking again, unless
// the revocation stream tells of an order over the session before.
type Lease struct {
	// ValidFor is 0 where every request has to be asked about.
	ValidFor time.Duration
	// Epoch is the number of the last order or notice that the decision knows of.
	Epoch uint64
}

// Expiry is when a session ends by its timeouts; zero times are no limit.
type Expiry struct {
	IdleAt     time.Time
	AbsoluteAt time.Time
	// Warn says that the nearer of the two is so near that the user should be told.
	Warn bool
}

// At is the nearer of the two times, zero if there is none.
func (x Expiry) At() time.Time {
	if x.AbsoluteAt.IsZero() || !x.IdleAt.IsZero() && x.IdleAt.Before(x.AbsoluteAt) {
		return x.IdleAt
	}
	return x.AbsoluteAt
}

// Level is the score in three words, those of CAEP 1.0.
type Level uint8

// The levels: below the step-up threshold, from there, and from the revoke
// threshold on.
const (
	Low Level = iota
	Medium
	High
)

var levelNames = []string{"LOW", "MEDIUM", "HIGH"}

func (l Level) String() string { return nameOf(levelNames, uint8(l)) }

// The scores at which the levels begin: the step-up and the revoke threshold of
// every pack, whatever its nats, come to these points.
const (
	StepUpScore = 60
	RevokeScore = 85
)

// LevelOf gives the level of a score.
func LevelOf(score float64) Level {
	switch {
	case score >= RevokeScore:
		return High
	case score >= StepUpScore:
		return Medium
	}
	return Low
}

// Source is where a decision came from.
type Source uint8

// The sources of decisions.
const (
	SourceFresh      Source = iota // the policy judged this event
	SourceRevocation               // the session was revoked before; nothing else was looked at
	SourceFallback                 // the policy gave no answer: the class's default
	SourceExpiry                   // the session's time was up; nothing else was looked at
	SourceSuspension               // the session is held up; nothing else was looked at
)

var sourceNames = []string{"fresh", "revocation", "fallback", "expiry", "suspension"}

func (s Source) String() string { return nameOf(sourceNames, uint8(s)) }

// Record is everything that a decision depended on, for audit, replay, streams
// and people who watch. Recorders must not change it, nor keep it: they copy
// what they need before they return.
type Record struct {
	Event    *Event
	Decision *Decision
	// Moments are what the event has added to its session's timeline.
	Moments  []Moment
	Readings []Reading
	Nats     Nats
	// Weighing is what the score was made of; it is empty where nothing was weighed.
	Weighing Weighing
	Took     time.Duration
}

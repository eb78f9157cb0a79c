package riskd

import (
	"errors"
	"strings"
	"time"
)

// Shadow is what a policy on trial said of an event, by itself and before any
// step-up, order or timeout that holds whatever it says. Nothing came of it.
type Shadow struct {
	Pack     string
	Revision string
	Outcome  Outcome
	Score    int
}

// ShadowOrder asks for a trial.
type ShadowOrder struct {
	// Name is what the candidate is called, Pack where it comes from: the name of a
	// pack inside riskd, or a folder on riskd's machine.
	Name, Pack string
	// Rate is the share of sessions, Budget the share of decisions that may differ.
	Rate, Budget float64
	Expires      time.Time
	// Inline is nil for what fits the pack.
	Inline *bool
}

// ShadowReport is how a trial goes.
type ShadowReport struct {
	Name, Pack, Revision string
	// Rate is the share of sessions that are judged, Budget the share of decisions
	// on which the candidate may disagree.
	Rate, Budget   float64
	Added, Expires time.Time
	// Over says that the trial has expired, Inline that it judges before the
	// answer, which then tells what it said.
	Over, Inline bool
	// Held is why it isn't in force although it was meant to be.
	Held string
	// LivePack and LiveRevision are what it is compared with, "" before the first
	// event; what was counted beside another revision is dropped.
	LivePack, LiveRevision string
	// Decisions is how many events both have judged, Differing on how many of them
	// they disagree; Sessions and Affected are the sessions that these belong to,
	// as far as they're remembered.
	Decisions, Differing uint64
	Sessions, Affected   uint64
	Matrix               ShadowMatrix
	// Examples are the latest disagreements, the newest first.
	Examples []Disagreement
	// Errors counts the events on which it gave no answer, by code; Dropped those
	// that came faster than they were judged.
	Errors  map[string]uint64
	Dropped uint64
	// Took is how long it takes for an event, LiveTook how long the policy in force
	// does for the same.
	Took, LiveTook Quantiles
	// Refused is why it should not be promoted; empty if it may be.
	Refused []string
}

// Share is the share of decisions on which the two disagree.
func (r *ShadowReport) Share() float64 {
	if r.Decisions == 0 {
		return 0
	}
	return float64(r.Differing) / float64(r.Decisions)
}

// ShadowMatrix is what decisions are counted by: the row is what the policy in
// force said, the column what the candidate did, both in the order of severity.
type ShadowMatrix [Revoke][Revoke]uint64

// Count takes down that the two outcomes met. Neither is NoOutcome.
func (m *ShadowMatrix) Count(live, shadow Outcome) { m[live-1][shadow-1]++ }

// At is how often the two outcomes met.
func (m *ShadowMatrix) At(live, shadow Outcome) uint64 { return m[live-1][shadow-1] }

// Disagreement is one event on which candidate and policy in force differ.
type Disagreement struct {
	Session      SessionID
	Decision     string // its id
	Time         time.Time
	Live, Shadow Opinion
}

// Opinion is what a policy made of one event. Reasons are the codes that the other
// didn't give.
type Opinion struct {
	Outcome Outcome
	Score   int
	Reasons []string
}

// Quantiles are of a time.
type Quantiles struct{ P50, P99, Max time.Duration }

// Why a trial doesn't begin or end as somebody wants.
var (
	ErrUnknownShadow  = errors.New("no candidate of that name is on trial")
	ErrShadowExists   = errors.New("a candidate of that name is on trial already")
	ErrTooManyShadows = errors.New("too many candidates are on trial already")
	ErrNotHeld        = errors.New("no such revision is held")
)

// NotPromoted is why a candidate isn't put in force.
type NotPromoted struct{ Reasons []string }

func (e *NotPromoted) Error() string { return strings.Join(e.Reasons, "; ") }

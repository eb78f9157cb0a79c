package client

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/riskd/riskd"
)

// Decision is what to do with a request.
type Decision struct {
	// Outcome is allow, step_up or revoke, and never anything else.
	Outcome riskd.Outcome
	// Source is where it comes from: riskd's own word ("fresh", "fallback",
	// "revocation", "expiry", "suspension") or one of the sources of this package.
	Source string
	ID     string // riskd's, of the decision that a lease rests on too
	Score  int    // 0 to 100
	Level  string // LOW, MEDIUM or HIGH
	// Session is the session's public reference.
	Session string
	Reasons []string // codes, the weightiest first
	// StepUp is the proof to ask for; nil where the outcome is another, where none
	// would help, and where riskd couldn't be asked.
	StepUp *StepUp
	// Degraded are codes of what didn't work.
	Degraded []string
	// UserText is safe to show to the user.
	UserText string

	lease time.Duration
	epoch uint64
}

// The sources of decisions that riskd wasn't asked for.
const (
	SourceLease   = "lease"   // the last decision is still good
	SourceStream  = "stream"  // riskd doesn't answer, and an order is known that meets the session
	SourceFailure = "failure" // riskd doesn't answer: what the class gets then
)

// StepUp is a challenge.
type StepUp struct {
	ID     string
	ACR    []string
	AMR    []string
	MaxAge time.Duration // how old the authentication may be; 0 is any age
}

// wireDecision is as much of riskd's answer as matters here.
type wireDecision struct {
	ID       string `json:"decision_id"`
	Decision string `json:"decision"`
	Score    int    `json:"score"`
	Level    string `json:"level"`
	Session  string `json:"session"`
	Reasons  []struct {
		Code string `json:"code"`
	} `json:"reasons"`
	StepUp *struct {
		ID     string   `json:"id"`
		ACR    []string `json:"acr_values"`
		AMR    []string `json:"amr_values"`
		MaxAge int      `json:"max_age"`
	} `json:"step_up"`
	Lease struct {
		ValidForMS int64  `json:"valid_for_ms"`
		Epoch      uint64 `json:"revocation_epoch"`
	} `json:"lease"`
	State struct {
		Source   string   `json:"source"`
		Degraded []string `json:"degraded"`
	} `json:"state"`
	UserText map[string]string `json:"reason_user"`
}

// longestLease is more than any pack gives: a longer one is a mistake.
const longestLease = time.Hour

// readDecision reads riskd's answer. One that isn't clearly a decision is an error.
func readDecision(body []byte) (Decision, error) {
	var w wireDecision
	if err := json.Unmarshal(body, &w); err != nil {
		return Decision{}, fmt.Errorf("the answer is no decision: %w", err)
	}
	outcome, err := riskd.ParseOutcome(w.Decision)
	if err != nil {
		return Decision{}, fmt.Errorf("the answer is no decision: %w", err)
	}
	d := Decision{
		Outcome: outcome, Source: w.State.Source, ID: w.ID, Score: w.Score, Level: w.Level, Session: w.Session,
		Degraded: w.State.Degraded, UserText: w.UserText["en"], epoch: w.Lease.Epoch,
	}
	for i := range w.Reasons {
		d.Reasons = append(d.Reasons, w.Reasons[i].Code)
	}
	if u := w.StepUp; u != nil {
		d.StepUp = &StepUp{u.ID, u.ACR, u.AMR, time.Duration(u.MaxAge) * time.Second}
	}
	if outcome == riskd.Allow && w.Lease.ValidForMS > 0 && w.Lease.ValidForMS <= longestLease.Milliseconds() {
		d.lease = time.Duration(w.Lease.ValidForMS) * time.Millisecond
	}
	return d, nil
}

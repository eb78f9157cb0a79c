package main

import (
	"context"
	"fmt"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// sideEngine is one side of a comparison.
type sideEngine struct {
	*replayEngine
	number, ids int
}

func newSideEngine(pack *policies.Pack, locator scoring.Locator, capacity int) (s *sideEngine, err error) {
	s = &sideEngine{}
	// One more than there can be: what is forgotten at the bound is left to chance.
	bounds := sessions.Options{MaxSessions: capacity + 1, MaxProfiles: capacity + 1}
	s.replayEngine, err = newReplayEngine(pack, locator, bounds, s.newID, nil)
	return s, err
}

// newID gives ids by the place of the line that is at work.
func (s *sideEngine) newID() string {
	s.ids++
	return fmt.Sprintf("%022d%04d", s.number, s.ids)
}

func (s *sideEngine) at(number int) { s.number, s.ids = number, 0 }

// Decide answers an event as of its time.
func (s *sideEngine) Decide(ctx context.Context, number int, e *riskd.Event) records.Answer {
	s.at(number)
	d := s.Engine.Decide(ctx, e, e.Time)
	return records.Answer{Decision: d, ByOrder: s.byOrder(&d)}
}

// Prove passes a challenge by what it asks for.
func (s *sideEngine) Prove(ctx context.Context, number int, u *riskd.StepUp, at time.Time) bool {
	a := riskd.StepUpAnswer{ID: u.ID, Passed: true, AuthTime: at, AMR: u.Demand.AMR, Actor: "replay"}
	if !at.After(u.AuthTime) { // an identity provider's clock was ahead
		a.AuthTime = u.AuthTime.Add(time.Millisecond)
	}
	if len(u.Demand.ACR) > 0 {
		a.ACR = u.Demand.ACR[0]
	}
	_, err := s.Answer(ctx, a, at)
	return err == nil
}

// Tell lets an identity event act.
func (s *sideEngine) Tell(ctx context.Context, number int, e *riskd.IdentityEvent) error {
	s.at(number)
	_, err := s.tell(ctx, e)
	return err
}

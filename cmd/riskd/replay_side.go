package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	records "github.com/riskd/riskd/replay"
	"github.com/riskd/riskd/replay/measure"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// sideEngine is the engine of one pack in a study.
type sideEngine struct {
	*replayEngine
	bonus       float64 // the pack's, for a single request
	number, ids int
	// Of the event at work, as records.Answer has them.
	strength       float64
	held, demanded bool
}

func newSideEngine(pack *policies.Pack, locator scoring.Locator, bounds sessions.Options) (s *sideEngine, err error) {
	s = &sideEngine{bonus: pack.Info().Tuning.RequestBonus}
	s.replayEngine, err = newReplayEngine(pack, locator, bounds, s.newID, s.record)
	return s, err
}

// newID gives ids by the place of the line that is at work.
func (s *sideEngine) newID() string {
	s.ids++
	return fmt.Sprintf("%022d%04d", s.number, s.ids)
}

func (s *sideEngine) at(number int) { s.number, s.ids = number, 0 }

// record takes up how strong the event's alarm is, and what a step-up is for.
func (s *sideEngine) record(r *riskd.Record) {
	w := &r.Weighing
	s.strength = measure.Strength(r.Nats.Identity, r.Nats.Behaviour, r.Nats.Request, s.bonus)
	s.held = w.Answer == riskd.Allow && w.Hold == riskd.HoldPending
	s.demanded = w.Answer == riskd.Allow && w.Hold == riskd.HoldOrdered
	if w.Answer > riskd.Allow && w.Score < riskd.StepUpScore {
		if slices.ContainsFunc(w.Request, func(r riskd.Reason) bool { return r.Invariant }) {
			s.strength = measure.Certain
		} else {
			s.demanded = true
		}
	}
}

// Decide answers an event as of its time.
func (s *sideEngine) Decide(ctx context.Context, number int, e *riskd.Event) records.Answer {
	s.at(number)
	d := s.Engine.Decide(ctx, e, e.Time)
	return records.Answer{
		Decision: d, ByOrder: s.byOrder(&d), Demanded: s.demanded, Held: s.held, Strength: s.strength, Country: e.Place.Country,
	}
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

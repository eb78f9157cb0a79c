package main

import (
	"context"
	"fmt"
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
	strength    float64   // of the event at work
	tended      time.Time // the memory
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

// record takes up how strong the event's alarm is. What the policy asks for below its
// thresholds isn't for its nats.
func (s *sideEngine) record(r *riskd.Record) {
	if w := &r.Weighing; w.Answer > riskd.Allow && w.Score < riskd.StepUpScore {
		s.strength = measure.Certain
		return
	}
	s.strength = measure.Strength(r.Nats.Identity, r.Nats.Behaviour, r.Nats.Request, s.bonus)
}

// tendEvery is how often by the trace's clock the memory lets go of what is over.
const tendEvery = 24 * time.Hour

func (s *sideEngine) tend(ctx context.Context, now time.Time) error {
	switch {
	case s.tended.IsZero():
		s.tended = now
	case now.Sub(s.tended) >= tendEvery:
		s.tended = now
		return s.memory.tend(ctx, now)
	}
	return nil
}

// Decide answers an event as of its time.
func (s *sideEngine) Decide(ctx context.Context, number int, e *riskd.Event) records.Answer {
	s.at(number)
	_ = s.tend(ctx, e.Time) // a store without a folder has nothing that can fail
	d := s.Engine.Decide(ctx, e, e.Time)
	return records.Answer{Decision: d, ByOrder: s.byOrder(&d), Strength: s.strength, Country: e.Place.Country}
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

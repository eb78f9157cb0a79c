package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
)

// playEvery is the time between two events that are played: slow enough to read.
const playEvery = 250 * time.Millisecond

// playScenarios plays the recorded scenarios one after another, again and again,
// until ctx ends. Those that need other tuning than the pack's are left out.
func playScenarios(ctx context.Context, s *service, screen *screen) {
	scenarios, err := fixtures.Scenarios()
	if err != nil {
		s.log.Error("scenarios not played", "error", err)
		return
	}
	tick := time.NewTicker(playEvery)
	defer tick.Stop()
	for round := 1; ; round++ {
		for i := range scenarios {
			if scenarios[i].Tuning == nil && !playScenario(ctx, s, screen, &scenarios[i], round, tick.C) {
				return
			}
		}
	}
}

// playScenario reports whether there is time for another one.
func playScenario(ctx context.Context, s *service, screen *screen, scenario *fixtures.Scenario, round int, tick <-chan time.Time) bool {
	events, err := replanted(scenario, round, time.Now())
	if err != nil {
		s.log.Error("scenario not played", "scenario", scenario.Name, "error", err)
		return ctx.Err() == nil
	}
	screen.offer("  — " + scenario.Title)
	for _, e := range events {
		select {
		case <-tick:
			s.engine.Decide(ctx, e, e.Time)
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// replanted reads a scenario's events into a tenant and a key of their own, so
// that scenarios don't meet, and moves them by whole days to just before now:
// the hour of the day is evidence too.
func replanted(scenario *fixtures.Scenario, round int, now time.Time) ([]*riskd.Event, error) {
	secret := make([]byte, riskd.MinSessionKey)
	rand.Read(secret) // never fails
	key, err := riskd.NewSessionKey(secret)
	if err != nil {
		return nil, err
	}
	var events []*riskd.Event
	for i, line := range scenario.Events {
		_, document, err := fixtures.SplitLine(line)
		if err != nil {
			return nil, err
		}
		e, err := api.DecodeTraceEvent(document, key)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", scenario.Lines[i], err)
		}
		e.Tenant = fmt.Sprintf("%s-%d", scenario.Name, round)
		events = append(events, e)
	}
	if len(events) == 0 {
		return nil, nil
	}
	const day = 24 * time.Hour
	shift := now.Sub(events[len(events)-1].Time).Truncate(day)
	for _, e := range events {
		for _, t := range []*time.Time{&e.Time, &e.Session.StartedAt, &e.Session.AuthTime} {
			if !t.IsZero() {
				*t = t.Add(shift)
			}
		}
	}
	return events, nil
}

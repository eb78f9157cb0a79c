package scoring_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/api"
	"github.com/riskd/riskd/fixtures"
	"github.com/riskd/riskd/geo"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// The engine alone, with everything real: what a decision costs without HTTP and
// JSON. Quiet is a user who stays where he is; risky alternates between two
// countries and two browsers. Sessions are many, so that a risky one isn't revoked
// at once. The decision is asserted.
func BenchmarkDecide(b *testing.B) {
	home, abroad := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("198.18.112.9")
	firefox := "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"
	chrome := "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	tests := map[string]struct {
		change func(e *riskd.Event, i int)
		want   riskd.Outcome
	}{
		"quiet": {func(e *riskd.Event, i int) {
			e.Session.ID = sessionID(i / 20_000) // before the session is as old as it may be
		}, riskd.Allow},
		"risky": {func(e *riskd.Event, i int) {
			e.Session.ID = sessionID(i / 2)
			if i%2 == 1 {
				e.Client.IP, e.Client.UserAgent = abroad, chrome
			}
		}, riskd.Revoke},
	}
	for name, test := range tests {
		b.Run(name, func(b *testing.B) {
			e := realEngine(b)
			now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				event := riskd.Event{
					Session: riskd.EventSession{ID: sessionID(0)}, User: riskd.User{ID: "ada", Roles: []string{"user"}},
					Device: riskd.Device{ID: "d1", Fingerprint: "f1"}, Client: riskd.Client{IP: home, UserAgent: firefox},
				}
				test.change(&event, i)
				now = now.Add(time.Second)
				d := e.Decide(context.Background(), &event, now)
				if i%2 == 1 && d.Outcome != test.want || len(d.Degraded) > 0 {
					b.Fatalf("decision %d is %s: %s %v", i, d.Outcome, d.AdminText, d.Degraded)
				}
				i++
			}
		})
	}
}

func sessionID(i int) riskd.SessionID {
	return riskd.SessionID{1, byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)}
}

func realEngine(b testing.TB) *scoring.Engine {
	b.Helper()
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		b.Fatal(err)
	}
	locator, err := geo.Open(geo.Options{Files: fixtures.Geo, Databases: fixtures.GeoDatabases})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(locator.Close)
	store, err := sessions.New(sessions.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ids := 0
	e, err := scoring.New(scoring.Options{
		Memory: store, Locator: locator, Policy: func() scoring.Policy { return pack },
		NewID: func() string { ids++; return fmt.Sprint(ids) }, Deadline: time.Minute,
	})
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// All scenarios, one after the other: what an event costs on a mixture that
// somebody wrote for its meaning and not for its speed. Each round begins with
// nothing remembered.
func BenchmarkScenarios(b *testing.B) {
	all, err := fixtures.Scenarios()
	if err != nil {
		b.Fatal(err)
	}
	key, err := riskd.NewSessionKey(make([]byte, riskd.MinSessionKey))
	if err != nil {
		b.Fatal(err)
	}
	var events []*riskd.Event
	for i := range all {
		if all[i].Tuning != nil {
			continue
		}
		for _, line := range all[i].Events {
			_, document, err := fixtures.SplitLine(line)
			if err != nil {
				b.Fatal(err)
			}
			e, err := api.DecodeTraceEvent(document, key)
			if err != nil {
				b.Fatal(err)
			}
			events = append(events, e)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		engine := realEngine(b)
		b.StartTimer()
		for _, e := range events {
			again := *e
			if d := engine.Decide(context.Background(), &again, e.Time); len(d.Degraded) > 0 {
				b.Fatalf("degraded: %v", d.Degraded)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}

// What an answer without evaluation costs, for a session that is known.
func BenchmarkShed(b *testing.B) {
	e := realEngine(b)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	event := riskd.Event{
		Session: riskd.EventSession{ID: sessionID(0)}, User: riskd.User{ID: "ada"},
		Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7"), UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"},
	}
	first := event
	e.Decide(context.Background(), &first, now)
	b.ReportAllocs()
	for b.Loop() {
		again := event
		if d := e.Shed(&again, now, scoring.CodeOverloaded); d.Outcome != riskd.Allow || d.Source != riskd.SourceFallback {
			b.Fatalf("shed into %s from %s", d.Outcome, d.Source)
		}
	}
}

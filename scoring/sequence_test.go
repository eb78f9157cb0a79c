package scoring_test

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/riskd/riskd"
)

// Whatever gateways report in whatever order, with the real signals, rules and
// pack: every event gets an outcome, nothing is degraded, points add up to the
// score, what is revoked stays revoked, and a step-up for risk stays until it is
// proved.
func TestAnySequenceOfEvents(t *testing.T) {
	engine := realEngine(t)
	world := []string{
		"203.0.113.7", "198.18.16.9", "198.51.100.9", "2001:db8:1::5", "198.19.16.8", "198.19.64.1",
		"198.19.105.6", "10.1.2.3", "::1", "255.255.255.255",
	}
	agents := []string{"", "curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0", "\x00\xff"}
	next := byte(0)
	rapid.Check(t, func(t *rapid.T) {
		next++
		session := riskd.SessionID{next, byte(rapid.IntRange(0, 255).Draw(t, "session")), 9}
		user := rapid.SampledFrom([]string{"", "ada", "bo"}).Draw(t, "user")
		now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		var before riskd.Decision
		for range rapid.IntRange(1, 25).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(-60, 86_400).Draw(t, "gap")) * time.Second)
			e := riskd.Event{
				Session: riskd.EventSession{ID: session, ACR: rapid.SampledFrom([]string{"", "aal1"}).Draw(t, "acr")},
				User:    riskd.User{ID: user, Roles: rapid.SampledFrom([][]string{nil, {"admin"}, {"user", "x"}}).Draw(t, "roles")},
				Device:  riskd.Device{ID: rapid.SampledFrom([]string{"", "d1", "d2"}).Draw(t, "device"), Fingerprint: rapid.SampledFrom([]string{"", "f1", "f2"}).Draw(t, "fingerprint")},
				Client:  riskd.Client{IP: netip.MustParseAddr(rapid.SampledFrom(world).Draw(t, "ip")), UserAgent: rapid.SampledFrom(agents).Draw(t, "agent")},
				Request: riskd.Request{
					Class: riskd.Class(rapid.IntRange(0, 3).Draw(t, "class")), Activity: riskd.Activity(rapid.IntRange(0, 1).Draw(t, "activity")),
					Status: rapid.SampledFrom([]int{0, 200, 403}).Draw(t, "status"),
				},
				Privilege: riskd.Privilege{Level: rapid.IntRange(0, riskd.MaxPrivilege).Draw(t, "privilege")},
			}
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			d := engine.Decide(context.Background(), &e, now)
			check(t, &e, &before, &d)
			before = d
		}
	})
}

func check(t *rapid.T, e *riskd.Event, before, d *riskd.Decision) {
	if d.Outcome == riskd.NoOutcome || len(d.Degraded) > 0 || d.Score < 0 || d.Score > 100 || d.ID == "" {
		t.Fatalf("decision %+v", d)
	}
	if before.Outcome == riskd.Revoke && d.Outcome != riskd.Revoke {
		t.Fatalf("revoked, and then %s", d.Outcome)
	}
	kept := before.Outcome == riskd.StepUpNeeded && before.Score >= riskd.StepUpScore
	if kept && d.Outcome == riskd.Allow && e.Request.Class != riskd.ClassOpen {
		t.Fatalf("stepped up at %d points, and then allowed without proof", before.Score)
	}
	if (d.Outcome == riskd.StepUpNeeded) != (d.StepUp != nil) {
		t.Fatalf("%s with challenge %+v", d.Outcome, d.StepUp)
	}
	if d.Source == riskd.SourceRevocation {
		return
	}
	points := 0
	for _, r := range d.Reasons {
		points += r.Points
	}
	if points != d.Score {
		t.Fatalf("points of %+v add up to %d, the score is %d", d.Reasons, points, d.Score)
	}
	if d.Outcome == riskd.Allow && d.Score >= riskd.StepUpScore && e.Request.Class != riskd.ClassOpen {
		t.Fatalf("allowed at %d points", d.Score)
	}
	if slices.Contains(d.Missing, "") {
		t.Fatalf("missing %q", d.Missing)
	}
}

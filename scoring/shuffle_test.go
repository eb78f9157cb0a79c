package scoring_test

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
)

// In whichever order a session's events arrive, with the real signals and rules:
// what is remembered of its times is the same; an ordinary user stays one; and of one
// who moves, no time that runs backwards makes a speed, or a number that is none.
func TestEventsInAnyOrder(t *testing.T) {
	rule := realEngine(t)
	const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		moves := rapid.Bool().Draw(t, "moves")
		n := rapid.IntRange(2, 20).Draw(t, "events")
		type sent struct {
			at time.Duration
			ip string
		}
		events := make([]sent, n)
		for i := range events {
			// Within the hour that nobody travels far in; 203.0.113.0/24 is in Paris,
			// 198.51.100.0/24 in New York.
			events[i] = sent{time.Duration(rapid.IntRange(0, 1500).Draw(t, "second")) * time.Second, "203.0.113.7"}
			if moves && rapid.Bool().Draw(t, "away") {
				events[i].ip = "198.51.100.9"
			}
		}
		play := func(order []sent) (s riskd.Session, last riskd.Decision) {
			store, err := sessions.New(sessions.Options{})
			if err != nil {
				t.Fatal(err)
			}
			o := rule.Options
			o.Memory = store
			engine, err := scoring.New(o)
			if err != nil {
				t.Fatal(err)
			}
			round++
			e := riskd.Event{
				Session: riskd.EventSession{ID: riskd.SessionID{byte(round), byte(round >> 8), 3}, StartedAt: start},
				User:    riskd.User{ID: fmt.Sprint("user-", round)}, Client: riskd.Client{UserAgent: agent},
			}
			for _, in := range order {
				event := e
				event.Client.IP = netip.MustParseAddr(in.ip)
				last = engine.Decide(context.Background(), &event, start.Add(in.at))
				for i := range last.Reasons {
					if x := last.Reasons[i].Nats; math.IsNaN(x) || math.IsInf(x, 0) {
						t.Fatalf("%s is worth %g nats", last.Reasons[i].Code, x)
					}
				}
				if last.Score < 0 || last.Score > 100 {
					t.Fatalf("score %d", last.Score)
				}
			}
			s, _ = store.Session(e.Session.ID)
			return s, last
		}
		first, decided := play(events)
		shuffled, again := play(rapid.Permutation(events).Draw(t, "order"))
		if first.Status == riskd.StatusActive && shuffled.Status == riskd.StatusActive &&
			(!first.Start.Equal(shuffled.Start) || !first.SeenAt.Equal(shuffled.SeenAt) || !first.ActiveAt.Equal(shuffled.ActiveAt) || first.Requests != shuffled.Requests) {
			t.Fatalf("seen at %s, active at %s, %d requests; shuffled %s, %s, %d",
				first.SeenAt, first.ActiveAt, first.Requests, shuffled.SeenAt, shuffled.ActiveAt, shuffled.Requests)
		}
		if !moves && (decided.Outcome != riskd.Allow || again.Outcome != riskd.Allow) {
			t.Fatalf("at home all the time, and answered %s, shuffled %s: %s %s", decided.Outcome, again.Outcome, decided.AdminText, again.AdminText)
		}
	})
}

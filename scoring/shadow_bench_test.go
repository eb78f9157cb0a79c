package scoring_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
)

// What candidates add to a quiet decision. "free" is a policy that judges in no
// time: what is left, beside one in force that does the same, is the cost of trials
// themselves. The others are the default pack, beside itself.
func BenchmarkShadows(b *testing.B) {
	pack := compile(b, `{}`)
	free := instant{pack.Info()}
	for _, test := range []struct {
		name       string
		live       scoring.Policy
		candidates []scoring.Candidate
	}{
		{"free/none", free, nil},
		{"free/not sampled", free, []scoring.Candidate{{Policy: free, Rate: 1e-12, Inline: true}}},
		{"free/one", free, []scoring.Candidate{{Policy: free, Rate: 1, Inline: true}}},
		{"free/three", free, []scoring.Candidate{{Policy: free, Rate: 1, Inline: true}, {Policy: free, Rate: 1, Inline: true}, {Policy: free, Rate: 1, Inline: true}}},
		{"default/none", pack, nil},
		{"default/1% aside", pack, []scoring.Candidate{{Policy: pack, Rate: 0.01}}},
		{"default/all aside", pack, []scoring.Candidate{{Policy: pack, Rate: 1}}},
		{"default/all inline", pack, []scoring.Candidate{{Policy: pack, Rate: 1, Inline: true}}},
	} {
		b.Run(test.name, func(b *testing.B) {
			h := newHouse(b, test.live)
			for i, c := range test.candidates {
				c.Name = fmt.Sprint("c", i)
				h.try(b, c)
			}
			now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				event := riskd.Event{
					Session: riskd.EventSession{ID: sessionID(i % 1000)}, User: riskd.User{ID: "ada", Roles: []string{"user"}},
					Device: riskd.Device{ID: "d1", Fingerprint: "f1"}, Client: riskd.Client{IP: netip.MustParseAddr("203.0.113.7")},
				}
				now = now.Add(time.Second)
				if d := h.Decide(context.Background(), &event, now); d.Outcome != riskd.Allow {
					b.Fatal(d.AdminText)
				}
				i++
			}
		})
	}
}

// instant judges in no time.
type instant struct{ info *riskd.Pack }

func (i instant) Info() *riskd.Pack { return i.info }

func (i instant) Reasons(context.Context, *riskd.Case) ([]riskd.Reason, error) { return nil, nil }

func (i instant) Judge(context.Context, *riskd.Case) (riskd.Judgement, error) {
	return riskd.Judgement{Outcome: riskd.Allow}, nil
}

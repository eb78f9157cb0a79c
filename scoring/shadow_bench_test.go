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

// What candidates add to a quiet decision. "free" is one that judges in no time,
// as a compiled pack nearly does: what is left is the cost of trials themselves.
func BenchmarkShadows(b *testing.B) {
	pack := compile(b, `{}`)
	for name, candidates := range map[string][]scoring.Candidate{
		"none":              nil,
		"not sampled":       {{Policy: instant{pack.Info()}, Rate: 1e-12, Inline: true}},
		"one free":          {{Policy: instant{pack.Info()}, Rate: 1, Inline: true}},
		"three free":        {{Policy: instant{pack.Info()}, Rate: 1, Inline: true}, {Policy: instant{pack.Info()}, Rate: 1, Inline: true}, {Policy: instant{pack.Info()}, Rate: 1, Inline: true}},
		"default, inline":   {{Policy: pack, Rate: 1, Inline: true}},
		"default, aside":    {{Policy: pack, Rate: 1}},
		"default, 1% aside": {{Policy: pack, Rate: 0.01}},
	} {
		b.Run(name, func(b *testing.B) {
			h := newHouse(b, pack)
			for i := range candidates {
				candidates[i].Name = fmt.Sprint("c", i)
				h.try(b, candidates[i])
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

package policies_test

import (
	"context"
	"testing"
	"time"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/policies"
	"github.com/riskd/riskd/signals"
)

// The whole of what one decision asks of the shipped pack, of its programs and
// of OPA: input, both queries, hand-over to the evaluator, reading the answers. Quiet is a request on which
// nothing has changed, risky one from a new country on another machine.
func BenchmarkAsk(b *testing.B) {
	pack, err := policies.Compile("default", policies.Default(), policies.Options{Signals: signals.Descriptions()})
	if err != nil {
		b.Fatal(err)
	}
	for name, test := range map[string]struct {
		c       *riskd.Case
		reasons int
		want    riskd.Outcome
	}{
		"quiet": {measured(quietCase(), nil, 0), 1, riskd.Allow},
		"risky": {measured(quietCase(), map[string]float64{
			"new_country.value": 1, "new_country.nats": 6.1, "geo_velocity.low_kmh": 2400, "geo_velocity.excess_km": 5000,
			"geo_velocity.nats": 2.5, "network_kind.value": 1, "network_kind.nats": 1, "device_change.nats": 4,
			"user_agent_change.value": 1, "user_agent_change.nats": 7, "ip_change.value": 3,
		}, 100), 5, riskd.Revoke},
	} {
		for by, pack := range map[string]*policies.Pack{"compiled": pack, "OPA": policies.Reference(pack)} {
			b.Run(name+"/"+by, func(b *testing.B) {
				ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
				defer cancel()
				b.ReportAllocs()
				for b.Loop() {
					reasons, err := pack.Reasons(ctx, test.c)
					if err != nil || len(reasons) != test.reasons {
						b.Fatal(reasons, err)
					}
					test.c.Reasons = reasons
					judgement, err := pack.Judge(ctx, test.c)
					if err != nil || judgement.Outcome != test.want {
						b.Fatal(judgement, err)
					}
				}
			})
		}
	}
}

// measured gives every signal a reading: 0, or the values by signal.member.
func measured(c *riskd.Case, values map[string]float64, score float64) *riskd.Case {
	c.Readings, c.Score = nil, score
	for _, s := range signals.Descriptions() {
		r := riskd.Reading{State: riskd.Measured, Value: values[s.Name+".value"], Nats: values[s.Name+".nats"]}
		for i, d := range s.Details {
			r.Details[i].Number = values[s.Name+"."+d.Name]
		}
		c.Readings = append(c.Readings, r)
	}
	return c
}

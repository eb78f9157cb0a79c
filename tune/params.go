package tune

import (
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Params are the numbers of a pack that can be tuned.
type Params struct {
	StepUpNats   float64
	RevokeNats   float64
	RequestBonus float64
	HalfLife     [2]time.Duration           // by Channel
	Cap          [2]float64                 // by Channel
	GroupCap     [riskd.Groups]riskd.Bounds // by Group
	Rules        []RuleParams               // by the place of their codes in Log.Codes
}

// RuleParams are the numbers of a code's reasons: for one that is Constant the
// weight is its nats.
type RuleParams struct {
	Weight, Min, Max float64
	Off              bool // leaves the code out, whatever its kind
}

func (p *Params) clone() *Params {
	c := *p
	c.Rules = slices.Clone(p.Rules)
	return &c
}

// paramsOf takes the numbers of a pack.
func paramsOf(t *riskd.Tuning) Params {
	return Params{
		StepUpNats: t.StepUpNats, RevokeNats: t.RevokeNats, RequestBonus: t.RequestBonus,
		HalfLife: t.HalfLife, Cap: t.Cap, GroupCap: t.GroupCap,
	}
}

// found is the evidence that a rule makes of a reading.
func (p *Params) found(kind Tunable, code uint16, raw float64) float64 {
	r := &p.Rules[code]
	switch {
	case r.Off || kind == Alarm:
		return 0
	case kind == Weighed:
		return min(max(r.Weight*raw, r.Min), r.Max)
	case kind == Constant:
		return r.Weight
	}
	return raw
}

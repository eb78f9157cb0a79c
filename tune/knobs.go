package tune

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// knob is one number that can be turned.
type knob struct {
	path []string // of the member in tuning.json
	get  func(*Params) float64
	set  func(*Params, float64)
	// low and high bound it.
	low, high float64
	// plain says that it is turned by steps rather than by factors.
	plain bool
	// duration says that it is a time, in seconds.
	duration bool
	// rare says that there is too little evidence to turn it by.
	rare bool
}

// The knobs' bounds beside those that follow from the pack's own numbers.
const (
	widest   = 8.0  // factor from the pack's own number, either way
	mostNats = 25.0 // that one event may be worth by a rule or a group
	bonuses  = 8.0
	leastUse = 20 // events that a reason must have been given on for its numbers to be tried
)

// knobs are those of a log's pack that a search may turn: every number of every rule
// that has evidence enough in the log, and what bounds and forgets it, as far from
// the pack's own as is sensible. The thresholds aren't among them: they follow from
// the budget.
func (l *Log) knobs(own *Params) []knob {
	return slices.DeleteFunc(l.allKnobs(own), func(k knob) bool {
		if k.plain {
			return false
		}
		return k.get(own) == 0 || k.rare // no factor makes anything of nothing
	})
}

// allKnobs are those, and what has too little evidence.
func (l *Log) allKnobs(own *Params) []knob {
	var all []knob
	add := func(k knob) {
		if now := k.get(own); !k.plain {
			k.low, k.high = min(now/widest, now*widest), max(now/widest, now*widest)
		}
		all = append(all, k)
	}
	for i := range l.codes {
		l.ruleKnobs(i, own, add)
	}
	for g := range riskd.Groups {
		add(knob{path: []string{"group_cap", g.String(), "max"}, get: func(p *Params) float64 { return p.GroupCap[g].Max }, set: func(p *Params, x float64) { p.GroupCap[g].Max = min(x, mostNats) }})
		add(knob{path: []string{"group_cap", g.String(), "min"}, get: func(p *Params) float64 { return p.GroupCap[g].Min }, set: func(p *Params, x float64) { p.GroupCap[g].Min = x }})
	}
	for _, c := range []riskd.Channel{riskd.ChannelIdentity, riskd.ChannelBehaviour} {
		add(knob{
			path: []string{"half_life", c.String()}, duration: true,
			get: func(p *Params) float64 { return p.HalfLife[c].Seconds() },
			set: func(p *Params, x float64) { p.HalfLife[c] = time.Duration(x) * time.Second },
		})
		add(knob{path: []string{"cap", c.String()}, get: func(p *Params) float64 { return p.Cap[c] }, set: func(p *Params, x float64) { p.Cap[c] = x }})
	}
	add(knob{
		path: []string{"score", "request_bonus"}, plain: true, low: 0, high: bonuses,
		get: func(p *Params) float64 { return p.RequestBonus }, set: func(p *Params, x float64) { p.RequestBonus = x },
	})
	return all
}

func (l *Log) ruleKnobs(i int, own *Params, add func(knob)) {
	c := &l.codes[i]
	rare := c.Against+c.For < leastUse
	at := func(member string) []string { return []string{"rules", c.Name, member} }
	weight := knob{
		path: at("weight"), rare: rare,
		get: func(p *Params) float64 { return p.Rules[i].Weight }, set: func(p *Params, x float64) { p.Rules[i].Weight = x },
	}
	switch c.Kind {
	case Constant:
		weight.path = at("nats")
		add(weight)
	case Weighed:
		add(weight)
		if c.Against > 0 && own.Rules[i].Max > 0 {
			add(knob{path: at("max"), rare: rare, get: func(p *Params) float64 { return p.Rules[i].Max }, set: func(p *Params, x float64) { p.Rules[i].Max = min(x, mostNats) }})
		}
		if c.For > 0 && own.Rules[i].Min < 0 {
			add(knob{path: at("min"), rare: rare, get: func(p *Params) float64 { return p.Rules[i].Min }, set: func(p *Params, x float64) { p.Rules[i].Min = x }})
		}
	}
}

// turn gives the parameters with one knob turned: by a factor of 1 + step or its
// inverse, or by so many half nats where it is plain. ok is false if it can't be.
func (k *knob) turn(p *Params, step float64, up bool) (turned *Params, ok bool) {
	now := k.get(p)
	to := now * (1 + step)
	switch {
	case k.plain && up:
		to = now + 2*step
	case k.plain:
		to = now - 2*step
	case !up:
		to = now / (1 + step)
	}
	return k.to(p, to)
}

// to gives the parameters with the knob at a value, which is rounded.
func (k *knob) to(p *Params, x float64) (turned *Params, ok bool) {
	x = k.neat(min(max(x, k.low), k.high))
	turned = p.clone()
	k.set(turned, x)
	return turned, k.get(turned) != k.get(p)
}

// neat rounds to what people would write: two digits, or whole seconds.
func (k *knob) neat(x float64) float64 {
	if x == 0 {
		return 0
	}
	grain := math.Pow10(int(math.Floor(math.Log10(math.Abs(x)))) - 1)
	if k.plain {
		grain = 0.25
	}
	if k.duration {
		grain = max(grain, 1)
	}
	return round(math.Round(x/grain) * grain)
}

// distance is how far a knob is from where the pack has it: in doublings, or in nats
// where it is plain.
func (k *knob) distance(p, own *Params) float64 {
	a, b := k.get(p), k.get(own)
	switch {
	case a == b:
		return 0
	case k.plain:
		return math.Abs(a - b)
	case a == 0:
		return math.Log2(widest)
	}
	return math.Abs(math.Log2(a / b))
}

// show writes a knob's value as tuning.json would have it.
func (k *knob) show(p *Params) string {
	x := k.get(p)
	if k.duration {
		return durationText(time.Duration(x) * time.Second)
	}
	return fmt.Sprintf("%g", x)
}

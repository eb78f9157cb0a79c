package tune

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/riskd/riskd"
)

// Part is something that a pack can do without, and what it is worth.
type Part struct {
	Kind string `json:"kind"` // signal, rule, group, channel or weighing
	Name string `json:"name"`
	// Budgets are its worth at each of the budgets that were asked for.
	Budgets []PartWorth `json:"budgets"`
	// Nothing says that at no budget is any family caught less without it.
	Nothing bool `json:"nothing"`
}

// PartWorth is what a part is worth at a budget of false step-ups for each user and
// month, to which the threshold is set again without it.
type PartWorth struct {
	Budget   float64 `json:"budget"`
	StepUp   float64 `json:"step_up_nats"`
	FSU      float64 `json:"fsu"`
	MacroTPR float64 `json:"macro_tpr"` // without it
	// Worth is how much of the macro TPR goes without it, Families is the same for each.
	Worth    Interval           `json:"worth"`
	Families map[string]float64 `json:"families"`
}

// Whole names the pack with all its parts.
const Whole = "everything"

// Ablate weighs a view again without each signal, rule, group and channel in turn,
// without memory, and without the alarm on single requests. First is the pack as it
// is, then the others, those that are worth most in front. Rules that look at
// others' readings go on doing so: what is left out is evidence, not measuring.
func Ablate(ctx context.Context, v *View, budgets []float64, seed uint64) ([]Part, error) {
	if len(v.log.attacks) == 0 {
		return nil, ErrNoAttacks
	}
	if len(budgets) == 0 {
		return nil, errors.New("tune.Ablate: needs a budget")
	}
	a := &ablation{view: v, budgets: budgets, seed: seed}
	whole := a.without("", Whole, v.log.Own())
	all := []Part{}
	for _, cut := range v.log.cuts() {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p := v.log.Own()
		cut.off(p)
		all = append(all, a.without(cut.kind, cut.name, p))
	}
	slices.SortStableFunc(all, func(a, b Part) int { return cmp.Compare(b.Budgets[0].Worth.Value, a.Budgets[0].Worth.Value) })
	return append([]Part{whole}, all...), nil
}

type ablation struct {
	view    *View
	budgets []float64
	seed    uint64
	whole   []*Outcome // by budget
}

func (a *ablation) without(kind, name string, p *Params) Part {
	w := newScale(a.view.log, p)
	peaks := a.view.peaks(w)
	part := Part{Kind: kind, Name: name, Nothing: kind != ""}
	for i, budget := range a.budgets {
		at, _ := a.view.thresholds(w, peaks, budget, defaultRevokes)
		o := a.view.Measure(at)
		if kind == "" {
			a.whole = append(a.whole, o)
		}
		f, whole := o.Figures(), a.whole[i].Figures()
		worth := PartWorth{Budget: budget, StepUp: at.StepUpNats, FSU: tidy(f.FSU), MacroTPR: tidy(f.MacroTPR), Families: map[string]float64{}}
		if kind != "" {
			worth.Worth = difference(a.seed, macroOf, a.whole[i], o)
		}
		for k := range f.Families {
			less := tidy(whole.Families[k].TPR - f.Families[k].TPR)
			worth.Families[f.Families[k].Name] = less
			part.Nothing = part.Nothing && less <= 0
		}
		part.Budgets = append(part.Budgets, worth)
	}
	return part
}

// cut takes a part of a pack away.
type cut struct {
	kind, name string
	off        func(*Params)
}

// cuts are all that there are, by what has given reasons in the log.
func (l *Log) cuts() (all []cut) {
	rules := map[string][]string{} // by signal
	for i := range l.codes {
		c := &l.codes[i]
		if !slices.Contains(rules[c.Signal], c.Name) {
			rules[c.Signal] = append(rules[c.Signal], c.Name)
		}
	}
	for _, signal := range sortedKeys(rules) {
		all = append(all, cut{"signal", signal, l.offWhere(func(c *Code) bool { return c.Signal == signal })})
		slices.Sort(rules[signal])
		for _, name := range rules[signal] {
			if len(rules[signal]) > 1 {
				all = append(all, cut{"rule", name, l.offWhere(func(c *Code) bool { return c.Name == name })})
			}
		}
	}
	for g := range riskd.Groups {
		all = append(all, cut{"group", g.String(), l.offWhere(func(c *Code) bool { return c.Group == g })})
	}
	for _, channel := range []riskd.Channel{riskd.ChannelIdentity, riskd.ChannelBehaviour} {
		all = append(all, cut{"channel", channel.String(), l.offWhere(func(c *Code) bool { return c.Channel == channel })})
	}
	return append(
		all,
		cut{"weighing", "memory", func(p *Params) { p.HalfLife = [2]time.Duration{1, 1} }},
		cut{"weighing", "single request", func(p *Params) { p.RequestBonus = -noAlarm }},
	)
}

// noAlarm is a bonus so low that no single request raises the alarm, in nats.
const noAlarm = 1e9

func (l *Log) offWhere(is func(c *Code) bool) func(*Params) {
	return func(p *Params) {
		for i := range l.codes {
			if is(&l.codes[i]) {
				p.Rules[i].Off = true
			}
		}
	}
}

package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// SearchOptions say what is looked for.
type SearchOptions struct {
	// Budget is how many false step-ups each user may get in a month.
	Budget float64
	// Revokes is the same for false revokes. Default: 0.01.
	Revokes float64
	// Ratio is how many times as often as all users those of one archetype may be
	// asked. Default: 3.
	Ratio float64
	// Seed makes a search repeatable.
	Seed uint64
	// Rounds is how often all numbers are tried. Default: 4.
	Rounds int
	// ThresholdsOnly leaves all other numbers as they are.
	ThresholdsOnly bool
	// Since are the changes that the log's pack has already, if it was recorded to go on
	// with a search: what it costs to change something counts from before them.
	Since []Change
	// Without is a family of attacks to leave out.
	Without string
	// Progress is told now and then how much is done. Optional.
	Progress func(done, of int, macro float64)
}

// The defaults: detection.md, section 4.4.
const (
	defaultRevokes = 0.01
	defaultRatio   = 3
	defaultRounds  = 4
)

// Found is what a search has found.
type Found struct {
	// Shipped are the pack's own numbers, with thresholds for the same budget.
	Shipped *Params
	Chosen  *Params
	Changes []Change
	// Tried are the parameters that were tried, at the budget, at half and at twice
	// of it.
	Tried []Point
}

// Change is one number that is to be changed, as tuning.json has it: a number, or a
// time such as "4h".
type Change struct {
	Path []string `json:"path"`
	From string   `json:"from"`
	To   string   `json:"to"`

	from, to float64 // a time in seconds
	duration bool
}

// Name is the path as people write it.
func (c *Change) Name() string { return strings.Join(c.Path, ".") }

// Threshold reports whether the change is one of the thresholds, which follow from
// the other numbers and from the budget.
func (c *Change) Threshold() bool { return slices.Contains(thresholdNames, c.Name()) }

var thresholdNames = []string{"score.step_up_nats", "score.revoke_nats"}

// Search looks for numbers that catch more attacks in view at the same budget of
// false step-ups. It turns one number after the other, in a random order, up and
// down, by less in every round, and keeps what is worth more than changing it costs.
func Search(ctx context.Context, train *View, o SearchOptions) (*Found, error) {
	switch {
	case !(o.Budget > 0):
		return nil, errors.New("tune.SearchOptions.Budget: must be above 0")
	case o.Rounds < 0:
		return nil, errors.New("tune.SearchOptions.Rounds: must not be negative")
	}
	if o.Revokes == 0 {
		o.Revokes = defaultRevokes
	}
	if o.Ratio == 0 {
		o.Ratio = defaultRatio
	}
	if o.Rounds == 0 {
		o.Rounds = defaultRounds
	}
	if o.Progress == nil {
		o.Progress = func(int, int, float64) {}
	}
	s := &search{o: &o, aim: aim{view: train, budget: o.Budget, revokes: o.Revokes, ratio: o.Ratio, without: o.Without}}
	s.price = pricePerChange(train.Attacks())
	s.own = train.log.before(o.Since)
	if !o.ThresholdsOnly {
		s.knobs = train.log.knobs(s.own)
	}
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	return s.found(), nil
}

// pricePerChange is what a change has to earn, as a share of attacks: half an attack,
// and at least a thousandth [assumed].
func pricePerChange(attacks int) float64 { return max(0.001, 0.5/float64(max(1, attacks))) }

type search struct {
	aim
	o       *SearchOptions
	shipped *scored
	best    *scored
	tried   []Point
	done    int
	of      int
}

// steps are by how much numbers are turned, round by round.
func stepOf(round int) float64 { return max(0.05, math.Pow(0.5, float64(round))) }

func (s *search) run(ctx context.Context) error {
	s.of = 1 + s.o.Rounds*2*len(s.knobs)
	s.shipped = s.try(s.own)
	s.best = s.shipped
	if len(s.o.Since) > 0 {
		if c := s.try(s.view.log.Own()); c.value > s.best.value {
			s.best = c
		}
	}
	random := rand.New(rand.NewPCG(s.o.Seed, 5))
	for round := range s.o.Rounds {
		for _, i := range random.Perm(len(s.knobs)) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.turn(&s.knobs[i], stepOf(round))
		}
	}
	return s.prune(ctx)
}

func (s *search) try(p *Params) *scored {
	c := s.score(p)
	s.tried = append(s.tried, c.byTimes[:]...)
	s.done++
	if s.best == nil || s.done%20 == 0 {
		macro := c.macro
		if s.best != nil {
			macro = s.best.macro
		}
		s.o.Progress(min(s.done, s.of), s.of, macro)
	}
	return c
}

// turn turns a knob up, else down, and on in the same direction as long as that helps.
func (s *search) turn(k *knob, step float64) {
	for _, up := range []bool{true, false} {
		helped := false
		for {
			p, ok := k.turn(s.best.params, step, up)
			if !ok {
				break
			}
			c := s.try(p)
			if c.value <= s.best.value+1e-9 {
				break
			}
			s.best, helped = c, true
		}
		if helped {
			return
		}
	}
}

// prune takes back, the least useful first, what is worth less than it costs now
// that all the others are there.
func (s *search) prune(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var better *scored
		for i := range s.knobs {
			k := &s.knobs[i]
			if k.distance(s.best.params, s.own) == 0 {
				continue
			}
			p := s.best.params.clone()
			k.set(p, k.get(s.own))
			if c := s.try(p); c.value >= s.best.value-1e-9 && (better == nil || c.value > better.value) {
				better = c
			}
		}
		if better == nil {
			return nil
		}
		s.best = better
	}
}

func (s *search) found() *Found {
	f := &Found{Shipped: s.shipped.params, Chosen: s.best.params, Tried: s.tried}
	for _, k := range append(slices.Clone(s.knobs), thresholdKnobs...) {
		if k.get(s.own) != k.get(f.Chosen) {
			f.Changes = append(f.Changes, changeOf(&k, s.own, f.Chosen))
		}
	}
	slices.SortStableFunc(f.Changes, func(a, b Change) int {
		return strings.Compare(strings.Join(a.Path[:2], "."), strings.Join(b.Path[:2], "."))
	})
	return f
}

// thresholdKnobs follow from the budget.
var thresholdKnobs = []knob{
	{path: []string{"score", "step_up_nats"}, plain: true, get: func(p *Params) float64 { return p.StepUpNats }, set: func(p *Params, x float64) { p.StepUpNats = x }},
	{path: []string{"score", "revoke_nats"}, plain: true, get: func(p *Params) float64 { return p.RevokeNats }, set: func(p *Params, x float64) { p.RevokeNats = x }},
}

func changeOf(k *knob, from, to *Params) Change {
	return Change{Path: k.path, From: k.show(from), To: k.show(to), from: k.get(from), to: k.get(to), duration: k.duration}
}

// before gives the numbers that the log's pack had before some changes.
func (l *Log) before(changes []Change) *Params {
	p := l.Own()
	knobs := append(l.allKnobs(p), thresholdKnobs...)
	for i := range changes {
		for k := range knobs {
			if slices.Equal(knobs[k].path, changes[i].Path) {
				knobs[k].set(p, changes[i].from)
			}
		}
	}
	return p
}

// Without gives parameters with one change taken back.
func (l *Log) Without(p *Params, c *Change) *Params {
	p = p.clone()
	for _, k := range append(l.allKnobs(p), thresholdKnobs...) {
		if slices.Equal(k.path, c.Path) {
			k.set(p, c.from)
		}
	}
	return p
}

// durationText writes a time as people do: 4h, 8m, 1h30m.
func durationText(d time.Duration) string {
	text, unit := "", time.Hour
	for _, name := range []string{"h", "m", "s"} {
		if n := d / unit; n > 0 {
			text += fmt.Sprintf("%d%s", n, name)
			d -= n * unit
		}
		unit /= 60
	}
	if text == "" {
		return "0s"
	}
	return text
}

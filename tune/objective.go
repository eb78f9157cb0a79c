package tune

import "math"

// aim is what parameters are judged by: attacks caught at the budget, and at half and
// twice of it, so that no single person's bad day decides. All of it is a share of
// attacks, or a small price in such shares.
type aim struct {
	view    *View
	budget  float64
	revokes float64
	ratio   float64
	without string // a family that is left out
	price   float64
	own     *Params // the pack's, from which changes count
	knobs   []knob
}

// The weights of the aim [assumed]: what is caught counts most, how surely and how
// early a little.
const (
	surely     = 0.3   // of what is caught: by how much the threshold is passed
	margin     = 0.5   // nats by which passing it counts as nearly sure
	floor      = 0.7   // share below which a family counts more (detection.md, 4.4: worst family)
	belowFloor = 0.25  // how much more
	perLog     = 0.004 // for e times as many requests until the alarm
	perLet     = 0.005 // for each sensitive request let through
	perRatio   = 0.05  // for each unit by which the worst archetype is above the limit
)

var budgets = [...]struct{ times, weight float64 }{{0.5, 0.25}, {1, 0.5}, {2, 0.25}}

// scored is how good parameters are.
type scored struct {
	params  *Params // with the thresholds that the budget gives
	worth   float64 // before the price of changing
	value   float64 // worth less the price
	macro   float64 // at the budget
	fsu     float64
	byTimes [len(budgets)]Point
}

// Point is what parameters come to at some budget.
type Point struct {
	FSU      float64 `json:"fsu"`
	MacroTPR float64 `json:"macro_tpr"`
	StepUp   float64 `json:"step_up_nats"`
}

func (a *aim) score(p *Params) *scored {
	p = p.clone()
	p.StepUpNats, p.RevokeNats = a.own.StepUpNats, a.own.RevokeNats // how far apart they are
	w := newScale(a.view.log, p)
	peaks, climbs := a.view.peaks(w), a.view.climbs(w)
	s := &scored{}
	for i, b := range budgets {
		at, users := a.view.thresholds(w, peaks, a.budget*b.times, a.revokes)
		worth, macro := a.worth(at.StepUpNats, climbs)
		point := Point{MacroTPR: macro, StepUp: at.StepUpNats}
		for _, u := range users {
			point.FSU += float64(u.stepUps)
		}
		if months := a.view.UserMonths(); months > 0 {
			point.FSU /= months
		}
		s.byTimes[i] = point
		s.worth += b.weight * worth
		if b.times == 1 {
			s.params, s.macro, s.fsu = at, macro, point.FSU
			s.worth -= perRatio * max(0, a.view.unevenness(users)-a.ratio)
		}
	}
	s.value = s.worth - a.cost(p)
	return s
}

// cost is the price of being different from the pack: each change has to earn it.
func (a *aim) cost(p *Params) (sum float64) {
	for i := range a.knobs {
		if d := a.knobs[i].distance(p, a.own); d > 0 {
			sum += a.price * (1 + d) / 2
		}
	}
	return sum
}

// worth is what catching attacks is worth at a threshold.
func (a *aim) worth(stepUp float64, climbs []climb) (worth, macro float64) {
	type family struct{ n, caught, surely, logs, let float64 }
	families := map[string]*family{}
	l := a.view.log
	for i, c := range climbs {
		if !a.view.attacks[i] || l.attacks[i].family == a.without && a.without != "" {
			continue
		}
		f := families[l.attacks[i].family]
		if f == nil {
			f = &family{}
			families[l.attacks[i].family] = f
		}
		f.n++
		f.surely += logistic((c.top() - stepUp) / margin)
		seq := c.stopped(stepUp)
		if seq > 0 {
			f.caught++
			f.logs += math.Log(float64(max(1, l.attacks[i].requests(seq))))
		}
		f.let += float64(l.attacks[i].letThrough(seq))
	}
	n := float64(len(families))
	for _, name := range sortedKeys(families) {
		f := families[name]
		share := f.caught / f.n
		macro += share / n
		worth += ((1-surely)*share + surely*f.surely/f.n - belowFloor*max(0, floor-share) - perLet*f.let/f.n) / n
		if f.caught > 0 {
			worth -= perLog * f.logs / f.caught / n
		}
	}
	return worth, macro
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// unevenness is how many times as often as all users the worst archetype's are asked,
// with one alarm more on both sides, so that a few users aren't judged by one.
func (v *View) unevenness(users []asked) (worst float64) {
	all, months := 0.0, v.UserMonths()
	alarms, exposed := map[string]float64{}, map[string]float64{}
	for i := range users {
		kind := v.log.users[i].archetype
		all += float64(users[i].stepUps)
		alarms[kind] += float64(users[i].stepUps)
		exposed[kind] += v.months[i]
	}
	if len(alarms) < 2 || months == 0 {
		return 1
	}
	for kind, n := range alarms {
		worst = max(worst, (n+1)/(all*exposed[kind]/months+1))
	}
	return worst
}

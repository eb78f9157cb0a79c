package scoring

import (
	"context"
	"time"

	"github.com/riskd/riskd"
)

// onlookers are who judges a turn beside the policy in force, and on what.
type onlookers struct {
	scene   *scene // nil if nobody does
	shadows [MaxShadows]*shadow
	n       int
	kept    bool // a case for policies that come later
	started time.Time
}

// look draws the scene, if anybody looks on.
func (t *turn) look() {
	o, e := &t.beside, t.engine
	if t.Session.Lost {
		return
	}
	if e.Shadows != nil {
		for _, x := range *e.Shadows.list.Load() {
			if x.takes(t.Session.ID, t.Now) {
				o.shadows[o.n] = x
				o.n++
			}
		}
	}
	o.kept = e.Cases != nil && e.Cases.wants(t.Session.ID, t.Now)
	if o.n == 0 && !o.kept {
		return
	}
	o.scene = scenes.Get().(*scene)
	o.scene.sketch(t)
	o.started = time.Now()
}

// heard takes down how long the policy in force took, and what it said.
func (t *turn) heard() {
	if s := t.beside.scene; s != nil {
		s.live = word{pack: t.pack, outcome: t.answer.Outcome, took: time.Since(t.beside.started), err: t.err}
	}
}

// shadow has the candidates judge the scene, now that the decision is made: those
// that are fast at once and in what is left of a millisecond, the others aside.
func (t *turn) shadow(ctx context.Context) {
	o, d := &t.beside, &t.decision
	s := o.scene
	if s == nil {
		return
	}
	s.live.score, s.live.id, s.live.reasons = d.Score, d.ID, d.Reasons
	if s.live.outcome == riskd.NoOutcome { // the class's default took its place
		s.live.outcome = d.Outcome
	}
	late := t.inline(ctx)
	if !late && !o.kept {
		s.free()
		return
	}
	s.keep()
	for _, x := range o.shadows[:o.n] {
		if x != nil {
			x.putAside(t.engine, s)
		}
	}
	if o.kept {
		t.engine.Cases.put(s)
	}
}

// inline asks the candidates that answer at once, and strikes them off. It reports
// whether any are left.
func (t *turn) inline(ctx context.Context) (left bool) {
	o := &t.beside
	ctx, cancel := context.WithTimeout(ctx, inlineBudget)
	defer cancel()
	for i, x := range o.shadows[:o.n] {
		if ctx.Err() != nil || !x.ready() {
			left = true
			continue
		}
		w := x.judge(ctx, t.engine, o.scene, true)
		x.pace(w.took)
		if w.err != nil && ctx.Err() != nil {
			left = true
			continue
		}
		o.shadows[i] = nil
		if w.err == nil {
			t.decision.Shadow = append(t.decision.Shadow, riskd.Shadow{
				Pack: w.pack.Name, Revision: w.pack.Revision, Outcome: w.outcome, Score: w.score,
			})
		}
	}
	return left
}

package signals_test

import (
	"fmt"
	"testing"

	"github.com/riskd/riskd"
)

// routes is a walk of somebody who knows twenty of them.
func routes(t *testing.T) *walk {
	w := newWalk(t)
	for i := range 20 {
		w.Profile.Routes.See(fmt.Sprint("/known/", i), noon, true)
	}
	return w
}

func TestRouteNovelty(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		route string
		class riskd.Class
		fresh float64
		nats  float64
	}{
		"known":        {"/known/3", riskd.ClassStandard, 0, 0},
		"new":          {"/new", riskd.ClassStandard, 1, 0.45},
		"new picture":  {"/new.png", riskd.ClassOpen, 0, 0},
		"new and more": {"/admin/new", riskd.ClassAdmin, 1, 0.45}, // what power says is said elsewhere
	} {
		w := routes(t)
		w.Event.Request.Route, w.Event.Request.Class = c.route, c.class
		if f := w.read("route_novelty"); f.State != riskd.Measured || !near(f.Nats, c.nats) || f.numbers["new"] != c.fresh || f.texts["route"] != c.route {
			t.Errorf("%s: %g nats, %v %v", name, f.Nats, f.numbers, f.texts)
		}
		if f := w.goOn(0).read("route_novelty"); f.Nats > 0 {
			t.Errorf("%s, again: %g nats", name, f.Nats)
		}
	}
	w := routes(t)
	wantMissing(t, w.read("route_novelty"), "route")
	w.Event.Request.Route = "/new"
	w.Profile.Routes = riskd.Sketch{}
	wantMissing(t, w.read("route_novelty"), "history")
}

// However much is new, it stays little; what is known takes it back.
func TestLookingAround(t *testing.T) {
	t.Parallel()
	w, sum := routes(t), 0.0
	ask := func(route string) {
		w.Event.Request.Route = route
		sum += w.read("route_novelty").Nats
		w.goOn(0)
	}
	for i := range 50 {
		ask(fmt.Sprint("/new/", i))
	}
	if !near(sum, 2) {
		t.Errorf("fifty new routes come to %g nats, want 2", sum)
	}
	if share := w.read("route_novelty").Value; share < 0.3 {
		t.Errorf("the share of new ones is %g", share)
	}
	for range 30 {
		ask("/known/1")
	}
	if !near(sum, 0) {
		t.Errorf("thirty known ones leave %g nats", sum)
	}
}

package signals_test

import (
	"fmt"
	"testing"

	"github.com/riskd/riskd"
)

func TestPrivilegeNovelty(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		class       riskd.Class
		level       int
		action      string
		value, nats float64
	}{
		"an ordinary page":              {riskd.ClassStandard, 0, "view", 0, 0},
		"an export, as ever":            {riskd.ClassSensitive, 3, "export", 0, 0},
		"another action of the kind":    {riskd.ClassSensitive, 3, "export_all", 1, 0.4},
		"administration":                {riskd.ClassAdmin, 3, "export", 2, 1.2},
		"a higher level":                {riskd.ClassStandard, 4, "", 2, 1.2},
		"a known level without a name":  {riskd.ClassStandard, 3, "", 0, 0},
		"a new action of a known level": {riskd.ClassStandard, 3, "refund", 1, 0.4},
	} {
		w := exporterWalk(t)
		w.Event.Request.Class, w.Event.Privilege = c.class, riskd.Privilege{Level: c.level, Action: c.action}
		f := w.read("privilege_novelty")
		if f.State != riskd.Measured || f.Value != c.value || !near(f.Nats, c.nats) || f.texts["action"] != c.action {
			t.Errorf("%s: %v, %g nats", name, f.Value, f.Nats)
		}
		if f = w.goOn(0).read("privilege_novelty"); f.Value != 0 || f.Nats != 0 {
			t.Errorf("%s, again: %v, %g nats", name, f.Value, f.Nats)
		}
	}
}

// exporterWalk is a user who exports, and nothing more.
func exporterWalk(t *testing.T) *walk {
	w := newWalk(t)
	p := w.Profile
	p.Kinds[riskd.KindRead], p.Kinds[riskd.KindSensitiveRead], p.PrivilegeMax = 300, 20, 3
	p.Actions.See("export", noon, true)
	return w
}

func TestNoveltyIsBounded(t *testing.T) {
	t.Parallel()
	w, sum := exporterWalk(t), 0.0
	for i := range 100 {
		w.Event.Request.Class, w.Event.Privilege = riskd.ClassAdmin, riskd.Privilege{Level: 5, Action: fmt.Sprint("action-", i)}
		f := w.read("privilege_novelty")
		sum += f.Nats
		if f.Nats < 0 || !near(f.numbers["new_nats"], sum) {
			t.Fatalf("%g nats, %g so far, %g added up", f.Nats, f.numbers["new_nats"], sum)
		}
		w.goOn(0)
	}
	if !near(sum, 3.6) {
		t.Errorf("a hundred new actions come to %g nats, want 3.6", sum)
	}
}

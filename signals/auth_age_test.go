package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestAuthAge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age   time.Duration
		class riskd.Class
		nats  float64
	}{
		"fresh":              {time.Second, riskd.ClassSensitive, 0.000832},
		"five minutes":       {5 * time.Minute, riskd.ClassSensitive, 0.1733},
		"a quarter":          {15 * time.Minute, riskd.ClassAdmin, 0.3466},
		"an hour":            {time.Hour, riskd.ClassSensitive, 0.6412},
		"a day":              {24 * time.Hour, riskd.ClassSensitive, 1},
		"ahead":              {-time.Minute, riskd.ClassSensitive, 0},
		"ordinary requests":  {24 * time.Hour, riskd.ClassStandard, 0},
		"assets":             {24 * time.Hour, riskd.ClassOpen, 0},
		"ordinary and fresh": {0, riskd.ClassStandard, 0},
	} {
		w := newWalk(t)
		w.Session.AuthTime, w.Event.Request.Class = w.Now.Add(-c.age), c.class
		f := w.read("auth_age")
		if age := max(0, c.age.Seconds()); f.State != riskd.Measured || f.Value != age || !near(f.Nats, c.nats) {
			t.Errorf("%s: %+v, want value %v and nats %v", name, f.Reading, age, c.nats)
		}
	}
	wantMissing(t, newWalk(t).read("auth_age"), "auth_time")
}

// The evidence is the age's, however many requests it is seen on, and a new proof
// begins anew.
func TestAuthAgeIsWeighedOnce(t *testing.T) {
	t.Parallel()
	w, total := newWalk(t), 0.0
	w.Session.AuthTime, w.Event.Request.Class = noon, riskd.ClassAdmin
	for range 480 {
		total += w.read("auth_age").Nats
		w.goOn(time.Minute)
	}
	if !near(total, 1) {
		t.Errorf("eight hours of administration come to %v nats", total)
	}
	w.Event.Session.AuthTime = w.Now
	want(t, w.read("auth_age"), 0, 0)
	w.goOn(5 * time.Minute)
	want(t, w.read("auth_age"), 300, 0.1733)
}

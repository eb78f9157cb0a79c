package signals_test

import (
	"testing"
	"time"

	"github.com/riskd/riskd"
)

func TestRotatedID(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(w *walk)
		value  float64
		since  float64
	}{
		"never changed":       {func(*walk) {}, 0, 0},
		"on its way":          {func(w *walk) { w.Session.Next, w.Session.NextAt = riskd.SessionID{2}, noon.Add(-2*time.Second) }, 1, 2},
		"half a minute later": {func(w *walk) { w.Session.Next, w.Session.NextAt = riskd.SessionID{2}, noon.Add(-30*time.Second) }, 1, 30},
		"used again":          {func(w *walk) { w.Session.Next, w.Session.NextAt = riskd.SessionID{2}, noon.Add(-31*time.Second) }, 2, 31},
		"told late":           {func(w *walk) { w.Session.Next, w.Session.NextAt = riskd.SessionID{2}, noon.Add(time.Second) }, 0, 0},
		"planted, and changed at the login": {func(w *walk) {
			w.Session.User = ""
			w.Session.Next, w.Session.NextAt = riskd.SessionID{2}, noon.Add(-time.Hour)
		}, 0, 0},
		"two tabs at once":  {func(w *walk) { w.Session.Forked = time.Second }, 1, 1},
		"changed once more": {func(w *walk) { w.Session.Forked = 20 * time.Minute }, 3, 1200},
		"and as it goes on": {func(w *walk) { w.Session.Forked = 20 * time.Minute; w.read("rotated_id") }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWalk(t)
			c.before(w)
			f := w.read("rotated_id")
			if f.State != riskd.Measured || f.Value != c.value || f.numbers["since_s"] != c.since || f.Nats != 0 {
				t.Errorf("value %v after %v s, %v nats; want %v after %v, 0", f.Value, f.numbers["since_s"], f.Nats, c.value, c.since)
			}
		})
	}
}

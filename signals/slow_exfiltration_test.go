package signals_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// reader is a walk of somebody whose answers have some 5000 bytes, 20 s apart.
func reader(t *testing.T) *walk {
	w := newWalk(t)
	w.Profile.Volume = riskd.Moments{N: 500, Mean: float32(riskd.LogBytes(5000)), Var: 1}
	w.Profile.Pace = riskd.Moments{N: 500, Mean: float32(math.Log(20)), Var: 1}
	w.Profile.Kinds[riskd.KindRead] = 400
	w.Event.Request = riskd.Request{Method: http.MethodGet, Route: "/orders"}
	return w
}

func TestSlowExfiltration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		bytes  int64
		class  riskd.Class
		status int
		z      float64
		nats   float64
	}{
		"as usual":                {5000, riskd.ClassStandard, 200, 0, 0},
		"a large answer":          {5_000_000, riskd.ClassStandard, 200, 6.752, 0.6}, // ln(1000)/σ, σ² = (500 + 20·2.25)/520
		"an export":               {200_000, riskd.ClassSensitive, 200, 3.605, 0.6},
		"an export, bytes untold": {0, riskd.ClassSensitive, 0, 0, 0.6},
		"refused":                 {5_000_000, riskd.ClassSensitive, 403, 6.752, 0},
		"a film":                  {500_000_000, riskd.ClassOpen, 200, 11.25, 0},
	} {
		w := reader(t)
		w.Event.Request.Bytes, w.Event.Request.Class, w.Event.Request.Status = c.bytes, c.class, c.status
		f := w.read("slow_exfiltration")
		if f.State != riskd.Measured || !near(f.Nats, c.nats) || math.Abs(f.numbers["deviations"]-c.z) > 0.01 || f.numbers["bytes"] != float64(c.bytes) {
			t.Errorf("%s: %g nats, %v", name, f.Nats, f.numbers)
		}
	}
	w := reader(t)
	wantMissing(t, w.read("slow_exfiltration"), "bytes")
	w.Event.Request.Bytes = 1000
	w.Profile.Volume.N = 19
	wantMissing(t, w.read("slow_exfiltration"), "history")
}

// Reads of sensitive routes as often as ever come to nothing, ten times as often to
// all that there is.
func TestSensitiveReadsAgainstTheHabit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		every       time.Duration
		least, most float64
	}{
		"as ever":      {40 * time.Minute, 0, 1.3},
		"every minute": {time.Minute, 3, 4},
	} {
		w := reader(t)
		w.Event.Request.Class = riskd.ClassSensitive
		sum, most := 0.0, 0.0
		for range 60 {
			sum *= math.Exp2(-w.Gap.Seconds() / behaviourHalfLife.Seconds())
			sum += w.read("slow_exfiltration").Nats
			most = max(most, sum)
			w.goOn(c.every)
		}
		if most < c.least || most > c.most {
			t.Errorf("%s: %g nats, want %g to %g", name, most, c.least, c.most)
		}
	}
}

package signals_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/riskd/riskd"
)

// job is somebody's work: how often he does what, and how.
type job struct {
	kinds [riskd.RequestKinds]float64 // shares
	pause float64                     // seconds, the median
	pages int                         // how many routes he uses of each kind
	bytes [riskd.RequestKinds]float64 // medians
}

var (
	clerk     = job{kinds: mix(0.86, 0.13, 0.008, 0.0015, 0, 0), pause: 10, pages: 12, bytes: sizes}
	exporter  = job{kinds: mix(0.80, 0.12, 0.08, 0, 0, 0), pause: 12, pages: 10, bytes: sizes}
	keeper    = job{kinds: mix(0.80, 0.12, 0.01, 0.003, 0.04, 0.03), pause: 12, pages: 15, bytes: sizes} // administers
	supporter = job{kinds: mix(0.70, 0.20, 0.02, 0.08, 0, 0), pause: 15, pages: 20, bytes: sizes}
	coder     = job{kinds: mix(0.60, 0.395, 0.005, 0, 0, 0), pause: 4, pages: 25, bytes: sizes}
	sizes     = [riskd.RequestKinds]float64{8e3, 1e3, 2e5, 500, 1e4, 500}
)

func mix(shares ...float64) (m [riskd.RequestKinds]float64) {
	copy(m[:], shares)
	return m
}

// but is the job on a day that is busier than others.
func (j job) but(change func(*job)) job {
	change(&j)
	return j
}

// request draws one; more pages than usual are new ones.
func (j *job) request(r *rand.Rand) (riskd.Request, riskd.Privilege, time.Duration) {
	x, total, kind := r.Float64(), 0.0, riskd.KindRead
	for _, share := range j.kinds {
		total += share
	}
	for k, share := range j.kinds {
		if x -= share / total; x < 0 {
			kind = riskd.RequestKind(k)
			break
		}
	}
	in := riskd.Request{
		Method: []string{http.MethodGet, http.MethodPost}[kind%2],
		Class:  []riskd.Class{riskd.ClassStandard, riskd.ClassSensitive, riskd.ClassAdmin}[kind/2],
		Route:  fmt.Sprintf("/%d/%d", kind, r.IntN(j.pages)),
		Bytes:  int64(j.bytes[kind] * math.Exp(r.NormFloat64())), Status: http.StatusOK,
	}
	power := riskd.Privilege{Level: []int{0, 0, 3, 3, 5, 5}[kind]}
	if power.Level > 0 {
		power.Action = []string{"export", "change_credentials", in.Route}[min(int(kind)-2, 2)]
	}
	return in, power, time.Duration(j.pause * math.Exp(r.NormFloat64()) * float64(time.Second))
}

// worker is a walk of somebody who has worked so many days at his job.
func worker(t *testing.T, j job, days int, r *rand.Rand) *walk {
	w := newWalk(t)
	w.Profile = &riskd.Profile{}
	for day := range days {
		at := noon.Add(time.Duration(day-days) * 24 * time.Hour)
		for i := range riskd.HabitsPerDay {
			l := riskd.Lesson{}
			w.Event.Request, w.Event.Privilege, l.Gap = j.request(r)
			if i == 0 {
				l.Gap = 0
			}
			at = at.Add(l.Gap)
			w.Profile.Learn(&l, w.Event, w.Agent, at, i == 0)
		}
	}
	return w
}

// habits are the signals that compare what somebody does with his habit, and what
// one request may say by the default pack.
var habits = map[string]float64{
	"privilege_burst": 1.6, "privilege_novelty": 1.2, "route_novelty": 0.45,
	"slow_exfiltration": 0.6, "pace_change": 0.35, "request_rate": 0.35, "privilege_use": 3.1,
}

// work plays requests and gives the most that the behaviour channel has held, and
// after how many it came to a step-up, 0 if it never did.
func (w *walk) work(j job, requests int, r *rand.Rand) (most float64, at int) {
	sum := 0.0
	for i := range requests {
		var gap time.Duration
		w.Event.Request, w.Event.Privilege, gap = j.request(r)
		w.goOn(gap)
		sum *= math.Exp2(-gap.Seconds() / behaviourHalfLife.Seconds())
		for name, limit := range habits {
			if f := w.read(name); f.State == riskd.Measured {
				sum += min(f.Nats, limit)
			}
		}
		sum = min(max(sum, 0), 14)
		if most = max(most, sum); most >= stepUpNats && at == 0 {
			at = i + 1
		}
	}
	return most, at
}

// Days of honest people, among them their busiest, end without a step-up.
func TestDaysOfWork(t *testing.T) {
	t.Parallel()
	newFeature := func(j *job) { j.pages += 6 }
	for name, c := range map[string]struct {
		usual, today job
		days         int
		requests     int
	}{
		"clerk":                            {clerk, clerk, 20, 400},
		"clerk, a month after the first":   {clerk, clerk, 3, 400},
		"clerk, and a new feature":         {clerk, clerk.but(newFeature), 20, 400},
		"clerk who is in a hurry":          {clerk, clerk.but(func(j *job) { j.pause = 6 }), 20, 400},
		"accountant at the month's end":    {exporter, exporter.but(func(j *job) { j.kinds[riskd.KindSensitiveRead] = 0.25 }), 40, 200},
		"administrator":                    {keeper, keeper, 20, 400},
		"administrator on a busy day":      {keeper, keeper.but(func(j *job) { j.kinds = mix(0.6, 0.1, 0.01, 0, 0.18, 0.11) }), 40, 200},
		"support agent":                    {supporter, supporter, 20, 400},
		"support agent on a Monday":        {supporter, supporter.but(func(j *job) { j.pause = 8; j.kinds[riskd.KindSensitiveWrite] = 0.12 }), 20, 300},
		"developer at the interface":       {coder, coder, 20, 400},
		"developer with a script of calls": {coder, coder.but(func(j *job) { j.pause = 1.5; j.pages = 5 }), 20, 300},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alarms, worst := 0, 0.0
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 7))
				most, at := worker(t, c.usual, c.days, r).work(c.today, c.requests, r)
				worst = max(worst, most)
				if at > 0 {
					alarms++
				}
			}
			if alarms > 0 {
				t.Errorf("%d of 20 days come to a step-up; the worst to %.1f nats", alarms, worst)
			}
		})
	}
}

// What attackers do in a session of the user's own machine and network reaches a
// step-up; the targets of the delay are those of bench/detection.
func TestAttacksByBehaviour(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		usual, attack job
		requests      int
		median        int     // requests until the step-up
		caught        float64 // share at least
	}{
		"administration by a clerk's session": {clerk, clerk.but(func(j *job) { j.kinds = mix(0.2, 0.1, 0, 0, 0.35, 0.35); j.pause = 2 }), 20, 8, 1},
		"slow exfiltration":                   {clerk, clerk.but(func(j *job) { j.kinds = mix(0.65, 0, 0.35, 0, 0, 0); j.pause = 8 }), 60, 18, 0.95},
		"an insider who administers":          {keeper, keeper.but(func(j *job) { j.kinds = mix(0, 0, 0.5, 0, 0.3, 0.2) }), 40, 20, 0.9},
		"an insider who exports":              {clerk, clerk.but(func(j *job) { j.kinds = mix(0.5, 0, 0.5, 0, 0, 0) }), 40, 14, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var after []int
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 8))
				if _, at := worker(t, c.usual, 15, r).work(c.attack, c.requests, r); at > 0 {
					after = append(after, at)
				}
			}
			t.Logf("%d of 20 after a median of %d requests", len(after), median(after))
			if float64(len(after)) < c.caught*20 || median(after) > c.median {
				t.Errorf("%d of 20 come to a step-up, after a median of %d requests; want %g of them, %d", len(after), median(after), c.caught, c.median)
			}
		})
	}
}

func median(n []int) int {
	if len(n) == 0 {
		return 0
	}
	n = append([]int(nil), n...)
	for i := range n { // few
		for k := i; k > 0 && n[k] < n[k-1]; k-- {
			n[k], n[k-1] = n[k-1], n[k]
		}
	}
	return n[len(n)/2]
}

// A user who is new is compared with nobody's habits.
func TestHabitsNeedAHistory(t *testing.T) {
	t.Parallel()
	for name := range habits {
		switch name {
		case "request_rate", "privilege_use": // compare with the session, the population
			continue
		}
		r := rand.New(rand.NewPCG(1, 9))
		w := worker(t, clerk, 20, r)
		w.Event.Request, w.Event.Privilege, _ = clerk.request(r)
		if f := w.read(name); f.State != riskd.Measured {
			t.Errorf("%s: with a history it misses %q", name, f.Missing)
		}
		w.Profile.Sessions = riskd.YoungProfile - 1
		wantMissing(t, w.read(name), "history")
	}
}

// A proof clears what was added up, and nothing is taken back of it.
func TestAProofEndsWhatWasAddedUp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 10))
	w := worker(t, clerk, 20, r)
	hoard := clerk.but(func(j *job) { j.kinds = mix(0, 0, 1, 0, 0, 0); j.pause = 3 })
	w.work(hoard, 10, r)
	if f := w.read("privilege_burst"); f.Value < 10 {
		t.Fatalf("ten exports come to %g nats", f.Value)
	}
	w.Session.ProvedAt = w.Now
	w.Event.Request, w.Event.Privilege, _ = clerk.request(r)
	w.Event.Request.Class, w.Event.Request.Method, w.Event.Privilege = riskd.ClassStandard, http.MethodGet, riskd.Privilege{}
	for _, name := range []string{"privilege_burst", "slow_exfiltration", "pace_change"} {
		if f := w.read(name); f.Nats < 0 {
			t.Errorf("%s takes back %g nats of what the proof has cleared", name, f.Nats)
		}
	}
}

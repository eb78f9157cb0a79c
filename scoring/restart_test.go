package scoring_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/riskd/riskd"
	"github.com/riskd/riskd/scoring"
	"github.com/riskd/riskd/sessions"
	"github.com/riskd/riskd/signals"
)

// said is what a decision came to, to the last bit.
type said struct {
	outcome         riskd.Outcome
	source          riskd.Source
	score           int
	nats            [3]uint64
	reasons, missed string
}

// A process that is ended and begun again, however often, decides as one that never
// was: sessions, cells, profiles and crowd are all there.
func TestRestartsChangeNothing(t *testing.T) {
	t.Parallel()
	const events = 500
	pack := realEngine(t).Options
	play := func(seed uint64, restarts bool) (all []said) {
		fs := vfs.NewMem()
		var store *sessions.Store
		var record *riskd.Record
		open := func() *scoring.Engine {
			s, err := sessions.New(sessions.Options{
				Dir: "data", FS: fs, ReadDeadline: time.Minute, Cells: signals.CellNames(),
				Pseudonym: func(tenant, id string) string { return tenant + "/" + id },
			})
			if err != nil {
				t.Fatal(err)
			}
			store = s
			o := pack
			o.Memory = store
			o.Record = func(r *riskd.Record) { c := *r; record = &c }
			engine, err := scoring.New(o)
			if err != nil {
				t.Fatal(err)
			}
			return engine
		}
		engine := open()
		defer func() {
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		}()
		world, stops := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
		b, now := &biography{t: t}, lifeBegins
		for i := range events {
			if restarts && stops.IntN(12) == 0 {
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				engine = open()
			}
			e, began := randomEvent(b, world, now)
			b.engine = engine
			d := b.engine.Decide(context.Background(), e, now)
			s := said{outcome: d.Outcome, source: d.Source, score: d.Score, missed: fmt.Sprint(d.Missing, d.Degraded, began)}
			s.nats = [3]uint64{math.Float64bits(record.Nats.Identity), math.Float64bits(record.Nats.Behaviour), math.Float64bits(record.Nats.Request)}
			for k := range d.Reasons {
				s.reasons += fmt.Sprint(d.Reasons[k].Code, d.Reasons[k].Points, math.Float64bits(d.Reasons[k].Nats), " ")
			}
			all = append(all, s)
			now = now.Add(time.Duration(world.Int64N(int64(20 * time.Second))))
			if i%20 == 19 { // so that histories grow
				now = now.Add(time.Duration(world.Int64N(int64(24 * time.Hour))))
			}
		}
		return all
	}
	for seed := range uint64(3) {
		want, got := play(seed, false), play(seed, true)
		alarms := 0
		for i := range want {
			if want[i] != got[i] {
				t.Fatalf("seed %d, event %d: with restarts %+v, without %+v", seed, i, got[i], want[i])
			}
			if want[i].outcome != riskd.Allow {
				alarms++
			}
		}
		if alarms < 5 || alarms > events-50 {
			t.Errorf("seed %d: %d of %d aren't allowed, which shows too little", seed, alarms, events)
		}
	}
}

// randomEvent is one of a few users' in one of their sessions, mostly honest.
func randomEvent(b *biography, r *rand.Rand, now time.Time) (*riskd.Event, time.Time) {
	user := fmt.Sprint("user-", r.IntN(5))
	began := now.Truncate(6 * time.Hour)
	f := features{}
	if r.IntN(25) == 0 {
		f = features{
			network: r.IntN(2) == 0, device: r.IntN(3) == 0, fingerprint: r.IntN(3) == 0,
			agent: r.IntN(3) == 0, stack: r.IntN(3) == 0, work: r.IntN(2) == 0,
		}
	}
	e := b.event(user, fmt.Sprint(user, began.Unix()), r.IntN(100), f)
	e.Session.StartedAt, e.Session.AuthTime = began, began
	if r.IntN(10) == 0 {
		e.Session.AuthTime, e.Session.ACR, e.Session.AMR = now, "aal2", []string{"mfa"}
	}
	return e, began
}

package simulate

import (
	"math"
	"testing"

	"github.com/riskd/riskd"
)

// Attackers come from networks in which users are, too, and no address of theirs is of
// a prefix that nobody else has: that would tell them by itself.
func TestAttackersAreWhereUsersAre(t *testing.T) {
	t.Parallel()
	peopled := map[prefix]bool{}
	strange := map[riskd.NetworkKind]float64{}
	all := map[riskd.NetworkKind]float64{}
	var stolen []event
	live(t, Options{Seed: 2, Users: 500, Days: 60, Warmup: 25, Attacks: 40}, func(_ *stream, e *event) {
		switch {
		case e.told != nil:
		case e.crime == nil:
			peopled[e.prefix] = true
		case e.prefix.country() == 0: // of others there are too few users to borrow from
			stolen = append(stolen, *e)
		}
	})
	for i := range stolen {
		p := stolen[i].prefix
		all[p.kind()]++
		if !peopled[p] {
			strange[p.kind()]++
		}
	}
	for kind, most := range map[riskd.NetworkKind]float64{
		riskd.NetworkHosting: 0.01, riskd.NetworkVPN: 0.01, riskd.NetworkMobile: 0.02,
		riskd.NetworkBusiness: 0.05, riskd.NetworkResidential: 0.15, // a donor who has just moved
	} {
		if share := strange[kind] / all[kind]; all[kind] < 100 || share > most {
			t.Errorf("%.3f of %g requests from %s networks come from where nobody is; want %g at most", share, all[kind], kind, most)
		}
	}
}

// A family that asks for certain victims leaves the others' choice as it was.
func TestVictimsAreAnybody(t *testing.T) {
	t.Parallel()
	sim, err := New(Options{Seed: 2, Users: 500, Days: 60, Warmup: 25, Attacks: 60})
	if err != nil {
		t.Fatal(err)
	}
	w := sim.world
	type count struct{ n, password, rotates float64 }
	var everybody count
	victims := map[Family]*count{}
	for i := range w.Users {
		u := w.newUser(i)
		note := func(c *count) {
			c.n++
			if !u.mfa {
				c.password++
			}
			if u.rotates {
				c.rotates++
			}
		}
		for s, ok := u.schedule.next(w, u); ok; s, ok = u.schedule.next(w, u) {
			if s.start >= w.begin+int64(w.Warmup)*day && w.seasoned(&s) {
				note(&everybody)
			}
		}
		for _, p := range sim.crimes[i] {
			if victims[p.family] == nil {
				victims[p.family] = &count{}
			}
			note(victims[p.family])
		}
	}
	for f, c := range victims {
		for _, x := range [...]struct {
			what      string
			got, want float64
			wanted    bool // by the family itself
		}{
			{"sign in with a password alone", c.password / c.n, everybody.password / everybody.n, f == F5 || f == F13},
			{"have ids that are changed", c.rotates / c.n, everybody.rotates / everybody.n, f == F14},
		} {
			if far := 3.5 * math.Sqrt(x.want*(1-x.want)/c.n); !x.wanted && math.Abs(x.got-x.want) > far {
				t.Errorf("%s: %.2f of the victims %s, and %.2f of those there are; want ± %.2f", f, x.got, x.what, x.want, far)
			}
		}
	}
}

package simulate

import (
	"testing"
)

// live runs a simulation and shows every event, without writing anything.
func live(t *testing.T, o Options, visit func(s *stream, e *event)) {
	t.Helper()
	sim, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	st := newStream(sim.world, sim.plans())
	var e event
	for st.next(&e) {
		visit(st, &e)
	}
}

// address of an event's client.
func (e *event) ip() uint64 { return uint64(e.prefix)<<8 | uint64(e.host) }

// The gate of detection.md §4.2: what share of sessions moves, and table 2.1, the
// share of logins from an address new to the user by the time since he was last seen.
func TestPopulationMovesAsCounted(t *testing.T) {
	t.Parallel()
	type seen struct {
		ip      uint64
		asn     uint32
		country int
		changed [3]bool
	}
	type past struct {
		at    int64
		known map[uint64]bool
	}
	var sessions, changed [3]float64
	last := map[*session]*seen{}
	users := map[int]*past{}
	limits := [...]int64{minute, 10 * minute, hour, day, 7 * day, 30 * day, never}
	var logins, fresh [len(limits)]float64
	for _, o := range []Options{
		{Preset: Workforce, Seed: 1, Users: 250, Days: 70},
		{Preset: Consumer, Seed: 1, Users: 1200, Days: 400},
	} {
		clear(users)
		live(t, o, func(s *stream, e *event) {
			if e.told != nil || !e.signedIn {
				return
			}
			if o.Preset == Workforce {
				x := last[e.session]
				if x == nil {
					x = &seen{e.ip(), e.prefix.asn(), e.prefix.country(), [3]bool{}}
					last[e.session] = x
					sessions[0]++
				}
				for i, differs := range [...]bool{x.ip != e.ip(), x.asn != e.prefix.asn(), x.country != e.prefix.country()} {
					if differs && !x.changed[i] {
						x.changed[i] = true
						changed[i]++
					}
				}
			}
			u := users[e.actor.user.number]
			if u == nil {
				u = &past{known: map[uint64]bool{}}
				users[e.actor.user.number] = u
			}
			if e.kind == signsIn && u.at != 0 {
				i := 0
				for e.at-u.at >= limits[i] {
					i++
				}
				logins[i]++
				if !u.known[e.ip()] {
					fresh[i]++
				}
			}
			u.at, u.known[e.ip()] = e.at, true
		})
	}
	for i, want := range [...]struct {
		name      string
		low, high float64
	}{{"address", 0.08, 0.16}, {"network", 0.035, 0.08}, {"country", 0.001, 0.006}} {
		if share := changed[i] / sessions[0]; share < want.low || share > want.high {
			t.Errorf("%.4f of %g sessions change their %s; want %.4f to %.4f", share, sessions[0], want.name, want.low, want.high)
		} else {
			t.Logf("%.4f of sessions change their %s", share, want.name)
		}
	}
	for i, want := range [...]float64{0.024, 0.054, 0.120, 0.223, 0.351, 0.539, 0.759} {
		share := fresh[i] / logins[i]
		t.Logf("gap class %d: %.3f of %g logins from a new address, counted %.3f", i, share, logins[i], want)
		if limits[i] > hour && (share < want-0.1 || share > want+0.1) {
			t.Errorf("gap class %d: %.3f of %g logins from a new address; want %.3f ± 0.1", i, share, logins[i], want)
		}
	}
}

// What a simulation holds is bounded by its users: a few actors each, whatever has
// been lived through.
func TestMemoryGrowsWithUsersOnly(t *testing.T) {
	t.Parallel()
	most := 0
	live(t, Options{Seed: 1, Users: 40, Days: 60, Warmup: 30, Attacks: 2}, func(s *stream, e *event) {
		if e.number%64 != 0 {
			return
		}
		held := 0
		for _, u := range s.users {
			held += len(u.actors) + len(u.news) + len(u.schedule.waiting)
		}
		most = max(most, held)
	})
	if most > 4*40 {
		t.Errorf("%d things were held at once for 40 users", most)
	}
}

// Honest sessions end before the limits of the default pack would end them, and so
// do those that somebody else has come to.
func TestSessionsKeepTheirLimits(t *testing.T) {
	t.Parallel()
	type old struct {
		*session
		rotation uint32
	}
	last, used := map[*session]int64{}, map[old]int64{}
	live(t, Options{Seed: 3, Users: 150, Days: 60, Warmup: 20, Attacks: 20}, func(_ *stream, e *event) {
		if e.told != nil {
			return
		}
		idle, absolute := int64(idleLimit), int64(absoluteLimit)
		if e.actor.user.admin {
			idle, absolute = idleLimitAdmin, absoluteLimitAdmin
		}
		if at, ok := last[e.session]; ok && e.at-at >= idle {
			t.Errorf("event %d of %s comes %d min after the one before", e.number, e.family(), (e.at-at)/minute)
		}
		if e.at-e.session.start >= absolute {
			t.Errorf("event %d of %s comes %d min after the session's begin", e.number, e.family(), (e.at-e.session.start)/minute)
		}
		last[e.session] = e.at
		id := old{e.session, e.rotation}
		if at, ok := used[id]; ok && e.at-at >= idle {
			t.Errorf("event %d of %s uses an id %d min after its last use", e.number, e.family(), (e.at-at)/minute)
		}
		used[id] = e.at
	})
}

func (e *event) family() Family {
	if e.crime == nil {
		return ""
	}
	return e.crime.family
}

func TestArchetypesAreThere(t *testing.T) {
	t.Parallel()
	w := newWorld(Options{Preset: Workforce, Variant: Noise, Seed: 1, Users: 3000, Days: 1, From: DefaultFrom})
	count := map[string]float64{}
	for i := range w.Users {
		count[w.newUser(i).archetype.String()] += 1 / float64(w.Users)
	}
	for name, want := range map[string]float64{"relay": 0.03, "vpn": 0.115, "admin": 0.068, "nat": 0.03, "traveller": 0.09, "plain": 0.58, "mobile": 0.07} {
		if share := count[name]; share < 0.75*want || share > 1.35*want {
			t.Errorf("%.3f of users are %s; want about %.3f", share, name, want)
		}
	}
}
